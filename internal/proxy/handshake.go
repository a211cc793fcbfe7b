package proxy

import (
	"crypto/x509"
	"errors"
	"net"
	"net/netip"

	"isthmus/internal/routing"
	"isthmus/internal/sip/transport"
)

// A FailedHandshake is a TLS connection that came to nothing in its handshake, whichever end refused it.
type FailedHandshake struct {
	Peer  *transport.Peer     // who connected; nil: this node did, to Hop
	Known bool                // of Peer: requests from its address are likely to be taken
	Hop   *routing.Hop        // where this node connected to; one without Host when it was no hop, but who had asked
	Addr  netip.AddrPort      // the hop's, in this attempt
	Shown []*x509.Certificate // what the hop showed before, its own first; nil: nothing was seen
	Err   error
}

// ourDoing reports that a handshake did not fail: this node ends.
func ourDoing(err error) bool {
	return errors.Is(err, transport.ErrClosed)
}

// tells reports whether more is done about a failed handshake than to count it: strangers may fail without end. The log has
// little room for those that were refused, the page of refused handshakes as much as for others.
func (p *Proxy) tells(failed FailedHandshake) (log, page bool) {
	now := p.clock.Now()
	if refusal, ok := errors.AsType[*transport.HandshakeRefusal](failed.Err); ok {
		name := refusal.Reason
		if failed.Known {
			name += ", known" // strangers do not hide it
		}
		log = p.unbegun.passes(name, now)
		return log, p.refusing.passes(now) || log
	}
	log = failed.Known || p.shaking.passes(now)
	return log, log
}

// handshakeFailed reports a client that no TLS connection came up with.
func (p *Proxy) handshakeFailed(peer *transport.Peer, err error) {
	if errors.Is(err, transport.ErrStranger) {
		err = transport.ErrHandshakeCut
	}
	p.metrics.HandshakeFailure(p.config.HandshakeReason(err))
	failed := FailedHandshake{Peer: peer, Known: p.known(peer), Err: err}
	log, page := p.tells(failed)
	if log {
		p.logHandshake(failed)
	}
	if page && !ourDoing(err) {
		p.config.HandshakeFailed(failed)
	}
}

func (p *Proxy) logHandshake(failed FailedHandshake) {
	peer, reason := failed.Peer, failed.Err.Error()
	if !ourDoing(failed.Err) {
		reason = p.config.HandshakeCause(failed).Error()
	}
	if policy := p.policy.Load(); policy != nil {
		p.log.Warn("TLS handshake failed", "node", policy.Node(), "peer", peer.Remote.String(), "listener", peer.Listener,
			"reason", reason, "revision", policy.Revision)
	}
}

// hopRefused reports a hop that no TLS connection came up with, when that is why its Err says there is none. The log tells
// of it when the hop is marked down, and not at each of its probes. It returns Err in words for people.
func (p *Proxy) hopRefused(failed FailedHandshake) error {
	err := failed.Err
	if !errors.Is(err, transport.ErrHandshake) && !lateAlert(err) || ourDoing(err) {
		return err
	}
	p.metrics.HandshakeFailure(p.config.HandshakeReason(err))
	d, ok := errors.AsType[*transport.DialError](err)
	if ok {
		failed.Shown, failed.Err = d.Shown, d.Cause
	}
	p.config.HandshakeFailed(failed)
	if !ok {
		return err
	}
	return &transport.DialError{Target: d.Target, Kind: d.Kind, Cause: p.config.HandshakeCause(failed)}
}

// late is the failed handshake of a connection that counts as up.
func late(hop *routing.Hop, l Link, err error) FailedHandshake {
	return FailedHandshake{Hop: hop, Addr: l.Peer().Target.Addr, Shown: l.Peer().Certificates, Err: err}
}

// lateAlert reports the alert of a server that refuses our certificate: in TLS 1.3 it comes after the handshake, before
// anything else does.
func lateAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}
