package proxy

import (
	"fmt"
	"strings"
	"sync"

	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transaction"
)

// A probe is one OPTIONS to a hop: any answer but 503 is good.
type probe struct {
	place *place
	era   int
	wire  *wire // nil until there is one
	again bool  // it is the second question
	once  sync.Once
	timer transaction.Timer
}

// probe asks a hop whether it is there. It returns before the answer comes.
func (pl *place) probe(era int) {
	policy := pl.proxy.policy.Load()
	if policy == nil || pl.proxy.stopped.Load() {
		return
	}
	if !policy.Leads(pl.key) { // what was under way to a hop that is gone has failed since
		pl.forget()
		return
	}
	(&probe{place: pl, era: era}).ask(policy)
}

func (pb *probe) ask(policy *routing.Policy) {
	pb.place.connect(func() {}, func(w *wire, err error) {
		if err != nil {
			pb.end(false, reasonOf(err))
			return
		}
		pb.send(policy, w)
	})
}

// elsewhere asks again when the connection was one that this node was just leaving, which says nothing of the hop. The
// second question is a probe of its own; this one then never ends.
func (pb *probe) elsewhere(policy *routing.Policy, w *wire) bool {
	if pb.again || !w.awaitLeft() || !pb.timer.Stop() {
		return false
	}
	second := &probe{place: pb.place, era: pb.era, again: true}
	go pb.place.proxy.guard(func() { second.ask(policy) })
	return true
}

func (pb *probe) end(good bool, reason string) {
	pb.once.Do(func() {
		if pb.timer != nil {
			pb.timer.Stop()
		}
		if !good && pb.wire != nil {
			pb.place.turn(pb.wire) // the next probe asks another address, if there is one
		}
		pb.place.judged(pb.era, good, reason)
	})
}

func (pb *probe) send(policy *routing.Policy, w *wire) {
	p := pb.place.proxy
	pb.wire = w
	hop := pb.place.current()
	b, branch := p.options(policy, hop, w)
	var client *transaction.Client
	ready := make(chan struct{}) // the timer may ring before Send returns
	defer close(ready)           // also after a fault in it: the timer then ends the probe
	pb.timer = p.clock.AfterFunc(probeLimit, func() {
		p.guard(func() {
			<-ready
			if client != nil {
				client.End()
			}
			pb.end(false, unanswered(w))
		})
	})
	sent := new(transaction.Client)
	p.table.Send(sent, transaction.ClientRequest{
		Branch: branch, Method: "OPTIONS", Bytes: b, Reliable: !w.datagrams, User: asking{pb, policy}, Tally: &w.live,
	})
	client = sent
}

// asking is a probe as the user of its transaction, under a policy.
type asking struct {
	*probe
	policy *routing.Policy
}

func (a asking) Write(b []byte) error { return a.wire.Send(b) }

func (a asking) Response(m *sip.Message) {
	a.wire.heard.Store(true)
	if m.Status() >= 200 {
		a.end(m.Status() != 503, "answered 503")
	}
}

func (a asking) TransportError(err error) {
	a.place.abandon(a.wire)
	if !a.elsewhere(a.policy, a.wire) {
		a.end(false, a.wire.lossAfter(err).reason)
	}
}

// Timeout does nothing, as the probe has a shorter limit of its own.
func (asking) Timeout() {}

// unanswered says why no answer came.
func unanswered(w *wire) string {
	if err := w.Err(); err != nil {
		return w.lossNow(err).reason
	}
	return "no answer"
}

// options writes the probe. It names this node by FQDN in its Contact, without which Microsoft servers do not answer.
func (p *Proxy) options(policy *routing.Policy, hop *routing.Hop, w *wire) (b, branch []byte) {
	host := hop.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	via := []byte(policy.Via(hop.Transport))
	branch = p.branch(nil, 0, w.exit(p.next(hop)), routing.Inside)
	via = append(via, branch...)
	contact := policy.AppendRecordRoutes(nil, hop.Transport, 0, hop.Transport)[0]
	return fmt.Appendf(nil, "OPTIONS sip:%s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: <sip:%s>;tag=%s\r\nTo: <sip:%s>\r\n"+
		"Call-ID: %s@%s\r\nCSeq: 1 OPTIONS\r\nContact: %s\r\nUser-Agent: Isthmus\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n",
		host, via, policy.Node(), p.tag(), host, p.tag(), policy.Node(), strings.Replace(string(contact), ";lr>", ">", 1)), branch
}
