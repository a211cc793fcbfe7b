package node

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// A listed peer whose subject or CA is removed: its open connection is closed within a second, and its session, if it kept
// one, lets it in no more.
func TestWhoIsRevokedIsClosedWithinASecondAndNotResumed(t *testing.T) {
	ca, other := siptest.NewAuthority("Root"), siptest.NewAuthority("Other")
	noSubject := func(s *federation.Snapshot) { s.TLSContext(federation.PeerAuthContext).PeerSubjects = nil }
	legacy := func(s *federation.Snapshot) { s.TLSContext(federation.PeerAuthContext).MinVersion = "1.0" }
	for _, removal := range []struct {
		name   string
		after  []func(*federation.Snapshot)
		reason string
	}{
		{"subject removed", []func(*federation.Snapshot){trusting(t, other), noSubject}, certs.ReasonNotListed},
		{"CA removed", nil, certs.ReasonUnknownCA},
	} {
		for _, version := range allVersions {
			t.Run(removal.name+", "+tls.VersionName(version), func(t *testing.T) {
				t.Parallel()
				r := start(t)
				own, trust := r.withTLS(ca), trusting(t, ca)
				r.commits(r.snapshot(1, own, trust, trusting(t, other), legacy))
				config := showing(other.Leaf(pool), version)
				config.ServerName, config.ClientSessionCache = self, tls.NewLRUClientSessionCache(4)
				peer := siptest.Connect(t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: config})
				peer.Sends(siptest.Probe(self))
				peer.Expect("200")
				changed := time.Now()
				r.commits(r.snapshot(2, append([]func(*federation.Snapshot){own, trust, legacy}, removal.after...)...))
				peer.ExpectClosed()
				if took := time.Since(changed); took > time.Second {
					t.Errorf("it was closed after %v", took)
				}
				again := r.secure(t, config)
				if n, err := again.Read(make([]byte, 1)); n > 0 || alert(err) != "tls: bad certificate" || again.ConnectionState().DidResume {
					t.Errorf("the next handshake ends with %v, resumed: %v", err, again.ConnectionState().DidResume)
				}
				again.NetConn().Close()
				r.refused("the next handshake is refused", of(removal.reason))
			})
		}
	}
}

// secure connects without waiting for the handshake.
func (r *rig) secure(t *testing.T, config *tls.Config) *tls.Conn {
	t.Helper()
	raw, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, Timeout: patience}).Dial("tcp", r.at(5061))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	_ = raw.SetDeadline(time.Now().Add(patience))
	return tls.Client(raw, config)
}

// A renewed certificate: the listening socket is the same one, who waits in its queue during the change is served, with the
// new certificate, and who is connected stays.
func TestACertificateIsRenewedWithoutBindingAgain(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	first, second, trust := r.withTLS(ca), r.withTLS(ca), trusting(t, ca)
	r.commits(r.snapshot(1, first, trust))
	old, config := r.connect(ca), ca.Client(ca.Leaf(pool), self)
	table := listenTable(t)
	socket, _ := table.at(r.address, 5061)
	queued, end := r.queues(t)
	await(t, "it waits in the queue", func() bool { _, n := table.at(r.address, 5061); return n == 1 })
	r.commits(r.snapshot(2, second, trust))
	if now, n := table.at(r.address, 5061); now != socket || n != 1 {
		t.Errorf("the socket %s became %s, and %d wait in its queue", socket, now, n)
	}
	end()
	renewed := serial(t, tls.Client(queued(), config))
	if renewed == old.Certificate().SerialNumber.String() {
		t.Error("who waited during the change is shown the old certificate")
	}
	if after := r.connect(ca); after.Certificate().SerialNumber.String() != renewed {
		t.Error("two certificates are shown after the change")
	}
	old.Sends(siptest.Probe(self))
	old.Expect("200")
	if now, _ := table.at(r.address, 5061); now != socket {
		t.Errorf("the socket %s became %s", socket, now)
	}
}

// serial is that of the certificate that a connection is served with.
func serial(t *testing.T, secure *tls.Conn) string {
	t.Helper()
	peer := siptest.NewConn(secure, patience)
	if err := peer.Send(siptest.Probe(self)); err != nil {
		t.Fatal(err)
	}
	if m, err := peer.Receive(); err != nil || m.Status() != 200 {
		t.Fatalf("who waited during the change is not served: %v", err)
	}
	return peer.Certificate().SerialNumber.String()
}
