package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"isthmus/internal/metrics"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
)

var (
	errNoPolicy     = errors.New("no configuration is in force yet")
	errRefused      = errors.New("the peer is not admitted")
	errServiceOff   = errors.New("the SIP proxy service is off")
	errUnanswerable = errors.New("the message cannot be answered")
)

// buffers are reused for what is written once and copied by whoever keeps it.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// warning is a Warning header line. 399 is "miscellaneous" (RFC 3261 section 20.43).
func warning(node, text string) string {
	return fmt.Sprintf("Warning: 399 %s \"%s\"", node, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text))
}

// answer makes the response that a decision asks for.
func (p *Proxy) answer(in *incoming, d routing.Decision) {
	headers := d.Headers
	if d.Warning != "" {
		headers = append(headers[:len(headers):len(headers)], warning(in.policy.Node(), d.Warning))
	}
	p.respond(in, d.Status, headers)
	if d.Status < 300 {
		p.metrics.Request(in.message.Method(), metrics.Answered)
		return
	}
	p.metrics.Request(in.message.Method(), metrics.Refused)
	p.refused(in, d)
}

// respond answers a request that is in the hand.
func (p *Proxy) respond(in *incoming, status int, headers []string) {
	b := buffers.Get().(*[]byte)
	*b = in.message.AppendAnswer((*b)[:0], p.reply(in.link, status, headers))
	in.relay.server.Respond(*b, status)
	buffers.Put(b)
	p.metrics.Response(status, 0)
}

func (p *Proxy) reply(l Link, status int, headers []string) sip.Answer {
	remote := l.Peer().Remote
	a := sip.Answer{Status: status, Headers: headers, Received: remote.Addr(), RPort: int(remote.Port())}
	if status != 100 {
		a.ToTag = p.tag()
	}
	return a
}

// drop ends a request that is never answered.
func (p *Proxy) drop(in *incoming, d routing.Decision) {
	p.metrics.Request(in.message.Method(), metrics.Dropped)
	if d.Status != 0 {
		p.refused(in, d)
	}
}

// refused logs a refusal, with the literal reason in front where there is one.
func (p *Proxy) refused(in *incoming, d routing.Decision) {
	label := d.Log
	if label == "" {
		label = fmt.Sprint(d.Status)
	}
	p.metrics.Refusal(label)
	p.logRequest(slog.LevelWarn, "request refused", in, reasonWith(d.Log, d.Reason))
}

func reasonWith(literal, sentence string) string {
	if literal == "" || strings.HasPrefix(sentence, literal) {
		return sentence
	}
	return literal + ": " + sentence
}

func (p *Proxy) logRequest(level slog.Level, msg string, in *incoming, reason string) {
	p.logMessage(level, msg, in.policy, in.link, in.message, reason)
}

func (p *Proxy) logMessage(level slog.Level, msg string, policy *routing.Policy, l Link, m *sip.Message, reason string) {
	p.log.Log(context.Background(), level, msg, "node", policy.Node(), "peer", l.Peer().Remote.String(), "call_id", string(m.CallID()),
		"method", m.Method(), "reason", reason, "revision", policy.Revision)
}
