package proxy

import (
	"net/netip"
	"testing"
	"time"
)

var ownAddress = netip.MustParseAddr("127.0.0.11")

func TestABeatIsAnsweredAndLeavesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for range 3 {
			if !w.proxy.Beat(ownAddress) {
				t.Error("it is not answered with 200")
			}
		}
		w.after(time.Second)
		if server, client := w.proxy.Transactions(); server+client != 0 {
			t.Errorf("%d transactions are left", server+client)
		}
		w.counted(`sip_requests_total{method="OPTIONS",outcome="answered"} 3`)
		if w.proxy.Beat(netip.MustParseAddr("127.0.0.99")) {
			t.Error("a stranger's address has a beat")
		}
		if !w.proxy.accept(netip.MustParseAddr("127.0.0.99"), 0) {
			t.Error("what is no peer was shut out")
		}
	})
}
