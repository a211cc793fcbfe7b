package transport

import (
	"crypto/tls"
	"net/netip"
	"sync"
	"testing"

	"isthmus/internal/sip"
)

const inQueue = 50

// queues holds both listeners up in Accept, with connections behind that in the queues of their sockets.
type queues struct {
	layer   *Layer
	release func()
	held    [2]*peer // in Accept
	waiting [2][]*peer
}

func fillQueues(t *testing.T, listeners [2]Listener) queues {
	t.Helper()
	r, reached := newRecorder(), make(chan struct{}, 2+2*inQueue)
	released := make(chan struct{})
	q := queues{release: sync.OnceFunc(func() { close(released) })}
	r.accept = func(netip.Addr) bool {
		reached <- struct{}{}
		<-released
		return true
	}
	q.layer = newLayer(t, r, Limits{})
	t.Cleanup(q.release) // before the layer is shut down
	for i, s := range q.layer.Fit(listeners[:]) {
		if !s.Open {
			t.Fatal(s.Error)
		}
		q.held[i] = connect(t, s.Addr)
		next(t, reached)
		for range inQueue {
			q.waiting[i] = append(q.waiting[i], connect(t, s.Addr))
		}
	}
	return q
}

// swapped exchanges the ports of two listeners and tells which sockets that leaves.
func (q *queues) swapped(t *testing.T, listeners [2]Listener) {
	t.Helper()
	sockets := q.layer.current()
	listeners[0].Addr, listeners[1].Addr = listeners[1].Addr, listeners[0].Addr
	for i, s := range q.layer.Fit(listeners[:]) {
		if !s.Open || s.Addr != listeners[i].Addr {
			t.Errorf("%s is %+v", listeners[i].Name, s)
		}
	}
	if now := q.layer.current(); now[0] != sockets[1] || now[1] != sockets[0] {
		t.Error("a socket was closed for it")
	}
	q.release()
}

// The guide brings peer authentication to port 5061 by three saves, with a restart; here one save swaps the ports, and
// whoever waits in a queue meets the listener that the port has now.
func TestTwoListenersThatSwapTheirPortsResetNobodyInTheirQueues(t *testing.T) {
	ca := newAuthority(t)
	ports := freePorts(t, 2)
	plain := [2]Listener{{Name: "one", Transport: sip.TCP, Addr: ports[0]}, {Name: "two", Transport: sip.TCP, Addr: ports[1]}}
	secure := [2]Listener{
		{Name: "server auth", Transport: sip.TLS, TLSKey: "server", TLS: ca.server(t, "server", tls.NoClientCert)},
		{Name: "peer auth", Transport: sip.TLS, TLSKey: "peer", TLS: ca.server(t, "peer", tls.RequireAndVerifyClientCert), VerifyClient: true},
	}
	more := freePorts(t, 2)
	secure[0].Addr, secure[1].Addr = more[0], more[1]
	own := ca.issue(t, "fe1")
	for name, listeners := range map[string][2]Listener{"TCP": plain, "TLS": secure} {
		t.Run(name, func(t *testing.T) {
			q := fillQueues(t, listeners)
			q.swapped(t, listeners)
			for i, peers := range q.waiting {
				now := listeners[1-i] // at that port
				for _, p := range peers {
					q.served(t, p, now, ca, own)
				}
				q.served(t, q.held[i], listeners[i], ca, own) // taken before the swap
				q.served(t, connect(t, listeners[i].Addr), now, ca, own)
			}
		})
	}
}

// served speaks over a connection that the listener has to have taken.
func (q *queues) served(t *testing.T, p *peer, by Listener, ca authority, own tls.Certificate) {
	t.Helper()
	local, at := p.LocalAddr().String(), p.RemoteAddr().String() // two ports may have seen the same one of this side
	if by.TLS != nil {
		secured := tls.Client(p.Conn, ca.client(by.TLS.Certificates[0].Leaf.DNSNames[0], own))
		if err := secured.Handshake(); err != nil {
			t.Errorf("with %s: %v", by.Name, err)
			return
		}
		p = newPeer(t, secured)
	}
	p.write(t, message("MESSAGE", "a", 0))
	if got := p.status(t); got != "200" {
		t.Errorf("%s answers %s", by.Name, got)
	}
	for _, c := range q.layer.Connections() {
		peer := c.Peer()
		if peer.Remote.String() == local && peer.Local.String() == at && (peer.Listener != by.Name || peer.VerifyClient != by.VerifyClient || by.VerifyClient && peer.Subject != "fe1") {
			t.Errorf("taken by %s as %q, not by %s", peer.Listener, peer.Subject, by.Name)
		}
	}
}
