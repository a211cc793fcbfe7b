package node

import (
	"strings"
	"testing"

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

// Who has set up TLS and left the port as it was sees it in the log and among the refused handshakes, with the port to use.
func TestAClientThatSpeaksTLSOnATCPListenerIsToldWhereTLSIsSpoken(t *testing.T) {
	ca, log := siptest.NewAuthority("Root"), &journal{}
	r := start(t, func(c *Config) { c.Log = log.logger() })
	r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca)))
	if c, err := siptest.Dial(r.at(5060), siptest.Options{Local: "127.0.0.1", TLS: ca.Client(ca.Leaf(pool), self)}); err == nil {
		c.Close()
		t.Fatal("a TCP listener speaks TLS")
	}
	const says = `the peer speaks TLS on a TCP listener; let it use the port of a listener that speaks TLS: 5061 ("Default SIP Proxy TLS Listener - Peer Auth"), or TCP.`
	got := r.refused("it is reported", of(certs.ReasonTLSOnTCP))
	if got.Detail != says || got.Peer != "127.0.0.1" || got.Listener != "Default SIP Proxy TCP Listener" {
		t.Errorf("reported is %+v", got)
	}
	log.awaits(t, "TLS handshake failed", "peer", "127.0.0.1:", "", certs.ReasonTLSOnTCP+": "+says)
	r.commits(r.snapshot(2))
	if c, err := siptest.Dial(r.at(5060), siptest.Options{Local: "127.0.0.1", TLS: ca.Anonymous(self)}); err == nil {
		c.Close()
	}
	r.refused("without a TLS listener it is told so", func(h federation.RefusedHandshake) bool {
		return h.Detail == "the peer speaks TLS on a TCP listener; let it use TCP, or add a TLS listener."
	})
}
