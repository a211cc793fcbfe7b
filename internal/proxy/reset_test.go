package proxy

import (
	"io"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// Whoever asks and is gone costs no longer than a transaction may last: its hard end is on the clock, not on a connection.
// The transactions alone stand a hundred thousand of them in their own package.
func TestThousandsOfByesOfPeersThatResetLeaveNothing(t *testing.T) {
	const byes = 10_000
	inWorld(t, func(t *testing.T, w *world) {
		w.hosts[fe1At].serve = func(e *end, m *sip.Message) {
			if m.Method() == "OPTIONS" { // the hop is there; the requests alone find nobody
				e.gives(siptest.Response(m, 200))
			}
		}
		for i := range byes {
			peer := w.connector()
			bye := siptest.NewRequest("BYE", "carla@synergy.com", "bob@synergy.com")
			bye.SentBy, bye.Transport = "127.0.0.11:40001", sip.TCP
			peer.gives(bye.String())
			peer.ends(io.ErrUnexpectedEOF)
			if i == 0 { // it opens the connection to the hop
				w.after(0)
			}
		}
		if server, client := w.proxy.Transactions(); server != byes || client != byes {
			t.Fatalf("%d server and %d client transactions began", server, client)
		}
		w.after(32 * time.Second)
		if server, client := w.proxy.Transactions(); server+client > 0 {
			t.Errorf("%d server and %d client transactions are left", server, client)
		}
	}, func(s *federation.Snapshot) { s.StaticRoutes = s.StaticRoutes[:1] })
}
