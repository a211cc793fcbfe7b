package transport

import (
	"runtime"
	"testing"
)

func TestAConnectionCostsOneGoroutine(t *testing.T) {
	const connections = 100
	l := newLayer(t, newRecorder(), Limits{})
	addr := listenTCP(t, l)
	before := runtime.NumGoroutine()
	for range connections {
		p := connect(t, addr)
		p.write(t, message("MESSAGE", "a", 0))
		if got := p.status(t); got != "200" {
			t.Fatalf("answered %s", got)
		}
	}
	if more := runtime.NumGoroutine() - before; more > connections {
		t.Errorf("%d connections have %d goroutines", connections, more)
	}
}
