package node

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"isthmus/internal/certs"
	"isthmus/internal/siptest"
)

// plain is a next hop that does with each connection what the test says, and speaks no TLS.
func plain(t *testing.T, does func(net.Conn)) *witness {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go does(c)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return &witness{Listener: l}
}

// One sentence stands in the report of refused handshakes, in that of next hops, in the log and in the answer, and none of
// them has the words of a library or the addresses of sockets instead.
func TestAHopThatSpeaksNoTLSIsToldAlikeEverywhere(t *testing.T) {
	for promise, c := range map[string]struct {
		does   func(net.Conn)
		reason string
		detail string
	}{
		"plain SIP": {func(c net.Conn) {
			_, _ = io.WriteString(c, "SIP/2.0 400 Bad Request\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}, certs.ReasonHandshake, "the peer does not speak TLS on this port; correct the port or the transport here, or set the peer up for TLS."},
		"silence": {func(c net.Conn) {
			_, _ = io.Copy(io.Discard, c)
			c.Close()
		}, certs.ReasonSlow, "the peer did not complete the handshake in time; see whether it is overloaded, or waits for something itself."},
		"closed in the middle": {func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1<<12))
			_, _ = io.WriteString(c, "\x16\x03\x03\x00\x50\x02")
			c.Close()
		}, certs.ReasonHandshake, "the peer closed the connection in the middle of the handshake; its own log may tell why."},
		"closed at once": {func(c net.Conn) { c.Close() }, certs.ReasonHandshake, "the peer closed the connection without saying why; its own log may tell. A load balancer that only tries whether the port is open does so too."},
	} {
		t.Run(promise, func(t *testing.T) {
			t.Parallel()
			ca, log := siptest.NewAuthority("Root"), &journal{}
			tried := cell{shownCertificate: shownCertificate{out: verdict{reason: c.reason, detail: c.detail}}, version: tls.VersionTLS12, host: plain(t, c.does)}
			r := start(t, func(c *Config) { c.Log = log.logger() })
			r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca), matrixOf([]cell{tried})))
			peer := r.within()
			peer.Sends(siptest.Subscribe("ann@synergy.com", "bob@"+tried.domain()))
			tried.isTold(t, r, log, string(peer.Expect("504").Bytes()))
			await(t, "the state of the hop says it too", func() bool {
				for _, h := range r.lastReport().Hops {
					if h.Port == tried.host.port() && h.Reason == "TLS handshake failed: "+c.detail {
						return true
					}
				}
				return false
			})
		})
	}
}
