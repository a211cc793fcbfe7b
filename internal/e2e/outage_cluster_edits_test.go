package e2e

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/document"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

// How much the tests of outages do; make outages asks for more than make test.
var (
	edits = flag.Int("edits", 60, "random changes of the configuration under load")
	seed  = flag.Uint64("seed", 6, "chooses them")
)

const writers = 3

// toggled has an object of that key in a list when it had none, and none when it had one.
func toggled[T any, P interface {
	*T
	federation.Object
}](list []T, o T) []T {
	P(&o).Normalize()
	key := P(&o).Key()
	if at := slices.IndexFunc(list, func(x T) bool { return P(&x).Key() == key }); at >= 0 {
		return slices.Delete(list, at, at+1)
	}
	return append(list, o)
}

// An edit changes what no traffic of the trio rests on: one kind of object each.
type edit func(c *federation.Configuration, n int, network string)

var kindsOfEdits = []edit{
	func(c *federation.Configuration, n int, _ string) {
		c.Domains = toggled(c.Domains, federation.Domain{Name: fmt.Sprintf("lab%d.example.com", n)})
	},
	func(c *federation.Configuration, n int, network string) {
		c.Nodes = toggled(c.Nodes, federation.Node{Name: fmt.Sprintf("spare%d.synergy.com", n), Address: fmt.Sprint(network, 100+n)})
	},
	func(c *federation.Configuration, n int, network string) {
		r := federation.NewStaticRoute()
		r.Destination, r.Type, r.NextHop, r.Port, r.Transport = fmt.Sprintf(".com.example.far%d", n), federation.RouteDomain, fmt.Sprint(network, 200+n), 5061, federation.TLS
		c.StaticRoutes = toggled(c.StaticRoutes, r)
	},
	func(c *federation.Configuration, n int, _ string) {
		c.ACL = toggled(c.ACL, federation.ACLEntry{Pattern: fmt.Sprint("10.7.0.", n)})
	},
	func(c *federation.Configuration, n int, _ string) {
		c.TLSPeerSubjects = toggled(c.TLSPeerSubjects, federation.TLSPeerSubject{Name: fmt.Sprintf("peer%d.example.com", n)})
	},
	func(c *federation.Configuration, n int, _ string) {
		o := federation.NewTLSContext()
		o.Name, o.VerifyClient = fmt.Sprint("lab ", n), true
		c.TLSContexts = toggled(c.TLSContexts, o)
	},
	func(c *federation.Configuration, n int, _ string) {
		o := federation.NewListener()
		o.Name, o.Port = fmt.Sprint("Lab ", n%4), 6200+n%4
		c.Listeners = toggled(c.Listeners, o)
	},
	func(c *federation.Configuration, n int, _ string) {
		c.FederatedDomains = toggled(c.FederatedDomains, federation.FederatedDomain{Name: fmt.Sprintf("partner%d.example.com", n)})
	},
	func(c *federation.Configuration, n int, _ string) {
		c.Users = toggled(c.Users, federation.User{UserID: fmt.Sprint("user", n), Licensed: true, Node: homeNames[n%2], Mail: fmt.Sprintf("user%d@synergy.com", n)})
	},
	func(c *federation.Configuration, n int, _ string) {
		if c.Settings.MaxContacts += 1; c.Settings.MaxContacts > 900 {
			c.Settings.MaxContacts = 200
		}
	},
}

// Every so many edits one breaks a rule: nothing of it may stay.
const refusedEvery = 20

// change is the edit of a number: the same from the same configuration on. Some change several objects at once, so that a
// snapshot with a part of them shows; some are refused.
func change(number int, network string) func(federation.Configuration) (federation.Configuration, error) {
	return func(c federation.Configuration) (federation.Configuration, error) {
		random := rand.New(rand.NewPCG(*seed, uint64(number)))
		for _, kind := range random.Perm(len(kindsOfEdits))[:1+random.IntN(4)] {
			kindsOfEdits[kind](&c, random.IntN(30), network)
		}
		if number%refusedEvery == 0 {
			c.Listeners = append(c.Listeners, c.Listeners[0])
			c.Listeners[len(c.Listeners)-1].Name = "The same port again"
		}
		c.Normalize()
		return c, nil
	}
}

// sum tells configurations apart, without their users, whom snapshots do not hold.
func sum(t *testing.T, c federation.Configuration) [sha256.Size]byte {
	t.Helper()
	c.Users = nil
	text, err := document.Export(c)
	if err != nil {
		t.Error(err)
	}
	return sha256.Sum256(text)
}

// edited runs the edits 1 to n by several writers at once and returns those that the store confirmed.
func edited(t *testing.T, database, network string, n int) map[int]bool {
	t.Helper()
	var next atomic.Int64
	var group sync.WaitGroup
	var mu sync.Mutex
	confirmed := map[int]bool{}
	for range writers {
		db := storeAt(t, database)
		group.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				_, err := db.Apply(t.Context(), editName(i), change(i, network))
				switch invalid := (federation.Invalid)(nil); {
				case i%refusedEvery == 0 && errors.As(err, &invalid):
				case err != nil || i%refusedEvery == 0:
					t.Errorf("edit %d: %v", i, err)
				default:
					mu.Lock()
					confirmed[i] = true
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	return confirmed
}

func editName(i int) string { return fmt.Sprint("edit ", i) }

// storeAt is the store of a database, until the test ends.
func storeAt(t *testing.T, database string) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// committed is an edit in the audit log, which the database writes in one transaction with the edit.
type committed struct {
	Action   string
	Revision int64
}

func auditAfter(t *testing.T, database string, revision int64) []committed {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, _ := conn.Query(t.Context(), `SELECT action, revision FROM audit WHERE revision > $1 ORDER BY revision`, revision)
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[committed])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestRandomEditsUnderLoadAreAllThereOnEveryNodeAndNoneIsSeenInPart lets several writers edit at once while six nodes
// follow and carry traffic. The audit log tells in which order the edits came; gone through again in that order by this
// process alone they have to make what each node saw at each revision, and what the database holds in the end.
func TestRandomEditsUnderLoadAreAllThereOnEveryNodeAndNoneIsSeenInPart(t *testing.T) {
	c := newTrio(t)
	followers := c.followers(t)
	load := newLoad(t, laneEvery, regardless, c.boxes[0], c.boxes[1], c.fe1)
	for i := range 2 * lanes {
		c.fromThePool(load, i, 200)
		c.fromTheConnector(load, i)
	}
	db := storeAt(t, c.database)
	model, err := db.Configuration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, err := db.Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	began := time.Now()
	confirmed := edited(t, c.database, c.net, *edits)
	took := time.Since(began)
	last, err := db.Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.reach(t, followers, last.Revision)
	load.ends()

	sums := map[int64][sha256.Size]byte{first.Revision: sum(t, model)}
	for _, e := range auditAfter(t, c.database, first.Revision) {
		number, err := strconv.Atoi(strings.TrimPrefix(e.Action, "edit "))
		if err != nil || !confirmed[number] {
			t.Fatalf("revision %d is of %q, which was not confirmed, or twice there", e.Revision, e.Action)
		}
		delete(confirmed, number)
		model, _ = change(number, c.net)(model)
		sums[e.Revision] = sum(t, model)
	}
	if len(confirmed) > 0 {
		t.Errorf("lost, though confirmed: %v", slices.Sorted(maps.Keys(confirmed)))
	}
	now, err := db.Configuration(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := federation.Diff(&model, &now); len(d) > 0 {
		t.Errorf("the database holds something else: %v", d)
	}
	seen := 0
	for _, f := range followers {
		seen += f.agrees(t, sums, &now, last.Revision)
	}
	t.Logf("%d edits by %d writers in %s; %d snapshots were put in force by %d nodes in this process", *edits, writers, took.Round(time.Millisecond), seen, len(followers))
}

// reach waits until every node has the last revision in force.
func (c *trio) reach(t *testing.T, followers []*follower, revision int64) {
	t.Helper()
	for _, m := range []*machine{c.node, c.homes[0], c.homes[1]} {
		eventually(t, patience, "the last revision is in force", func() bool { return m.ready().Applied == revision })
	}
	for _, f := range followers {
		eventually(t, patience, "the last revision is in force", func() bool { return f.node.Health().AppliedRevision == revision })
	}
}
