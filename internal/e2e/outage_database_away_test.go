package e2e

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/internal/pgtest"
	"isthmus/internal/siptest"
)

const (
	pace = 10 * time.Millisecond // between two requests of one side, while something happens
	some = 50                    // requests that have to pass then

	coldStart = 2 * time.Second // at most, while tests run beside each other; to give the database up takes longer
)

func TestANodeStartsFromItsDiskWhileItsDatabaseIsDownOrHangs(t *testing.T) {
	t.Parallel()
	f := newServing(t, 1)
	m := f.nodes[0]
	for _, way := range []struct {
		name        string
		ends, mends func()
	}{
		{"it is down", f.server.Kill, func() { f.server.Start() }},
		{"it hangs", f.server.Freeze, f.server.Thaw},
		{"what is sent gets lost", m.link.Hold, m.link.Mend},
	} {
		revision := f.follows()
		m.process.stop()
		way.ends()
		began := time.Now()
		m.begins()
		m.becomes("degraded")
		took := time.Since(began)
		t.Logf("%s: it serves %s after its start", way.name, took.Round(time.Millisecond))
		if took > coldStart {
			t.Errorf("%s: it serves %s after its start", way.name, took)
		}
		if r := m.ready(); r.Status != http.StatusOK || r.Revision != nil || r.Applied != revision {
			t.Errorf("%s: /readyz answers %+v, and revision %d was in force", way.name, r, revision)
		}
		m.refusesSignIns(t)
		flow := f.flows(pace, m)
		flow.goesOn(some)
		way.mends()
		f.follows()
		flow.goesOn(some)
		flow.ends()
	}
	f.admits("10.9.9.9")
}

func TestANodeWithNothingOnDiskOpensNothingUntilItsDatabaseComes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		key  bool
	}{{"its key file is there", true}, {"nor its key file", false}} {
		t.Run(c.name, func(t *testing.T) {
			server := newServer(t)
			m := &member{machine: newMachine(t, "imp1.synergy.com", network()+nodeHost, ""), link: pgtest.NewLink(t, server.URL())}
			m.address, _, _ = net.SplitHostPort(m.console)
			if c.key {
				m.isthmusOver(server.URL(), "cert", "list")
			}
			server.Kill()
			m.begins()
			m.becomes("starting")
			if r := m.ready(); r.Status != http.StatusServiceUnavailable || r.Revision != nil || r.Applied != 0 {
				t.Errorf("/readyz answers %+v", r)
			}
			if opens(m.address, "5060") {
				t.Error("a node without any configuration listens")
			}
			m.refusesSignIns(t)
			server.Start()
			began := time.Now()
			m.becomes("ready")
			t.Logf("ready %s after the database", time.Since(began).Round(time.Millisecond))
			if !opens(m.address, "5060") {
				t.Error("a ready node does not listen")
			}
		})
	}
}

// refusesSignIns holds that the console says why nobody can sign in.
func (m *member) refusesSignIns(t *testing.T) {
	t.Helper()
	b := &reader{t: t, http: http.Client{Timeout: patience}, site: "http://" + m.console}
	if status, page := b.sees("/login"); status != http.StatusServiceUnavailable || !strings.Contains(page, "The database does not answer") {
		t.Errorf("the login page is answered %d:\n%s", status, page)
	}
}

// isthmusOver calls the program with another database.
func (m *member) isthmusOver(database string, args ...string) {
	m.t.Helper()
	m.isthmus(append(args, "--database-url", database)...)
}

func opens(host, port string) bool {
	c, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err == nil {
		c.Close()
	}
	return err == nil
}

// What is on disk is believed whole or not at all: a node that has nothing else lets nobody in.
func TestADamagedSnapshotOpensNothingUntilTheDatabaseComes(t *testing.T) {
	t.Parallel()
	f := newServing(t, 1)
	m := f.nodes[0]
	path := filepath.Join(m.dir, "data", "snapshot")
	m.process.stop()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{
		"cut short":           whole[:len(whole)-1],
		"one bit in the text": flipped(whole, len(whole)/2),
		"one bit in the sum":  flipped(whole, 40),
		"empty":               nil,
	} {
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		m.link.Cut()
		m.begins()
		eventually(t, patience, name+": the log says why", func() bool { return says(m.process, "the snapshot on disk is not used") })
		m.becomes("starting")
		if opens(m.address, "5060") || opens(m.address, "5061") {
			t.Errorf("%s: the node listens", name)
		}
		m.link.Mend()
		f.follows()
		m.process.stop()
	}
}

func flipped(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

// outage is something that happens to the database of a fleet that serves.
type outage struct {
	name        string
	ends, mends func()
	state       string // of the nodes meanwhile
	banner      string // of every page
}

// outlives holds that an outage costs no request, that the console shows what is in force and saves nothing meanwhile, and
// that every node follows the database afterwards.
func (f *fleet) outlives(t *testing.T, o outage) {
	t.Helper()
	anna := f.node.signsIn(siptest.Unique("anna"))
	anna.sees("/")
	flow := f.flows(pace, f.nodes...)
	flow.goesOn(some)
	o.ends()
	began := time.Now()
	for _, m := range f.nodes {
		m.becomes(o.state)
	}
	t.Logf("%s: noticed after %s", o.name, time.Since(began).Round(time.Millisecond))
	anna.looksAround(t, o, f.net+fe1Host)
	flow.goesOn(some)
	o.mends()
	began = time.Now()
	f.follows()
	t.Logf("%s: followed again after %s", o.name, time.Since(began).Round(time.Millisecond))
	f.admits("10.9.9.9")
	flow.goesOn(some)
	flow.ends()
	if list := f.node.isthmus("config", "export"); strings.Contains(list, "10.8.8.8") {
		t.Errorf("%s: what was refused is in force", o.name)
	}
}

// looksAround holds what the console does for somebody who was signed in before the outage.
func (b *reader) looksAround(t *testing.T, o outage, listed string) {
	t.Helper()
	// A page that found one of the old connections cut off knows no more than that.
	eventually(t, patience, o.name+": the console says so", func() bool {
		_, page := b.sees("/")
		return strings.Contains(page, o.banner)
	})
	for path, shown := range map[string]string{"/": "", "/nodes": "imp1.synergy.com", "/acl": listed, "/static-routes": ".com.synergy", "/services": "imp2.synergy.com"} {
		status, page := b.sees(path)
		if status != http.StatusOK || !strings.Contains(page, o.banner) || !strings.Contains(page, shown) || !strings.Contains(page, "Sign out") {
			t.Errorf("%s: %s is answered %d, with %q, %q and a way to sign out it should be:\n%s", o.name, path, status, o.banner, shown, page)
		}
		if strings.Contains(page, `href="`+path+`/new"`) {
			t.Errorf("%s: %s offers to add something", o.name, path)
		}
	}
	if status, page := b.does("/acl", "pattern", "10.8.8.8"); status != http.StatusServiceUnavailable || !strings.Contains(page, "nothing was saved") {
		t.Errorf("%s: what is saved then is answered %d:\n%s", o.name, status, page)
	}
}

func TestADatabaseThatIsKilledCostsNoRequestAndIsFollowedAgain(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	f.outlives(t, outage{"killed", f.server.Kill, func() { f.server.Start() }, "degraded", "The database does not answer."})
}

func TestADatabaseThatHangsCostsNoRequestAndIsFollowedAgain(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	f.outlives(t, outage{"hangs", f.server.Freeze, f.server.Thaw, "degraded", "The database does not answer."})
}

func TestADatabaseThatCanOnlyBeReadCostsNoRequestAndIsStartedFrom(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	f.outlives(t, outage{"can only be read", func() { f.server.Set("default_transaction_read_only", "on") }, func() { f.server.Set("default_transaction_read_only", "off") }, "ready", "The database can be read only."})
	f.server.Set("default_transaction_read_only", "on")
	m := f.nodes[1]
	m.process.stop()
	m.begins()
	eventually(t, patience, "it serves", func() bool { return m.ready().Status == http.StatusOK })
	flow := f.flows(pace, m)
	flow.goesOn(some)
	flow.ends()
	if r := f.node.try("config", "export"); !strings.Contains(r.out, m.user) {
		t.Errorf("a database that can only be read is read as\n%s", r)
	}
}

// A change that commits while nobody listens is found when the listeners are back.
func TestAChangeIsInForceThoughEveryListenerWasCutOffAtThatMoment(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	flow := f.flows(pace, f.nodes...)
	for _, pattern := range []string{"10.7.7.1", "10.7.7.2", "10.7.7.3"} {
		before := f.follows()
		began := time.Now()
		if n := f.server.Disconnect("isthmus watch", "INSERT INTO acl_entries (pattern) VALUES ('"+pattern+"')"); n != len(f.nodes) {
			t.Errorf("%d nodes were listening", n)
		}
		eventually(t, patience, "the change is in force", func() bool {
			return f.nodes[0].ready().Applied > before && f.nodes[1].ready().Applied > before
		})
		t.Logf("in force on both nodes after %s", time.Since(began).Round(time.Millisecond))
	}
	flow.goesOn(some)
	flow.ends()
}

// A peer that is taken off the list is shut out even when no node hears of it.
func TestAPeerIsShutOutThoughEveryNotificationIsLost(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	f.admits(f.net + stranger)
	f.server.Execute(`CREATE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE sql AS ''`,
		`ALTER FUNCTION raise_revision() SET search_path = public, pg_catalog`)
	for _, m := range f.nodes {
		if !f.isHeard(m, stranger, "fe1.synergy.com") {
			t.Errorf("%s does not hear a listed address", m.address)
		}
	}
	f.node.apply(f.acl(fe1Host, fe2Host))
	for _, m := range f.nodes {
		eventually(t, patience, m.address+" shuts the removed address out", func() bool { return !f.isHeard(m, stranger, "fe1.synergy.com") })
	}
	f.follows()
}

// isHeard reports whether an address is let in at a node's listener with mutual TLS, with a certificate of that name.
func (f *fleet) isHeard(m *member, host, name string) bool {
	c, err := siptest.Dial(m.address+":5061", siptest.Options{Local: f.net + host, TLS: f.ca.Client(f.ca.Leaf(name), m.name())})
	if err != nil {
		return false
	}
	defer c.Close()
	if c.Send(siptest.Probe(m.name())) != nil {
		return false
	}
	answer, err := c.Receive()
	return err == nil && answer.Status() == http.StatusOK
}
