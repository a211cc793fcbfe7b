package proxy

import (
	"log/slog"
	"net/netip"

	"isthmus/internal/metrics"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
)

// accept refuses an address that was turned away too often to be heard.
func (p *Proxy) accept(remote netip.Addr, t sip.Transport) bool {
	addr, now := remote.Unmap(), p.clock.Now()
	return !p.bans.banned(addr, now) && (t != sip.UDP || !p.forged.banned(addr, now))
}

// refusals counts what was turned away. What came over UDP shuts out nobody who connects, as its address may be forged.
func (p *Proxy) refusals(t sip.Transport) *bans {
	if t == sip.UDP {
		return &p.forged
	}
	return &p.bans
}

// turnAway refuses a message of a peer that is not admitted, and closes the connection. It makes no transaction: what
// strangers send costs nothing afterwards.
func (p *Proxy) turnAway(policy *routing.Policy, l Link, m *sip.Message, v routing.Verdict) {
	msg := "response refused"
	if !m.IsResponse() {
		msg = "request refused"
		p.metrics.Request(m.Method(), metrics.Refused)
		p.metrics.Refusal(v.Log)
	}
	t, addr := l.Peer().Transport, l.Peer().Remote.Addr().Unmap()
	if t == sip.UDP && !p.flooded.passes(p.clock.Now()) {
		return
	}
	if method := m.Method(); method != "ACK" && method != "BENOTIFY" && m.Answerable() {
		a := p.reply(l, v.Status, []string{warning(policy.Node(), v.Warning)})
		_ = l.Send(m.AppendAnswer(nil, a)) // a peer that is gone needs no refusal
		p.metrics.Response(v.Status, 0)
	}
	// Compression is only talk, and a node's address must never be shut out by one TLS client that shows no name.
	if v.Ban && m.Method() != "NEGOTIATE" && !policy.Lists(addr) {
		p.refusals(t).count(addr, p.clock.Now())
	}
	if t == sip.UDP || p.lists(policy, addr) || p.turned.passes(p.clock.Now()) {
		p.logMessage(slog.LevelWarn, msg, policy, l, m, reasonWith(v.Log, v.Reason))
	}
	l.Retire(errRefused)
}

// malformed answers what could not be read, where it can be answered; else it closes the connection, after the answers to
// what came before. A response that could not be read is only discarded (RFC 4475 sections 3.1.2.5 and 3.1.2.19): others
// wait for theirs on the connection. Requests go out only over connections that this node opened: on others who sends a
// response is judged as who asks.
func (p *Proxy) malformed(l Link, m *sip.Message, fault *sip.Error) {
	p.metrics.Malformed()
	if fault == transport.SpeaksTLS {
		p.handshakeFailed(l.Peer(), transport.ErrSpeaksTLS)
	}
	policy := p.policy.Load()
	if policy == nil {
		l.Close(errNoPolicy)
		return
	}
	if !l.Peer().Opened || !m.IsResponse() {
		var ok bool
		if policy, _, ok = p.admitted(policy, l, m); !ok {
			return
		}
	}
	if m.IsResponse() {
		p.logMessage(slog.LevelWarn, "response discarded", policy, l, m, fault.Reason)
		return
	}
	if fault != transport.SpeaksTLS { // which was told above
		p.logMessage(slog.LevelWarn, "message refused", policy, l, m, fault.Reason)
	}
	switch {
	case !m.Answerable():
		if !fault.Close { // which the transport sees to, by its longer limit
			l.Retire(errUnanswerable)
		}
	case m.Method() != "ACK" && m.Method() != "BENOTIFY":
		a := p.reply(l, fault.Status, []string{warning(policy.Node(), fault.Reason)})
		_ = l.Send(m.AppendAnswer(nil, a))
		p.metrics.Response(fault.Status, 0)
	}
}

// refuseMalformed answers a request whose Request-URI or Route turned out to be no address.
func (p *Proxy) refuseMalformed(in *incoming, err error) {
	d := routing.Decision{Status: 400, Reason: err.Error(), Warning: err.Error()}
	if in.relay == nil {
		p.drop(in, d)
		return
	}
	p.answer(in, d)
}

// SetPolicy puts a policy in force. Requests that come from now on are judged by it; those on their way keep theirs.
// Open connections whose peer is not admitted any more are closed. Config.TLS has to know the new configuration already.
func (p *Proxy) SetPolicy(policy *routing.Policy) {
	p.keepNames(p.policy.Load(), policy)
	p.policy.Store(policy)
	p.keepNames(policy)
	p.bans.lift(p.listedBy(policy))
	p.forged.lift(p.listedBy(policy))
	if p.network == nil {
		return
	}
	for _, l := range p.network.Links() {
		p.judge(policy, l)
	}
	p.refit(policy)
}

// up judges the certificate of a connection that has just come up: it may have been let in by a configuration that a
// change replaced during the handshake. All else is asked for each request.
func (p *Proxy) up(l Link) {
	if policy := p.policy.Load(); policy != nil {
		p.certified(policy, l)
	}
}

// judge closes a connection that the policy forbids, once what its peer had asked is answered. A connection that this node opened serves its own requests: whether
// its peer is on the incoming list is asked for each request that comes back over it.
func (p *Proxy) judge(policy *routing.Policy, l Link) {
	peer := l.Peer()
	if !p.certified(policy, l) || peer.Opened {
		return
	}
	if !policy.Serves() {
		l.Retire(errServiceOff)
		return
	}
	p.judgeAddress(policy, l)
}

// certified closes a connection whose certificates are not good any more, and reports whether they are.
func (p *Proxy) certified(policy *routing.Policy, l Link) bool {
	peer := l.Peer()
	if peer.Transport != sip.TLS || p.config.Recheck == nil {
		return true
	}
	until, err := p.config.Recheck(peer)
	if err == nil {
		p.dated.note(l, until)
		return true
	}
	p.log.Warn("connection closed", "node", policy.Node(), "peer", peer.Remote.String(), "reason", err.Error(), "revision", policy.Revision)
	l.Retire(err)
	return false
}
