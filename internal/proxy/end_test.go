package proxy

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing/synctest"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// An end is the far end of a connection: what the node sends arrives there, and what it sends the node receives.
type end struct {
	w       *world
	peer    transport.Peer
	id      uint64
	closed  bool
	reason  error         // why, when closed
	retired bool          // closed by Retire
	broken  bool          // died unnoticed: sending fails
	fails   error         // sending fails with it
	failed  int           // so often
	faulty  bool          // sending panics
	waits   time.Duration // until sending has room
	paused  atomic.Bool   // the node waits, and holds nothing back meanwhile
	got     []*sip.Message
	host    *host                    // that the node connected to, nil for a connection to the node
	serve   func(*end, *sip.Message) // takes what arrives, instead of got
}

func (w *world) end(peer transport.Peer) *end {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	peer.Local = netip.MustParseAddrPort("127.0.0.11:5060")
	e := &end{w: w, peer: peer, id: w.ids}
	w.links = append(w.links, e)
	return e
}

// from is a connection to the node's TCP listener.
func (w *world) from(address string) *end {
	return w.end(transport.Peer{Remote: netip.MustParseAddrPort(address), Transport: sip.TCP, Listener: "Default SIP Proxy TCP Listener", ListenerPort: 5060})
}

// datagrams is somebody who sends to the node's UDP listener.
func (w *world) datagrams(address string) *end {
	return w.end(transport.Peer{Remote: netip.MustParseAddrPort(address), Transport: sip.UDP, Listener: "Default SIP Proxy UDP Listener", ListenerPort: 5070})
}

func (e *end) Peer() *transport.Peer { return &e.peer }

func (e *end) ID() uint64 { return e.id }

func (e *end) Err() error {
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	return e.reason
}

func (e *end) Send(b []byte) error {
	if e.waits > 0 {
		<-siptest.Passed(e.waits)
	}
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	if e.closed || e.broken {
		return transport.ErrClosed
	}
	if e.fails != nil {
		e.failed++
		if e.host.knows {
			e.reason = e.host.refuses
		}
		return e.fails
	}
	if e.faulty {
		panic("as the test says")
	}
	m := new(sip.Message)
	if err := m.Parse(bytes.Clone(b)); err != nil && m.Status() < 400 { // the answer to a broken request may lack what that lacked
		e.w.t.Errorf("the node sent what cannot be read: %v\n%s", err, b)
	}
	serve := e.serve
	if e.host != nil {
		serve = e.host.serve
	}
	if serve != nil {
		go serve(e, m)
		return nil
	}
	e.got = append(e.got, m)
	return nil
}

func (e *end) Queue(_ Link, b []byte) error { return e.Send(b) }

// Wait lets a test see that the node waits.
func (e *end) Wait(f func()) {
	e.paused.Store(true)
	defer e.paused.Store(false)
	f()
}

// Close is the node closing the connection. The sender of a datagram has none.
func (e *end) Close(err error) {
	if e.peer.Opened || e.peer.Transport.Reliable() {
		e.ends(err)
	}
}

// Retire is Close at once: how long the peer is answered is the transport's to say.
func (e *end) Retire(err error) {
	e.retired = true
	e.Close(err)
}

// ends closes the connection as the transport reports it.
func (e *end) ends(err error) {
	err = cmp.Or(err, transport.ErrClosed)
	e.w.mu.Lock()
	was := e.closed
	if !was {
		e.closed, e.reason = true, err
	}
	e.w.mu.Unlock()
	if !was {
		e.w.proxy.closed(e, err)
	}
}

// breaks ends the connection from the far side.
func (e *end) breaks(err error) {
	e.ends(err)
	synctest.Wait()
}

// sends gives the node a message, in a buffer that is overwritten afterwards as a read buffer is.
func (e *end) sends(text string) {
	e.w.t.Helper()
	e.gives(text)
	synctest.Wait()
}

// gives is sends for a host that serves by itself: it does not wait for what comes of it.
func (e *end) gives(text string) {
	buffer := []byte(text)
	m := new(sip.Message)
	if err := m.Parse(buffer); err != nil {
		e.w.proxy.malformed(e, m, err.(*sip.Error))
	} else {
		e.w.proxy.receive(e, m)
	}
	for i := range buffer {
		buffer[i] = '#'
	}
}

func (e *end) asks(r siptest.Request) {
	e.w.t.Helper()
	if r.SentBy == "" {
		r.SentBy, r.Transport = e.peer.Remote.String(), e.peer.Transport
	}
	e.sends(r.String())
}

func (e *end) answers(request *sip.Message, status int, lines ...string) {
	e.w.t.Helper()
	e.sends(siptest.Response(request, status, lines...))
}

// expect returns the next message, which must be what is named: a method or a status.
func (e *end) expect(what string) *sip.Message {
	e.w.t.Helper()
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	if len(e.got) == 0 {
		e.w.t.Fatalf("%s got nothing, not %s\n%s", e.peer.Remote, what, e.w.log)
	}
	m := e.got[0]
	e.got = e.got[1:]
	if got := nameOf(m); got != what {
		e.w.t.Fatalf("%s got %s, not %s:\n%s\n%s", e.peer.Remote, got, what, m.Bytes(), e.w.log)
	}
	return m
}

func nameOf(m *sip.Message) string {
	if m.IsRequest() {
		return m.Method()
	}
	return fmt.Sprint(m.Status())
}

// quiet holds that nothing came.
func (e *end) quiet() {
	e.w.t.Helper()
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	if len(e.got) > 0 {
		e.w.t.Fatalf("%s got %s, not nothing:\n%s", e.peer.Remote, nameOf(e.got[0]), e.got[0].Bytes())
	}
}

// at returns the newest connection that the node opened to a host.
func (w *world) at(address string) *end {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	ends := w.hosts[address].ends
	if len(ends) == 0 {
		w.t.Fatalf("the node opened no connection to %s\n%s", address, w.log)
	}
	return ends[len(ends)-1]
}

// untouched holds that nothing was sent to a host.
func (w *world) untouched(address string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.hosts[address].ends {
		for _, m := range e.got {
			if m.Method() != "OPTIONS" {
				w.t.Fatalf("%s got %s", address, nameOf(m))
			}
		}
	}
}

// dropProbes forgets the probes that a host got, and answers them with a status when that is not 0.
func (e *end) dropProbes(status int) {
	e.w.t.Helper()
	for {
		e.w.mu.Lock()
		if len(e.got) == 0 || e.got[0].Method() != "OPTIONS" {
			e.w.mu.Unlock()
			return
		}
		m := e.got[0]
		e.got = e.got[1:]
		e.w.mu.Unlock()
		if status != 0 {
			e.answers(m, status)
		}
	}
}

func value(m *sip.Message, name string) string {
	var list []string
	for v := range m.Header(name) {
		list = append(list, string(v))
	}
	return strings.Join(list, ", ")
}

// connector is a connection from the node's connector, lync one from the first front end.
func (w *world) connector() *end { return w.from("127.0.0.11:40001") }
