//go:build e2e

package e2e

import (
	"math/big"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// kamailio is a SIP server with OpenSSL underneath, in the place of a front end.
type kamailio struct {
	*process
	address string
	client  *siptest.Peer // of a user there
}

// kamailio starts the front end of a host and name. method is what its TLS module calls a version.
func (w *world) kamailio(t *testing.T, host, name, method string) kamailio {
	t.Helper()
	config, err := os.ReadFile("testdata/kamailio.cfg")
	if err != nil {
		t.Fatal(err)
	}
	own := w.shows(t, w.ca.Leaf(name))
	text := strings.NewReplacer("HERE", w.net+host, "NODE", w.net+nodeHost, "METHOD", method, "OWN", own[1], "KEY", own[3],
		"TRUSTED", w.file(t, "ca.pem", w.ca.PEM())).Replace(string(config))
	file := w.file(t, name+".cfg", []byte(text))
	k := kamailio{process: prepare(t, environment(), "kamailio", "-f", file, "-DD", "-E", "-Y", t.TempDir(), "-m", "16", "-M", "4"), address: w.net + host}
	k.startsAsGroup()
	for _, port := range []string{"5060", "5061"} {
		eventually(t, patience, "Kamailio listens", func() bool {
			select {
			case <-k.ended:
				t.Fatalf("Kamailio ended: %s", k.err)
			default:
			}
			return taken("tcp", net.JoinHostPort(k.address, port))
		})
	}
	k.client = siptest.Connect(t, net.JoinHostPort(k.address, "5060"), siptest.Options{Local: k.address})
	return k
}

// startsAsGroup starts Kamailio so that its worker processes end with it: one that it forks while it is told to end
// would stay.
func (k kamailio) startsAsGroup() {
	k.cmd.SysProcAttr, k.cmd.WaitDelay = &syscall.SysProcAttr{Setpgid: true}, time.Second
	k.start()
	group := -k.cmd.Process.Pid
	k.t.Cleanup(func() {
		_ = syscall.Kill(group, syscall.SIGTERM) // it may have ended
		k.stop()
		_ = syscall.Kill(group, syscall.SIGKILL)
	})
}

// saw is what Kamailio tells of the node's certificate in an answer that passed it.
func saw(t *testing.T, peer *siptest.Peer, r siptest.Request) string {
	t.Helper()
	peer.Sends(r)
	value, _ := peer.Expect("200").HeaderValue("X-Peer")
	return string(value)
}

// verified is what Kamailio sees of a certificate of the node that it trusts.
func (w *world) verified(version string, serial *big.Int) string {
	return version + " CN=imp1.synergy.com serial=" + serial.String() + " verified=1"
}

// newSerial gives the node a new certificate, and returns its serial number.
func (w *world) newSerial(t *testing.T) *big.Int {
	t.Helper()
	own, before := w.ca.Leaf("imp1.synergy.com"), w.node.ready().Applied
	certFile, keyFile, err := siptest.WritePEM(w.node.dir, "renewed", own)
	if err != nil {
		t.Fatal(err)
	}
	w.node.isthmus("cert", "import", "--purpose", "cup", certFile, "--key", keyFile)
	eventually(t, inForce, "the new certificate", func() bool { return w.node.ready().Applied > before })
	return own.Leaf.SerialNumber
}

// standsFor routes the domains fe1.example and fe2.example to a front end each.
func (w *world) standsFor() string {
	return `federated_domains:
  - {name: fe1.example, direct: true}
  - {name: fe2.example, direct: true}
` + w.routes("{destination: .example.fe1, type: domain, next_hop: FE1, port: 5061, transport: tls}",
		"{destination: .example.fe2, type: domain, next_hop: FE2, port: 5061, transport: tls}")
}

func TestKamailioFederatesOverMutualTLSAndStaysConnectedWhenTheCertificateIsReplaced(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	w.fe1.Close()
	w.fe2.Close()
	w.applied(t, w.standsFor())
	first := w.newSerial(t)
	w.connector.takesAll(t)
	fe1, fe2 := w.kamailio(t, fe1Host, "fe1.synergy.com", "TLSv1.2"), w.kamailio(t, fe2Host, "fe2.synergy.com", "TLSv1.2+")
	inside := w.inside(t)
	sees := func(promise string, peer *siptest.Peer, r siptest.Request, version string, serial *big.Int) {
		t.Helper()
		if got, want := saw(t, peer, r), w.verified(version, serial); got != want {
			t.Errorf("%s: %q, want %q", promise, got, want)
		}
	}
	for range 2 {
		sees("from Kamailio", fe1.client, hello(carl, ann), "TLSv1.2", first)
		sees("to Kamailio", inside, hello(ann, "carl@fe1.example"), "TLSv1.2", first)
	}
	second := w.newSerial(t)
	sees("from Kamailio over the connection that it has", fe1.client, hello(carl, ann), "TLSv1.2", first)
	sees("to Kamailio over a new connection beside it", inside, hello(ann, "carl@fe1.example"), "TLSv1.2", second)
	sees("from a Kamailio that connects now", fe2.client, hello(carl, ann), "TLSv1.3", second)
	sees("to a Kamailio that is connected to now", inside, hello(ann, "carl@fe2.example"), "TLSv1.3", second)
	closed := "closed: tls " + w.net + nodeHost
	if says(fe1.process, closed) {
		t.Errorf("a connection was dropped when the certificate was replaced:\n%s", fe1.err)
	}
	// That Kamailio tells of closed connections at all is seen when its name is removed.
	w.applied(t, strings.ReplaceAll(w.peerContext("1.2"), "fe1.synergy.com, ", ""))
	eventually(t, inForce, "the connections of a subject that was removed are closed", func() bool { return says(fe1.process, closed) })
	if err := fe1.client.Send(hello(carl, ann)); err != nil {
		t.Fatal(err)
	}
	w.node.signsIn("anna").shows(fe1.address, "connected to", "TLS peer subject not listed", "fe1.synergy.com", "from a trusted CA")
	sees("from a Kamailio that is listed still", fe2.client, hello(carl, ann), "TLSv1.3", second)
}
