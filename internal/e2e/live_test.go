package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// traffic sends one MESSAGE after the other over one connection, until stop is closed, and names what went wrong.
func traffic(c *siptest.Conn, from, to string, stop <-chan struct{}, answered *atomic.Int64) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		if err := c.Send(hello(from, to)); err != nil {
			return err
		}
		m, err := c.Receive()
		if err != nil {
			return err
		}
		if m.Status() != 200 {
			return fmt.Errorf("answered with\n%s", m.Bytes())
		}
		answered.Add(1)
	}
}

func TestChangesUnderTrafficDisturbNobody(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	w.connector.takesAll(t)
	w.fe1.takesAll(t)
	w.fe2.takesAll(t)
	var group sync.WaitGroup
	var answered atomic.Int64
	stop := make(chan struct{})
	for range 3 {
		inside, outside := w.inside(t).Conn, w.outside(t, fe1Host, "fe1.synergy.com").Conn
		for _, run := range []func() error{
			func() error { return traffic(inside, ann, carl, stop, &answered) },
			func() error { return traffic(outside, carl, ann, stop, &answered) },
		} {
			group.Go(func() {
				if err := run(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for i := range 5 {
		w.node.apply(w.acl(fe1Host, fe2Host, strconv.Itoa(100+i)))
		w.node.apply(w.listeners(6000 + i))
		w.node.apply(w.routes("{destination: .com.synergy, type: domain, next_hop: FE"+strconv.Itoa(1+i%2)+", port: 5061, transport: tls}",
			"{destination: .com.synergy.pool, type: domain, next_hop: FE1, port: 5061, transport: tls}"))
	}
	close(stop)
	group.Wait()
	if answered.Load() < 100 {
		t.Errorf("only %d messages went through", answered.Load())
	}
}

// listeners are the default ones and one more, at a port of its own.
func (w *world) listeners(port int) string {
	return fmt.Sprintf(`listeners:
  - {name: Default SIP Proxy TCP Listener, transport: tcp, port: 5060}
  - {name: Default SIP Proxy TLS Listener - Peer Auth, transport: tls, port: 5061, tls_context: sip-proxy-peer-auth}
  - {name: One more, transport: tcp, port: %d}
`, port)
}

func TestListenersOpenAndCloseWithinASecond(t *testing.T) {
	w, _ := running(t)
	open := func(port string) bool {
		c, err := net.Dial("tcp", net.JoinHostPort(w.net+nodeHost, port))
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	for _, step := range []struct{ document, open string }{
		{w.listeners(6060), "5060 5061 6060"},
		{"nodes:\n  - {name: imp1.synergy.com, address: " + w.net + nodeHost + ", services: [sip_federation]}\n", ""},
		{"nodes:\n  - {name: imp1.synergy.com, address: " + w.net + nodeHost + "}\n", "5060 5061 6060"},
	} {
		w.applied(t, step.document)
		var found []string
		for _, port := range []string{"5060", "5061", "5062", "6060"} {
			if open(port) {
				found = append(found, port)
			}
		}
		if got := strings.Join(found, " "); got != step.open {
			t.Errorf("open are %s after\n%s", got, step.document)
		}
	}
}

// applied makes a change and waits until the node has it in force, which has to be soon.
func (w *world) applied(t *testing.T, document string) {
	t.Helper()
	before := w.node.ready().Applied
	w.node.apply(document)
	eventually(t, inForce, "in force", func() bool { return w.node.ready().Applied > before })
}

func TestANewCertificateIsShownAndNewTrustHoldsAtOnce(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	renewed := siptest.NewAuthority("Renewed CA")
	stays := w.outside(t, fe1Host, "fe1.synergy.com")
	w.importCertificates(renewed)
	config := renewed.Client(renewed.Leaf("fe1.synergy.com"), "imp1.synergy.com")
	eventually(t, inForce, "the new CA's certificates on both sides", func() bool { return w.answersProbe(fe1Host, "5061", config) })
	if !admits(stays.Conn) {
		t.Error("an open connection was disturbed, though its CA is trusted still")
	}
}

func TestTheNodeRoutesWithoutItsDatabaseAndStartsWithoutIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	p := w.node.serve() // first, as each command would start the database anew
	w.setUp()
	eventually(t, patience, "the set-up is in force", func() bool { return w.knock(fe1Host).status == 200 })
	w.connector.takesAll(t)
	w.fe1.takesAll(t)
	inside, outside := w.inside(t), w.outside(t, fe1Host, "fe1.synergy.com")
	both := func() {
		t.Helper()
		inside.Sends(hello(ann, carl))
		inside.Expect("200")
		outside.Sends(hello(carl, ann))
		outside.Expect("200")
	}
	both()
	endDatabase(t, filepath.Join(w.node.dir, "data"))
	both()
	eventually(t, 5*time.Second, "degraded", func() bool { r := w.node.ready(); return r.State == "degraded" && r.Status == 200 && r.Revision == nil })
	both()
	if code := p.stop(); code != 0 {
		t.Errorf("serve ended with %d: %s", code, tailOf(p.err.String()))
	}
	w.node.env = append(w.node.env, "ISTHMUS_DATABASE_URL=postgres://isthmus@127.0.0.1:1/isthmus")
	launch(t, w.node.env, programs.isthmus, "serve")
	eventually(t, patience, "degraded from the start", func() bool { return w.node.ready().State == "degraded" })
	inside, outside = w.inside(t), w.outside(t, fe1Host, "fe1.synergy.com")
	both()
}

// endDatabase ends the embedded database as a crash would.
func endDatabase(t *testing.T, dir string) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(file), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
}

func tailOf(s string) string { return s[max(0, len(s)-2000):] }
