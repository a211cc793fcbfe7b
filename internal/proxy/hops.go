package proxy

import (
	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
)

// refit fits every place to a new policy. A hop whose configuration, service or TLS settings changed starts anew.
func (p *Proxy) refit(policy *routing.Policy) {
	wanted := map[string]*routing.Hop{}
	for _, h := range policy.Hops() {
		wanted[h.Key()] = h
	}
	for _, pl := range p.allPlaces() {
		pl.refit(wanted[pl.key])
	}
	p.leaveUnused()
}

func (pl *place) refit(hop *routing.Hop) {
	key := pl.keyNow()
	pl.mu.Lock()
	defer pl.mu.Unlock()
	renewed := pl.tlsKey != "" && pl.tlsKey != key
	if renewed {
		pl.wire = nil // its requests go on; new ones open a connection by the new settings
	}
	if renewed || hop == nil || hop.Config() != pl.hop.Config() {
		pl.clear()
	}
	if hop != nil {
		pl.hop = hop
	}
}

// keyNow is the key of the TLS settings in force, "" for none.
func (pl *place) keyNow() string {
	hop := pl.current()
	if hop.Transport != sip.TLS {
		return ""
	}
	t, err := pl.proxy.tlsFor(hop)
	if err != nil {
		return ""
	}
	return t.Key
}

// HopStates tells the state of every hop of the policy in force.
func (p *Proxy) HopStates() []federation.HopStatus {
	policy := p.policy.Load()
	if policy == nil {
		return nil
	}
	var list []federation.HopStatus
	for _, h := range policy.Hops() {
		s := federation.HopStatus{Host: h.Host, Port: h.Port, Transport: h.Transport.Param(), State: federation.HopUnknown}
		if pl, ok := p.places.Load(h.Key()); ok {
			pl.(*place).report(&s)
		}
		list = append(list, s)
	}
	return list
}

func (pl *place) report(s *federation.HopStatus) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	s.State, s.Reason, s.Since = pl.health.state(), pl.health.reason, pl.health.since
}

// log writes a change of state. The reason begins with the words that administrators look for.
func (pl *place) log(msg, because string) {
	policy := pl.proxy.policy.Load()
	if policy == nil {
		return
	}
	pl.proxy.log.Warn(msg, "node", policy.Node(), "peer", pl.current().String(), "reason", msg+because, "revision", policy.Revision)
}
