package proxy

import "isthmus/internal/sip/transport"

// known reports whether a peer's requests are likely to be taken. An address that is listed is known whatever its
// certificate turns out to be.
func (p *Proxy) known(peer *transport.Peer) bool {
	policy := p.policy.Load()
	return policy != nil && (p.lists(policy, peer.Remote.Addr()) || policy.Admit(peerOf(arriving{peer: peer})).Allowed)
}

// arriving is a connection that is not up yet: nothing but its peer can be asked for.
type arriving struct {
	Link
	peer *transport.Peer
}

func (a arriving) Peer() *transport.Peer { return a.peer }
