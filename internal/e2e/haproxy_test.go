//go:build e2e

package e2e

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// Addresses and names beside the world's.
const (
	balancerHost = "10"
	homeHost     = "13"
	balancerName = "sip.synergy.com"
)

// balanced is a world whose two routing nodes stand behind HAProxy, and a third node that homes the users.
type balanced struct {
	*world
	machines  []*machine // routing nodes, the active one first, then the home node
	processes []*process
	held      chan arrival // what the connector was asked to answer later
	haproxy   *process
}

// later is the text of a MESSAGE that the connector does not answer by itself.
const later = "answer this later"

func newBalanced(t *testing.T) *balanced {
	t.Helper()
	database := newDatabase(t)
	w := newWorld(t, database)
	b := &balanced{world: w, held: make(chan arrival, 1), machines: []*machine{w.node,
		newMachine(t, "imp2.synergy.com", w.net+imp2Host, database), newMachine(t, "imp3.synergy.com", w.net+homeHost, database)}}
	key := "ISTHMUS_KEY_FILE=" + filepath.Join(w.node.dir, "key")
	for i, host := range []string{nodeHost, imp2Host, homeHost} {
		b.machines[i].env = append(b.machines[i].env, key, "ISTHMUS_HTTPS="+w.net+host+":8443")
	}
	w.node.apply(b.document())
	w.node.isthmus("wizard", "finish", w.node.write("answers.yaml", w.answers()), "--out", w.node.dir+"/scripts")
	w.node.isthmus("cert", "import", "--purpose", "cup-trust", w.node.write("ca.pem", string(w.ca.PEM())))
	b.connects(t)
	for i, m := range b.machines {
		name := fmt.Sprintf("imp%d.synergy.com", i+1)
		leaf := w.ca.Issue(siptest.Leaf{Names: []string{name}, DNS: []string{name, balancerName, "trustedpool.synergy.com"}})
		certFile, keyFile, err := siptest.WritePEM(m.dir, "own", leaf)
		if err != nil {
			t.Fatal(err)
		}
		m.isthmus("cert", "import", "--purpose", "cup", certFile, "--key", keyFile)
		b.processes = append(b.processes, m.serve())
	}
	return b
}

// document has the balancer in the ACL and among the peers, on top of what the wizard adds.
func (b *balanced) document() string {
	return `settings: {default_domain: synergy.com}
domains:
  - name: synergy.com
nodes:
  - {name: imp1.synergy.com, address: ` + b.net + nodeHost + `, routing: true}
  - {name: imp2.synergy.com, address: ` + b.net + imp2Host + `, routing: true}
  - {name: imp3.synergy.com, address: ` + b.net + homeHost + `}
users:
  - {id: ann, licensed: true, node: imp3.synergy.com}
tls_peer_subjects:
  - name: ` + balancerName + `
tls_contexts:
  - {name: sip-proxy-server-auth, verify_client: false}
  - {name: sip-proxy-peer-auth, verify_client: true, min_version: "1.2", peer_subjects: [` + balancerName + `]}
` + b.acl(balancerHost)
}

// connects has the home node's connector answer everything but what is meant for later.
func (b *balanced) connects(t *testing.T) {
	t.Helper()
	l, err := siptest.Listen(b.net+homeHost+":5080", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.Serve(func(c *siptest.Conn, m *sip.Message) {
		if bytes.Contains(m.Bytes(), []byte(later)) {
			b.held <- arrival{m, c}
			return
		}
		_ = c.Answer(m, 200) // its sender may be gone
	})
}

// starts runs HAProxy with the documented configuration, which asks after the nodes in this way.
func (b *balanced) starts(t *testing.T, way string) {
	t.Helper()
	config, err := os.ReadFile("../../docs/haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	own := b.ca.Leaf(balancerName)
	replaced := []string{"default_backend by-readyz", "default_backend " + way, "/dev/log", "stderr format raw",
		"10.1.10.10", b.net + balancerHost, "10.1.10.11", b.net + nodeHost, "10.1.10.12", b.net + imp2Host, "10.1.20.21", b.net + fe1Host, "10.1.20.22", b.net + fe2Host,
		"/etc/haproxy/sip-ca.pem", b.file(t, "ca.pem", b.ca.PEM()), "/etc/haproxy/sip.pem", b.file(t, "sip.pem", append(siptest.KeyPEM(own), siptest.CertificatePEM(own)...))}
	if os.Getuid() != 0 {
		replaced = append(replaced, "user haproxy\n", "\n", "group haproxy\n", "\n")
	}
	for i := 0; i < len(replaced); i += 2 {
		if !strings.Contains(string(config), replaced[i]) {
			t.Fatalf("docs/haproxy.cfg has no %q", replaced[i])
		}
	}
	file := b.file(t, way+".cfg", []byte(strings.NewReplacer(replaced...).Replace(alone(t, string(config), way))))
	b.haproxy = launch(t, environment(), "haproxy", "-db", "-f", file)
	b.leadsTo(t, "imp1.synergy.com")
}

// alone is the configuration without the backend that is not named.
func alone(t *testing.T, config, way string) string {
	t.Helper()
	sections := strings.Split(config, "\nbackend ")
	if len(sections) != 3 {
		t.Fatalf("docs/haproxy.cfg has %d backends, not 2", len(sections)-1)
	}
	for _, s := range sections[1:] {
		if strings.HasPrefix(s, way+"\n") {
			return sections[0] + "\nbackend " + s + "\n"
		}
	}
	t.Fatalf("docs/haproxy.cfg has no backend %s", way)
	return ""
}

// from is how a front end of that host and name connects to the balancer, for whose name it asks.
func (b *balanced) from(host, name string) siptest.Options {
	return siptest.Options{Local: b.net + host, TLS: b.ca.Client(b.ca.Leaf(name), balancerName)}
}

func (b *balanced) dial(o siptest.Options) (*siptest.Conn, error) {
	return siptest.Dial(b.net+balancerHost+":5061", o)
}

// delivers sends a MESSAGE and reports whether it was answered with 200. A 100 comes when that takes long.
func delivers(c *siptest.Conn) bool {
	if err := c.Send(hello(carl, ann)); err != nil {
		return false
	}
	m, err := c.Receive()
	for err == nil && m.Status() == 100 {
		m, err = c.Receive()
	}
	return err == nil && m.Status() == 200
}

// node is the one to whose certificate a new connection through the balancer leads, "" when no MESSAGE comes through.
func (b *balanced) node(o siptest.Options) string {
	c, err := b.dial(o)
	if err != nil {
		return ""
	}
	defer c.Close()
	if !delivers(c) {
		return ""
	}
	return c.Certificate().Subject.CommonName
}

// leadsTo waits until new connections lead to a node, and tells how long that took.
func (b *balanced) leadsTo(t *testing.T, node string) {
	t.Helper()
	began, o := time.Now(), b.from(fe1Host, "fe1.synergy.com")
	eventually(t, patience, "new connections lead to "+node, func() bool {
		select {
		case <-b.haproxy.ended:
			t.Fatalf("HAProxy ended: %s", b.haproxy.err)
		default:
		}
		return b.node(o) == node
	})
	t.Logf("new connections lead to %s after %s", node, time.Since(began).Round(10*time.Millisecond))
}

// stays holds that new connections lead to a node for longer than checks that succeed need to bring another one back.
func (b *balanced) stays(t *testing.T, node string) {
	t.Helper()
	o, tick := b.from(fe1Host, "fe1.synergy.com"), time.NewTicker(100*time.Millisecond)
	defer tick.Stop()
	for range 30 {
		<-tick.C
		if got := b.node(o); got != node {
			t.Fatalf("a connection led to %q and not to %s", got, node)
		}
	}
}

func TestHAProxyTakesTheBackupWhileTheActiveNodeIsAway(t *testing.T) {
	t.Parallel()
	b := newBalanced(t)
	for _, way := range []string{"by-readyz", "by-options"} {
		t.Run(way, func(t *testing.T) {
			b.starts(t, way)
			t.Run("both ends see each other's certificate", b.passesTLS)
			t.Run("the SIP proxy is stopped", b.stopsProxy)
			t.Run("a node is killed", b.kills)
			t.Run("a node leaves", b.leaves)
			t.Run("a node hangs", b.hangs)
			if code := b.haproxy.stop(); code > 0 {
				t.Errorf("HAProxy ended with %d: %s", code, b.haproxy.err)
			}
		})
	}
}

func (b *balanced) passesTLS(t *testing.T) {
	// In TLS 1.3 a refusal comes after the handshake.
	if c, err := b.dial(b.from(fe1Host, "fe9.synergy.com")); err == nil {
		defer c.Close()
		if err := c.WaitClosed(); err != nil {
			t.Errorf("a subject that is not listed is let in: %v", err)
		}
	}
	eventually(t, patience, "the node names the subject", func() bool {
		return says(b.processes[0], "TLS peer subject not listed", "fe9.synergy.com", b.net+balancerHost)
	})
	if _, err := b.dial(b.from(stranger, "fe1.synergy.com")); err == nil {
		t.Error("HAProxy lets everybody in")
	}
	if _, err := b.dial(siptest.Options{Local: b.net + fe1Host, TLS: &tls.Config{RootCAs: siptest.NewAuthority("Other CA").Pool(), ServerName: balancerName}}); err == nil {
		t.Error("the front end would take any certificate")
	}
}

// stopsProxy is the Control Center's order, given on the node that stays.
func (b *balanced) stopsProxy(t *testing.T) {
	anna := b.machines[1].signsIn(siptest.Unique("anna"))
	order := func(order string) {
		anna.posts("/services/1/control", url.Values{"service": {"sip_proxy"}, "order": {order}})
	}
	order("stop")
	b.leadsTo(t, "imp2.synergy.com")
	b.stays(t, "imp2.synergy.com")
	order("start")
	b.leadsTo(t, "imp1.synergy.com")
}

// kills has a front end send one request after the other, each again until it is answered, over one connection for as
// long as that lasts.
func (b *balanced) kills(t *testing.T) {
	const each = 50
	o := b.from(fe1Host, "fe1.synergy.com")
	var c *siptest.Conn
	var longest time.Duration
	connects := 0
	send := func() {
		began := time.Now()
		eventually(t, patience, "the request is answered", func() bool {
			if c == nil {
				c, _ = b.dial(o) // none: it is tried again
				connects++
			}
			if c == nil || delivers(c) {
				return c != nil
			}
			c.Close()
			c = nil
			return false
		})
		longest = max(longest, time.Since(began))
	}
	for _, i := range []int{0, 1} { // first the active node, then the backup, to which the connection leads by then
		for range each {
			send()
		}
		if err := b.processes[i].cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for range each {
			send()
		}
		<-b.processes[i].ended
		b.processes[i] = b.machines[i].serve()
	}
	c.Close()
	t.Logf("%d requests were answered over %d connections, the slowest after %s", 4*each, connects, longest.Round(10*time.Millisecond))
	b.leadsTo(t, "imp1.synergy.com")
}

// leaves has a node drain with a request under way.
func (b *balanced) leaves(t *testing.T) {
	peer := siptest.Connect(t, b.net+balancerHost+":5061", b.from(fe1Host, "fe1.synergy.com"))
	peer.Sends(siptest.Message(carl, ann, later))
	held := <-b.held
	if err := b.processes[0].cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	b.leadsTo(t, "imp2.synergy.com")
	if strings.Contains(t.Name(), "readyz") {
		// Long enough for checks that failed to cut the connection off.
		if m, err := peer.ReceiveWithin(3 * time.Second); err != nil && !siptest.Quiet(err) {
			t.Fatalf("with a request under way: %v", err)
		} else if m != nil && m.Status() != 100 {
			t.Fatalf("nobody answered yet:\n%s", m.Bytes())
		}
		held.answers(t, 200)
		peer.Expect("200")
	} else {
		held.answers(t, 200)
	}
	peer.Close()
	select {
	case <-b.processes[0].ended:
	case <-time.After(patience):
		t.Fatal("the node does not end")
	}
	if code := b.processes[0].cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the node ended with %d: %s", code, tailOf(b.processes[0].err.String()))
	}
	b.processes[0] = b.machines[0].serve()
	b.leadsTo(t, "imp1.synergy.com")
}

// hangs has a node stop without a word, as it is when its machine is gone: who waits for an answer there is cut off.
func (b *balanced) hangs(t *testing.T) {
	o := b.from(fe1Host, "fe1.synergy.com")
	o.Timeout = patience
	waits := siptest.Connect(t, b.net+balancerHost+":5061", o)
	signal := func(s syscall.Signal) {
		if err := b.processes[0].cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	signal(syscall.SIGSTOP)
	defer signal(syscall.SIGCONT)
	waits.Sends(hello(carl, ann))
	waits.ExpectClosed()
	t.Logf("who waits was cut off after %s", time.Since(began).Round(10*time.Millisecond))
	b.leadsTo(t, "imp2.synergy.com")
	signal(syscall.SIGCONT)
	b.leadsTo(t, "imp1.synergy.com")
}
