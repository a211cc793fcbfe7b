package node

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// refused waits until the node has reported a refused handshake that fits.
func (r *rig) refused(promise string, fits func(federation.RefusedHandshake) bool) (found federation.RefusedHandshake) {
	r.t.Helper()
	await(r.t, promise, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		for i := len(r.reports) - 1; i >= 0; i-- {
			for _, h := range r.reports[i].Handshakes {
				if fits(h) {
					found = h
					return true
				}
			}
		}
		return false
	})
	return found
}

func of(reason string) func(federation.RefusedHandshake) bool {
	return func(h federation.RefusedHandshake) bool { return h.Reason == reason }
}

var bothVersions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

func TestARefusedClientIsReportedWithItsReason(t *testing.T) {
	ca, other := siptest.NewAuthority("Root"), siptest.NewAuthority("Other")
	now := time.Now()
	for name, version := range bothVersions {
		for reason, shown := range map[string]tls.Certificate{
			certs.ReasonNotListed:   ca.Leaf("fe9.synergy.com"),
			certs.ReasonUnknownCA:   other.Leaf(pool),
			certs.ReasonExpired:     ca.Expired(pool),
			certs.ReasonNotYetValid: ca.Issue(siptest.Leaf{Names: []string{pool}, NotBefore: now.Add(time.Hour)}),
			certs.ReasonUsage:       ca.Issue(siptest.Leaf{Names: []string{pool}, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}),
			certs.ReasonSubject:     ca.Issue(siptest.Leaf{Names: []string{pool, "evil.example.com"}}),
			certs.ReasonNone:        {},
		} {
			t.Run(reason+", "+name, func(t *testing.T) {
				r := start(t)
				r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca)))
				config := ca.Client(shown, self)
				config.MaxVersion = version
				if c, err := siptest.Dial(r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: config}); err == nil {
					_ = c.WaitClosed()
					c.Close()
				}
				got := r.refused("the refusal is reported", func(federation.RefusedHandshake) bool { return true })
				if got.Reason != reason || got.Outbound || got.Peer != "127.0.0.1" || got.Context != federation.PeerAuthContext || got.Listener == "" ||
					got.Count != 1 || got.Verified != (reason == certs.ReasonNotListed) || !strings.HasSuffix(got.Detail, ".") {
					t.Errorf("reported is %+v, want %s", got, reason)
				}
				if want := shown.Leaf; want != nil && reason != certs.ReasonSubject && got.Subject != want.Subject.CommonName {
					t.Errorf("the subject is %q, want %q", got.Subject, want.Subject.CommonName)
				}
			})
		}
	}
}

func TestARefusedHopIsReportedWithItsReason(t *testing.T) {
	ca, other := siptest.NewAuthority("Root"), siptest.NewAuthority("Other")
	for name, version := range bothVersions {
		for reason, server := range map[string]*tls.Config{
			certs.ReasonNotListed:   ca.Server(ca.Leaf("fe9.synergy.com")),
			certs.ReasonUnknownCA:   ca.Server(other.Leaf(pool)),
			certs.ReasonExpired:     ca.Server(ca.Expired(pool)),
			certs.ReasonRefusedOurs: other.Server(ca.Leaf(pool)),
		} {
			t.Run(reason+", "+name, func(t *testing.T) {
				server := server.Clone()
				server.MaxVersion = version
				r, host := start(t), siptest.Serve(t, "127.0.0.1:0", server)
				overTLS := func(s *federation.Snapshot) { s.StaticRoutes[0].Transport = federation.TLS }
				r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca), leading(host), overTLS))
				peer := r.within()
				peer.Sends(siptest.Subscribe("ann@synergy.com", "bob@synergy.com"))
				peer.Expect("504")
				got := r.refused("the refusal is reported", func(federation.RefusedHandshake) bool { return true })
				if got.Reason != reason || !got.Outbound || got.Peer != "127.0.0.1" || got.Port != host.Port() || got.Address != host.Addr() ||
					got.Context != federation.PeerAuthContext || got.Listener != "" || got.Verified != (reason == certs.ReasonNotListed) {
					t.Errorf("reported is %+v, want %s", got, reason)
				}
			})
		}
	}
}

func TestAClientThatSpeaksNoTLSIsReported(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca)))
	for range 3 {
		c, err := siptest.Dial(r.at(5061), siptest.Options{Local: "127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Send(siptest.Probe(self))
		_ = c.WaitClosed()
		c.Close()
	}
	got := r.refused("three are counted as one", func(h federation.RefusedHandshake) bool { return h.Count == 3 })
	if got.Reason != certs.ReasonHandshake || !strings.Contains(got.Detail, "does not speak TLS") {
		t.Errorf("reported is %+v", got)
	}
}

func TestARefusalThatCouldNotBeReportedIsReportedLater(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca)))
	r.with(func() { r.broken = errDown })
	if c, err := siptest.Dial(r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: ca.Anonymous(self)}); err == nil {
		_ = c.WaitClosed()
		c.Close()
	}
	r.refused("it is tried", of(certs.ReasonNone))
	r.with(func() { r.broken, r.reports = nil, nil })
	r.refused("it is tried again", of(certs.ReasonNone))
	await(t, "it is told once", func() bool {
		last := r.lastReport()
		return last.Node != "" && last.Handshakes == nil
	})
}
