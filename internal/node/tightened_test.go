package node

import (
	"crypto/tls"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// A change of a TLS context forbids open connections what it forbids new ones, in both directions.
func TestAConnectionByAVersionOrCipherThatIsForbiddenNowIsClosedWithinASecond(t *testing.T) {
	const weak, strong = "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
	for _, c := range []struct {
		promise  string
		version  uint16
		tightens func(*federation.TLSContext)
		says     string // "" when the connection stays
	}{
		{"version", tls.VersionTLS10, func(c *federation.TLSContext) { c.MinVersion = "1.2" }, "the connection uses TLS 1.0, and the TLS context sip-proxy-peer-auth allows TLS 1.2 and newer; let the peer connect again by that."},
		{"cipher", tls.VersionTLS12, func(c *federation.TLSContext) { c.Ciphers = []string{strong} }, "the connection uses the cipher " + weak + ", which the TLS context sip-proxy-peer-auth leaves out; let the peer connect again with another."},
		{"the lowest version that is left", tls.VersionTLS12, func(c *federation.TLSContext) { c.MinVersion = "1.2" }, ""},
		{"a cipher among others", tls.VersionTLS12, func(c *federation.TLSContext) { c.Ciphers = []string{strong, weak} }, ""},
		{"ciphers say nothing of TLS 1.3", tls.VersionTLS13, func(c *federation.TLSContext) { c.Ciphers = []string{strong} }, ""},
	} {
		legacy := func(s *federation.Snapshot) { s.TLSContext(federation.PeerAuthContext).MinVersion = "1.0" }
		tight := func(s *federation.Snapshot) { c.tightens(s.TLSContext(federation.PeerAuthContext)) }
		suites := []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		t.Run(c.promise+", from a peer", func(t *testing.T) {
			t.Parallel()
			ca, log := siptest.NewAuthority("Root"), &journal{}
			r := start(t, func(c *Config) { c.Log = log.logger() })
			own, trust := r.withTLS(ca), trusting(t, ca)
			r.commits(r.snapshot(1, own, trust, legacy))
			config := showing(ca.Leaf(pool), c.version)
			config.CipherSuites = suites
			peer := siptest.Connect(t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: config})
			peer.Sends(siptest.Probe(self))
			peer.Expect("200")
			changed := time.Now()
			r.commits(r.snapshot(2, own, trust, legacy, tight))
			if c.says == "" {
				peer.Sends(siptest.Probe(self))
				peer.Expect("200")
				return
			}
			peer.ExpectClosed()
			if took := time.Since(changed); took > time.Second {
				t.Errorf("it was closed after %v", took)
			}
			log.awaits(t, "connection closed", "peer", "127.0.0.1:", "", certs.ReasonForbidden+": "+c.says)
		})
		t.Run(c.promise+", to a hop", func(t *testing.T) {
			t.Parallel()
			ca, log := siptest.NewAuthority("Root"), &journal{}
			r := start(t, func(c *Config) { c.Log = log.logger() })
			config := ca.Server(ca.Leaf(pool))
			config.MinVersion, config.MaxVersion, config.CipherSuites = c.version, c.version, suites
			host := siptest.Serve(t, "127.0.0.1:0", config)
			own, trust := r.withTLS(ca), trusting(t, ca)
			overTLS := func(s *federation.Snapshot) { s.StaticRoutes[0].Transport = federation.TLS }
			r.commits(r.snapshot(1, own, trust, legacy, leading(host), overTLS))
			peer := r.within()
			peer.Sends(siptest.Subscribe("ann@synergy.com", "bob@synergy.com"))
			hop := host.Accepts()
			m := hop.Expect("SUBSCRIBE")
			if c.says == "" {
				r.commits(r.snapshot(2, own, trust, legacy, leading(host), overTLS, tight))
				hop.Answers(m, 200)
				peer.Expect("200")
				return
			}
			hop.Answers(m, 200)
			peer.Expect("200")
			r.commits(r.snapshot(2, own, trust, legacy, leading(host), overTLS, tight))
			hop.ExpectClosed()
			log.awaits(t, "connection closed", "peer", host.Addr(), "", certs.ReasonForbidden+": "+c.says)
		})
	}
}
