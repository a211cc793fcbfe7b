package proxy

import "isthmus/internal/sip/transport"

// known reports whether a peer's requests are likely to be taken. An address that is listed is known whatever its
// certificate turns out to be.
func (p *Proxy) known(peer *transport.Peer) bool {
	policy := p.policy.Load()
	return policy != nil && (p.lists(policy, peer.Remote.Addr()) || policy.Admit(peerOf(peer)).Allowed)
}
