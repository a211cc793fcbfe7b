package node

import (
	"net/netip"
	"strings"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/proxy"
	"isthmus/internal/routing"
	"isthmus/internal/sip/transport"
)

// wire joins the proxy, which decides, and the connections, which carry.
func (n *Node) wire() {
	n.core = proxy.New(proxy.Config{
		Directory: n.users, Key: n.config.Key.BranchKey(), TLS: n.tlsTo, Recheck: n.recheck,
		Names: n.config.Names, Log: n.config.Log, Metrics: n.config.Metrics, HandshakeReason: certs.Reason,
		HandshakeFailed: n.handshakeFailed, HandshakeCause: func(f proxy.FailedHandshake) error { return n.explain(f) },
		Recovered: func(panicked any) { n.keepFault("handling a request", panicked) },
	})
	n.layer = transport.New(transport.Config{
		Handler: n.core.Handler(), Local: n.localAddress, Log: n.log, Inherited: n.config.Inherited,
		Recovered: func(_ *transport.Conn, panicked any) {
			n.config.Metrics.Panic()
			n.keepFault("handling a connection", panicked)
		},
	})
	n.core.Start(proxy.Over(n.layer))
}

// localAddress is where connections are opened from: other nodes and next hops know this node by it.
func (n *Node) localAddress() netip.Addr {
	if a := n.local.Load(); a != nil {
		return *a
	}
	return netip.Addr{}
}

func (n *Node) setLocal(address string) {
	if a, err := federation.ParseAddress(address); err == nil {
		n.local.Store(&a)
	}
}

var errNotStarted = federation.Refuse("No configuration is in force on this node yet; wait until it has started.")

// tlsTo is how a hop is connected to over TLS, by the configuration in force.
func (n *Node) tlsTo(h *routing.Hop) (proxy.TLS, error) {
	a := n.current()
	if a == nil {
		return proxy.TLS{}, errNotStarted
	}
	t := proxy.TLS{Subject: certs.Subject}
	var err error
	if h.Kind == routing.NodeHop {
		t.Config, t.Key, err = a.configs.Node(h.Node)
	} else {
		t.Config, t.Key, err = a.configs.Hop()
	}
	return t, err
}

// recheck judges an open connection as a handshake of today would: a CA may have been removed, or a cipher, about which
// nothing else would ask. until is when a certificate ends that this rests on. That this node has no usable certificate now is no fault of the peer; a peer that cannot be
// judged, because its node or the TLS context is gone, is not let in.
func (n *Node) recheck(p *transport.Peer) (until time.Time, err error) {
	a := n.current()
	if a == nil {
		return until, nil
	}
	until, err = a.recheck(p)
	if err == nil {
		n.certified(p, &a.snapshot)
	}
	return until, err
}

func (a *applied) recheck(p *transport.Peer) (until time.Time, err error) {
	session := certs.Session{Version: p.Version, Cipher: p.Cipher, Chain: p.Certificates}
	switch name, toNode := strings.CutPrefix(p.Target.Name, "node:"); {
	case p.Opened && toNode:
		return a.configs.RecheckNode(name, session)
	case p.Opened:
		return a.configs.RecheckHop(session)
	}
	if context := a.contextOf(p); context != "" {
		return a.configs.Recheck(context, p.Remote.Addr(), session)
	}
	return until, nil
}

// contextOf is the TLS context of the listener that a peer connected to, which may demand a certificate by now; of one
// that is gone, the one that holds the peer subjects, or none when it demanded no certificate.
func (a *applied) contextOf(p *transport.Peer) string {
	for _, l := range a.snapshot.Listeners {
		if l.Name == p.Listener && l.TLSContext != "" {
			return l.TLSContext
		}
	}
	if p.VerifyClient {
		return federation.PeerAuthContext
	}
	return ""
}
