package e2e

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/siptest"
)

func TestADatabaseWithoutAFreeConnectionCostsNoRequestAndIsFollowedAgain(t *testing.T) {
	t.Parallel()
	const most = 40 // twice as many as two nodes ever have
	f := newServing(t, 2, fmt.Sprint("max_connections = ", most))
	var taken []*pgx.Conn
	f.outlives(t, outage{"no connection is free", func() { taken = f.takesConnections(most) }, func() {
		for _, c := range taken {
			c.Close(t.Context())
		}
	}, "degraded", "The database has no connection left."})
}

// takesConnections ends with all that the server gives in the test's hands, those for superusers too, and with none of the
// nodes, whichever they had. Until then nodes are kept away: they would go on taking what is given up.
func (f *fleet) takesConnections(all int) (taken []*pgx.Conn) {
	f.t.Helper()
	for _, m := range f.nodes {
		m.link.Cut()
	}
	eventually(f.t, 2*patience, "every connection is the test's", func() bool {
		for len(taken) < all {
			c, err := pgx.Connect(f.t.Context(), f.server.URL())
			if err != nil {
				return false // a node's, which the server has not missed yet
			}
			f.t.Cleanup(func() { c.Close(context.Background()) })
			taken = append(taken, c)
		}
		return true
	})
	for _, m := range f.nodes {
		m.link.Mend()
	}
	return taken
}

// What was removed after the backup does not come back unseen: not on a node that runs, and not on one that starts.
func TestADatabaseThatWasRestoredIsNotFollowedBeforeSomebodyAcceptsIt(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	anna := f.node.signsIn(siptest.Unique("anna"))
	f.admits(f.net + stranger)
	backup := f.server.Backup()
	f.node.apply(f.acl(fe1Host, fe2Host))
	revision := f.follows()
	flow := f.flows(pace, f.nodes[0])
	flow.goesOn(some)
	f.server.Restore(backup)
	holds := func() {
		t.Helper()
		for _, m := range f.nodes {
			eventually(t, 2*patience, m.address+" holds on to what it has", func() bool {
				r := m.ready()
				return r.State == "degraded" && r.Applied == revision && r.Revision != nil && *r.Revision < revision
			})
			if f.isHeard(m, stranger, "fe1.synergy.com") {
				t.Errorf("%s hears an address that was removed after the backup", m.address)
			}
		}
	}
	holds()
	f.nodes[1].process.stop()
	f.nodes[1].begins()
	holds()
	if status, page := anna.sees("/pending"); status != http.StatusOK || !strings.Contains(page, fmt.Sprintf("from revision %d to", revision)) {
		t.Errorf("the page Pending actions answers %d:\n%s", status, page)
	}
	if r := f.node.try("config", "apply", f.node.write("more.yaml", "version: 1\n"+f.acl(fe1Host))); r.code == 0 || !strings.Contains(r.err, "went back") {
		t.Errorf("a change meanwhile: %s", r)
	}
	if status, page := anna.does("/acl", "pattern", "10.8.8.8"); status != http.StatusUnprocessableEntity || !strings.Contains(page, "went back") {
		t.Errorf("a change at the console is answered %d:\n%s", status, page)
	}
	if status, page := anna.does("/pending/accept"); status != http.StatusOK {
		t.Errorf("accepting is answered %d:\n%s", status, page)
	}
	if now := f.follows(); now <= revision {
		t.Errorf("revision %d is in force after %d", now, revision)
	}
	for _, m := range f.nodes {
		eventually(t, patience, m.address+" has the accepted state", func() bool { return f.isHeard(m, stranger, "fe1.synergy.com") })
	}
	f.admits("10.9.9.9")
	flow.goesOn(some)
	flow.ends()
}

// Saves that the database cannot put in an order are tried again, and what cannot be saved is told as such: nothing is
// saved that was refused, and nothing lost that was confirmed.
func TestParallelEditsAreSavedOrRefusedAndNeverLost(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	consoles := []*reader{f.nodes[0].signsIn(siptest.Unique("anna")), f.nodes[1].signsIn(siptest.Unique("bert"))}
	f.server.Set("default_transaction_isolation", "serializable")
	const each, hands = 5, 3
	var group sync.WaitGroup
	var mu sync.Mutex
	answers := map[string]int{}
	for i, console := range consoles {
		for hand := range hands {
			group.Go(func() {
				for n := range each {
					pattern := fmt.Sprintf("10.6.%d.%d", i, hand*each+n)
					status, _ := console.does("/acl", "pattern", pattern)
					mu.Lock()
					answers[pattern] = status
					mu.Unlock()
				}
			})
		}
	}
	group.Wait()
	f.server.Set("default_transaction_isolation", "read committed")
	list := f.node.isthmus("config", "export") + "\n"
	count := map[int]int{}
	for pattern, status := range answers {
		count[status]++
		switch saved := strings.Contains(list, "pattern: "+pattern+"\n"); {
		case status != http.StatusOK && status != http.StatusConflict:
			t.Errorf("%s was answered %d", pattern, status)
		case saved != (status == http.StatusOK):
			t.Errorf("%s was answered %d, and is it there: %v", pattern, status, saved)
		}
	}
	if count[http.StatusOK] == 0 {
		t.Error("nothing was saved")
	}
	t.Logf("answers by status: %v", count)
	f.follows()
}

// Two people have the same form open, on two consoles: the second is told, and loses nothing that was typed.
func TestAnEditOfWhatAnotherConsoleHasChangedIsRefused(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	f.admits("10.5.5.5")
	anna, bert := f.nodes[0].signsIn(siptest.Unique("anna")), f.nodes[1].signsIn(siptest.Unique("bert"))
	path, form := anna.opensForm("/acl", "10.5.5.5")
	if _, same := bert.opensForm("/acl", "10.5.5.5"); same != form {
		t.Fatalf("the consoles show different states: %s and %s", form, same)
	}
	if status, page := anna.does(path, "was", form, "pattern", "10.5.5.6"); status != http.StatusOK {
		t.Fatalf("the first is answered %d:\n%s", status, page)
	}
	status, page := bert.does(path, "was", form, "pattern", "10.5.5.7")
	if status != http.StatusConflict || !strings.Contains(page, "10.5.5.7") {
		t.Errorf("the second is answered %d:\n%s", status, page)
	}
	if list := f.node.isthmus("config", "export"); !strings.Contains(list, "10.5.5.6") || strings.Contains(list, "10.5.5.7") {
		t.Errorf("now it is\n%s", list)
	}
}

// opensForm opens the form of a list's row, and returns its address and what it says of the state that it shows.
func (b *reader) opensForm(list, key string) (path, was string) {
	b.t.Helper()
	_, page := b.sees(list)
	row := regexp.MustCompile(`href="(` + list + `/\d+)"[^>]*>\s*` + regexp.QuoteMeta(key) + `\s*<`).FindStringSubmatch(page)
	if row == nil {
		b.t.Fatalf("%s has no row %s:\n%s", list, key, page)
	}
	_, page = b.sees(row[1])
	state := regexp.MustCompile(`name="was" value="([^"]+)"`).FindStringSubmatch(page)
	if state == nil {
		b.t.Fatalf("the form of %s does not say which state it shows:\n%s", key, page)
	}
	return row[1], html.UnescapeString(state[1])
}

// A program that is older than the schema does not know what it would overwrite.
func TestANodeWhoseProgramIsOlderThanTheSchemaRoutesAndSavesNothing(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	anna := f.node.signsIn(siptest.Unique("anna"))
	flow := f.flows(pace, f.nodes[0])
	f.server.Execute(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	f.nodes[1].process.stop()
	f.nodes[1].begins()
	f.nodes[1].becomes("degraded")
	eventually(t, patience, "the log says why", func() bool { return says(f.nodes[1].process, "99999", "Start the newer program") })
	restarted := f.flows(pace, f.nodes[1])
	restarted.goesOn(some)
	if status, page := anna.does("/acl", "pattern", "10.8.8.8"); status != http.StatusUnprocessableEntity || !strings.Contains(page, "Start the newer program") {
		t.Errorf("what is saved by the older program is answered %d:\n%s", status, page)
	}
	if r := f.node.try("config", "apply", f.node.write("more.yaml", "version: 1\n"+f.acl(fe1Host))); r.code == 0 || !strings.Contains(r.err, "Start the newer program") {
		t.Errorf("a change at the command line: %s", r)
	}
	f.server.Execute(`DELETE FROM goose_db_version WHERE version_id = 99999`)
	f.follows()
	f.admits("10.9.9.9")
	restarted.ends()
	flow.goesOn(some)
	flow.ends()
}

// A row that nobody could have saved, written by hand, either harms itself alone, or keeps the state in force that was
// there before, until it is mended. Nobody is let in by it, and no request is lost.
func TestARowWrittenByHandThatMeansNothingHarmsItselfOrNothing(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	anna := f.node.signsIn(siptest.Unique("anna"))
	flow := f.flows(pace, f.nodes...)
	f.server.Execute(`INSERT INTO static_routes (destination, type, next_hop, port, transport, priority, weight, allow_less_specific, in_service, blocked)
			VALUES ('..', 'domain', 'no host at all', 0, 'tls', 1, 1, true, true, false)`,
		`INSERT INTO tls_peer_subjects (name) VALUES ('*')`)
	before := f.follows()
	flow.goesOn(some)
	f.server.Execute(`INSERT INTO acl_entries (pattern) VALUES ('*.*.nowhere')`)
	for _, m := range f.nodes {
		eventually(t, patience, m.address+" says why it does not follow", func() bool { return says(m.process, "cannot be applied", "*.*.nowhere", "Incoming ACL") })
		if r := m.ready(); r.State != "degraded" || r.Status != http.StatusOK || r.Applied != before {
			t.Errorf("%s, which had revision %d: %+v", m.address, before, r)
		}
		if f.isHeard(m, fe1Host, "evil.synergy.com") {
			t.Errorf("%s hears a name that nobody listed", m.address)
		}
	}
	flow.goesOn(some)
	path, _ := anna.opensForm("/acl", "*.*.nowhere")
	anna.orders("/acl/delete", "id", strings.TrimPrefix(path, "/acl/"))
	if now := f.follows(); now <= before {
		t.Errorf("mended, revision %d is in force, and was %d before", now, before)
	}
	flow.goesOn(some)
	flow.ends()
}
