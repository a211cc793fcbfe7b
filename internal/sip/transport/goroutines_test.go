package transport

import (
	"runtime"
	"testing"
)

// One goroutine for each connection, with what has passed over it, so that ten thousand cost little
// and none is left behind.
func TestAConnectionHasOneGoroutine(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	addr := listenTCP(t, l)
	const n = 50
	before := runtime.NumGoroutine()
	var peers []*peer
	for range n {
		p := connect(t, addr)
		p.write(t, message("MESSAGE", "a", 10))
		p.status(t)
		peers = append(peers, p)
	}
	if grown := runtime.NumGoroutine() - before; grown > n {
		t.Errorf("%d goroutines for %d connections", grown, n)
	}
	for _, p := range peers {
		p.Close()
	}
	until(t, "all are gone", func() bool { return runtime.NumGoroutine() <= before })
}
