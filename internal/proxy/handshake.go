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

// A telling is what is done about a failed handshake beside counting it.
type telling struct {
	log, page bool
	left      int // like it that were not logged since the last one that was
}

// tells limits that, as peers may fail without end. A known peer is logged at once and then now and then, for each reason; the
// page of refused handshakes hears of all that were begun. Of strangers the log has little room for those that were refused,
// the page as much as for others.
func (p *Proxy) tells(failed FailedHandshake, reason string) (t telling) {
	now := p.clock.Now()
	switch refusal, ok := errors.AsType[*transport.HandshakeRefusal](failed.Err); {
	case failed.Known: // by address: strangers do not hide it
		t.left, t.log = p.failing.passes(failed.Peer.Remote.Addr().Unmap().String()+" "+reason, now)
		t.page = !ok || p.refusing.passes(now) || t.log
	case ok:
		t.left, t.log = p.unbegun.passes(refusal.Reason, now)
		t.page = p.refusing.passes(now) || t.log
	default:
		t.log = p.shaking.passes(now)
		t.page = t.log
	}
	return t
}

// handshakeFailed reports a client that no TLS connection came up with.
func (p *Proxy) handshakeFailed(peer *transport.Peer, err error) {
	if errors.Is(err, transport.ErrStranger) {
		err = transport.ErrHandshakeCut
	}
	reason := p.config.HandshakeReason(err)
	p.metrics.HandshakeFailure(reason)
	failed := FailedHandshake{Peer: peer, Known: p.known(peer), Err: err}
	t := p.tells(failed, reason)
	if t.log {
		p.logHandshake(failed, t.left)
	}
	if t.page && !ourDoing(err) {
		p.config.HandshakeFailed(failed)
	}
}

// logHandshake logs it, and how many like it were left out before.
func (p *Proxy) logHandshake(failed FailedHandshake, left int) {
	peer, reason := failed.Peer, failed.Err.Error()
	if !ourDoing(failed.Err) {
		reason = p.config.HandshakeCause(failed).Error()
	}
	policy := p.policy.Load()
	if policy == nil {
		return
	}
	args := []any{"node", policy.Node(), "peer", peer.Remote.String(), "listener", peer.Listener, "reason", reason, "revision", policy.Revision}
	if left > 0 {
		args = append(args, "left_out", left)
	}
	p.log.Warn("TLS handshake failed", args...)
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
