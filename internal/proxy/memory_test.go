package proxy

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// An open request holds ten times its bytes at most as servers send it, and 4 KiB beside its bytes as the shortest one can
// be, however long it stays open: with the limit of open requests that bounds what a peer can make the node hold.
func TestAnOpenRequestHoldsTenTimesItsBytesAtMost(t *testing.T) {
	for _, method := range []string{"MESSAGE", "INVITE"} {
		inWorld(t, func(t *testing.T, w *world) {
			silent := func(*end, *sip.Message) {}
			w.hosts[connectorAt].serve = silent
			lync := w.lync()
			lync.serve = silent
			front := siptest.FrontEnd{FQDN: "fe1.synergy.com"}
			shortest := func() siptest.Request {
				return siptest.Request{Method: method, URI: "sip:carla@synergy.com", MaxForwards: -1, Branch: siptest.Unique("z9hG4bK"),
					From: "<sip:a@b>", To: "<sip:c@d>", CallID: "x", CSeq: 1}
			}
			dressed := func() siptest.Request { return front.Dress(toCarla(method)) }
			lync.hold(shortest, 100) // pays for what is pooled
			held, sent := lync.hold(shortest, 1000)
			if held > sent+1000*4<<10 {
				t.Errorf("%s: %d bytes are held for %d that were sent", method, held, sent)
			}
			held, sent = lync.hold(dressed, 1000)
			if held > 10*sent {
				t.Errorf("%s as servers send it: %d bytes are held for %d that were sent", method, held, sent)
			}
		})
	}
}

// An open MESSAGE holds its bytes once and a little more than half a KiB beside them, whichever part of that grows; an INVITE that
// rings its last answer too, and nothing of what may follow it.
func TestAnOpenRequestHoldsLittleBesideItsBytes(t *testing.T) {
	for _, method := range []string{"MESSAGE", "INVITE"} {
		inWorld(t, func(t *testing.T, w *world) {
			var answered atomic.Int64
			w.hosts[connectorAt].serve = func(e *end, m *sip.Message) {
				switch m.Method() {
				case "INVITE":
					e.gives(siptest.Response(m, 180))
				case "CANCEL":
					e.gives(siptest.Response(m, 200))
				}
			}
			lync, n := w.lync(), 5000
			lync.serve = func(_ *end, m *sip.Message) {
				if m.Status() > 100 {
					answered.Add(int64(len(m.Bytes())))
				}
			}
			dressed := func() siptest.Request { return siptest.FrontEnd{FQDN: "fe1.synergy.com"}.Dress(toCarla(method)) }
			lync.hold(dressed, 100) // pays for what is pooled
			answered.Store(0)
			held, sent := lync.hold(dressed, n)
			if sent += int(answered.Load()); held > sent+sent/8+n*768 {
				t.Errorf("%s: %d bytes are held for %d", method, held/n, sent/n)
			}
			w.after(5 * time.Minute) // and ends after three without an answer
		})
	}
}

// hold sends n requests and returns what is held for them a moment later, and how long they were.
func (e *end) hold(request func() siptest.Request, n int) (held, sent int) {
	before := heap()
	for range n {
		r := request()
		r.SentBy, r.Transport = e.peer.Remote.String(), sip.TCP
		text := r.String()
		sent += len(text)
		e.gives(text)
	}
	e.w.after(time.Millisecond)
	return heap() - before, sent
}

func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // a pool gives up what two collections found unused
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
