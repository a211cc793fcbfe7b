package proxy

import (
	"net/netip"

	"isthmus/internal/names"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
)

// admitted judges who sent a message, and turns away who may not. Where names of the incoming ACL can change the verdict
// it waits for a first look-up, which delays this connection alone; then the policy may be another. A listener's datagrams
// share one goroutine, so over UDP the request is left to come again (RFC 3261 section 17.1.2.2).
func (p *Proxy) admitted(policy *routing.Policy, l Link, m *sip.Message) (*routing.Policy, routing.Verdict, bool) {
	peer := peerOf(l.Peer())
	waits := l.Peer().Transport.Reliable()
	if waits && p.config.Names != nil && policy.NeedsNames(peer) {
		l.Wait(func() { p.config.Names.Await(peer.Addr) })
		policy = p.policy.Load()
	}
	v, state := p.admit(policy, l)
	if v.Allowed {
		return policy, v, true
	}
	if waits || state != names.Pending {
		p.turnAway(policy, l, m, v)
	}
	return policy, v, false
}

// admit judges a connection by the policy and by what is known of its peer's names.
func (p *Proxy) admit(policy *routing.Policy, l Link) (routing.Verdict, names.State) {
	peer, state := peerOf(l.Peer()), names.Settled
	if p.config.Names != nil && policy.NeedsNames(peer) {
		peer.Names, state = p.config.Names.Of(peer.Addr)
		peer.Doubt = doubts[state]
	}
	return policy.Admit(peer), state
}

// doubts are why DNS has not said all, by what the book says. A look-up that is still under way after the wait is slow.
var doubts = map[names.State]routing.Doubt{
	names.Pending: routing.SlowDNS, names.Overdue: routing.SlowDNS, names.Failed: routing.NoDNS, names.Busy: routing.NoDNS,
}

func (p *Proxy) admits(policy *routing.Policy, l Link) bool {
	v, _ := p.admit(policy, l)
	return v.Allowed
}

// judgeAddress closes a connection to a listener when the peer is not admitted, and not while DNS may still say that it is.
func (p *Proxy) judgeAddress(policy *routing.Policy, l Link) {
	v, state := p.admit(policy, l)
	if v.Allowed || state == names.Pending || state == names.Busy {
		return
	}
	p.log.Warn("connection closed", "node", policy.Node(), "peer", l.Peer().Remote.String(), "reason", reasonWith(v.Log, v.Reason), "revision", policy.Revision)
	l.Retire(errRefused)
}

// namesChanged judges everybody anew by what DNS says now, and follows the next hops.
func (p *Proxy) namesChanged() {
	policy := p.policy.Load()
	if policy == nil {
		return
	}
	p.guard(func() {
		listed := func(a netip.Addr) bool { return p.lists(policy, a) }
		p.bans.lift(listed)
		p.forged.lift(listed)
		for _, l := range p.network.Links() {
			if !l.Peer().Opened {
				p.judgeAddress(policy, l)
			}
		}
		p.follow(policy)
	})
}

// lists reports whether an address is listed, by itself or by a name that DNS has confirmed.
func (p *Proxy) lists(policy *routing.Policy, a netip.Addr) bool {
	return policy.Lists(a) || p.config.Names != nil && policy.ListsNamed(p.config.Names.Known(a))
}

// listedBy says who is listed by a policy, and has DNS asked about others, of whom namesChanged hears.
func (p *Proxy) listedBy(policy *routing.Policy) func(netip.Addr) bool {
	return func(a netip.Addr) bool {
		if policy.Lists(a) || p.config.Names == nil {
			return policy.Lists(a)
		}
		named, _ := p.config.Names.Of(a)
		return policy.ListsNamed(named)
	}
}
