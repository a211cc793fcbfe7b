package proxy

import (
	"errors"
	"slices"

	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transaction"
)

var errRestarted = errors.New("the service was restarted")

// A cutOff is what a request gets that a restart ends.
type cutOff struct {
	status  int
	headers []string
}

// What who asked can do about it.
const (
	sendAgain  = "; send the request again"
	mayBeThere = "; the request may have been delivered, so it is not to be sent again by itself"
)

// Restart ends what is under way here, as the restart of the service sip_proxy does: requests without a final answer get
// 503, or 504 when they must not be delivered twice and may have been delivered; connections are closed after that went out, and what is known of next hops is forgotten. Who asks afterwards is served
// as ever. It is for the caller to close the listeners before, so that nobody connects meanwhile. It returns how many
// requests were cut off.
func (p *Proxy) Restart() (cut int) {
	policy := p.policy.Load()
	if policy == nil || p.network == nil {
		return 0
	}
	const what = "the SIP proxy of this node was restarted"
	again := cutOff{503, []string{"Retry-After: 1", warning(policy.Node(), what+sendAgain)}}
	doubtful := cutOff{504, []string{warning(policy.Node(), what+mayBeThere)}}
	for _, r := range p.relays(func(*attempt) bool { return true }) {
		if r.cut(again, doubtful) {
			cut++
		}
	}
	// Of those whose hop answered 100, or is being connected to, only the transaction is at hand.
	p.table.EachUnanswered(func(s *transaction.Server) {
		m := new(sip.Message)
		if !s.Read(m) {
			return // answered meanwhile
		}
		a := again
		if onlyOnce(m.Method()) {
			a = doubtful
		}
		s.Respond(m.AppendAnswer(nil, sip.Answer{Status: a.status, Headers: a.headers, ToTag: p.tag()}), a.status)
		p.metrics.Response(a.status, 0)
		cut++
	})
	for _, pl := range p.allPlaces() {
		pl.renew()
	}
	for _, l := range p.network.Links() {
		l.Retire(errRestarted)
	}
	return cut
}

// RestartConnector leaves the connections to this node's connector, and those from it, as the restart of the service
// sip_federation does: requests that it had not answered get 480, or 504 as by Restart, and the next one connects anew.
func (p *Proxy) RestartConnector() (cut int) {
	policy := p.policy.Load()
	if policy == nil || p.network == nil {
		return 0
	}
	const what = "the SIP Federation Connection Manager of this node was restarted"
	again := cutOff{480, []string{warning(policy.Node(), what+sendAgain)}}
	doubtful := cutOff{504, []string{warning(policy.Node(), what+mayBeThere)}}
	toConnector := func(a *attempt) bool { return a.place.current().Kind == routing.ConnectorHop }
	for _, r := range p.relays(toConnector) {
		if r.cut(again, doubtful) {
			cut++
		}
	}
	for _, pl := range p.allPlaces() {
		if pl.current().Kind == routing.ConnectorHop {
			pl.renew()
		}
	}
	for _, l := range p.network.Links() {
		if hop := policy.Back(peerOf(l.Peer())); hop != nil && hop.Kind == routing.ConnectorHop {
			l.Retire(errRestarted)
		}
	}
	return cut
}

// relays are the requests under way whose present attempt a test lets pass, as far as they are known by their connection
// or as an INVITE.
func (p *Proxy) relays(wanted func(*attempt) bool) (list []*relay) {
	p.table.EachUnanswered(func(s *transaction.Server) {
		if r, ok := s.Back().(*relay); ok && r.rings() {
			list = append(list, r)
		}
	})
	for _, w := range p.wires.all() {
		list = append(list, w.relays()...)
	}
	return slices.DeleteFunc(list, func(r *relay) bool {
		r.mu.Lock()
		a := r.current
		r.mu.Unlock()
		return a == nil || !wanted(a)
	})
}

// rings reports whether it is an INVITE under way.
func (r *relay) rings() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.underWay() && r.server.Invite() && !r.done
}

func (w *wire) relays() (list []*relay) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for a := w.first; a != nil; a = a.next {
		list = append(list, a.relay)
	}
	return list
}

// cut answers a request at once, unless it is answered already, and calls an INVITE back where it rings. doubtful is for
// what must not be delivered twice and may have reached a hop.
func (r *relay) cut(again, doubtful cutOff) (won bool) {
	r.mu.Lock()
	a, won := r.current, !r.done
	answer := again
	if r.once && (r.taken || a != nil && a.written) {
		answer = doubtful
	}
	r.mu.Unlock()
	r.finish(answer.status, answer.headers)
	if a != nil {
		a.giveUp()
	}
	return won
}

// renew forgets what is known of a hop and leaves its connection.
func (pl *place) renew() {
	pl.mu.Lock()
	w := pl.wire
	pl.wire = nil
	pl.clear()
	pl.mu.Unlock()
	if w != nil {
		w.Close(errRestarted)
	}
}
