package transport

import "testing"

// A node that is short of memory turns away strangers first and then everybody who is new, and serves who is there.
func TestWhoIsShedIsClosedAndWhoIsThereIsServed(t *testing.T) {
	r := onlyKnown("127.0.0.2")
	up := make(chan bool, 8)
	r.up = func(*Conn) { up <- true }
	l := newLayer(t, r, Limits{})
	addr := listenTCP(t, l)
	known, stranger := connectFrom(t, "127.0.0.2", addr), connectFrom(t, "127.0.0.3", addr)
	serves := func(who string, p *peer) {
		t.Helper()
		p.write(t, message("MESSAGE", "a", 0))
		if got := p.status(t); got != "200" {
			t.Errorf("%s was answered %s", who, got)
		}
	}
	next(t, up)
	next(t, up)
	l.Shed(ShedStrangers)
	stranger.end(t)
	connectFrom(t, "127.0.0.3", addr).end(t)
	serves("a known peer that is new", connectFrom(t, "127.0.0.2", addr))
	l.Shed(ShedConnections)
	connectFrom(t, "127.0.0.2", addr).end(t)
	connectFrom(t, "127.0.0.3", addr).end(t)
	serves("a known peer that is there", known)
	l.Shed(ShedNobody)
	serves("a stranger, afterwards", connectFrom(t, "127.0.0.3", addr))
}
