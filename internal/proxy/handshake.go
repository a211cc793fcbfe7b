package proxy

import (
	"net/netip"
)

// handshakeFailed reports a client that no TLS connection came up with.
func (p *Proxy) handshakeFailed(remote netip.AddrPort, listener string, err error) {
	reason := err.Error()
	p.metrics.HandshakeFailure(p.config.HandshakeReason(err))
	if policy := p.policy.Load(); policy != nil {
		p.log.Warn("TLS handshake failed", "node", policy.Node(), "peer", remote.String(), "listener", listener,
			"reason", reason, "revision", policy.Revision)
	}
}
