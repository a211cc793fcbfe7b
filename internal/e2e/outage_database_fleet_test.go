package e2e

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/pgtest"
	"isthmus/internal/siptest"
	"isthmus/internal/store"
	"isthmus/migrations"
)

// member is one node of a fleet, with its user and the connector beside it.
type member struct {
	*machine
	address   string
	user      string
	connector *inbox
	process   *process
	link      *pgtest.Link // its way to the database
}

// fleet is nodes over one Postgres that the test may do to what it likes. Each serves a user of its own, so that what goes
// through one tells nothing of the others.
type fleet struct {
	*world
	server *pgtest.Server
	nodes  []*member
}

// newFleet has n configured nodes, none of which serves yet.
func newFleet(t *testing.T, n int, settings ...string) *fleet {
	t.Helper()
	server := newServer(t, settings...)
	passwordOf(t, server.URL())
	f := &fleet{world: newWorld(t, server.URL()), server: server}
	for i := range n {
		f.join(i)
	}
	f.node.apply(f.members())
	f.node.isthmus("wizard", "finish", f.node.write("answers.yaml", f.answers()), "--out", f.node.dir+"/scripts")
	f.importCertificates(f.ca)
	for i, m := range f.nodes[1:] {
		certFile, keyFile, err := siptest.WritePEM(m.dir, "own", f.ca.Leaf(fqdnOf(i+1)))
		if err != nil {
			t.Fatal(err)
		}
		m.isthmus("cert", "import", "--purpose", "cup", certFile, "--key", keyFile)
	}
	return f
}

func newServer(t *testing.T, settings ...string) *pgtest.Server {
	t.Helper()
	return pgtest.NewServer(t, migrations.FS, func(ctx context.Context, url string) error {
		db, err := store.Open(ctx, url)
		if err != nil {
			return err
		}
		defer db.Close()
		return db.Migrate(ctx)
	}, settings...)
}

func fqdnOf(i int) string { return fmt.Sprintf("imp%d.synergy.com", i+1) }

// name is the node's.
func (m *member) name() string {
	return strings.Replace(strings.Replace(m.user, "user", "imp", 1), "@", ".", 1)
}

// join adds a node, which reaches the database by a link of its own; commands go straight to it.
func (f *fleet) join(i int) {
	m := &member{machine: f.node, address: fmt.Sprintf("%s%d", f.net, 11+i), user: fmt.Sprintf("user%d@synergy.com", i+1), connector: f.connector}
	if i > 0 {
		m.machine = newMachine(f.t, fqdnOf(i), m.address, f.server.URL())
		l, err := siptest.Listen(m.address+":5080", nil)
		m.connector = newInbox(f.t, l, err)
	}
	m.env = append(m.env, "ISTHMUS_KEY_FILE="+filepath.Join(f.node.dir, "key"))
	m.link = pgtest.NewLink(f.t, f.server.URL())
	f.nodes = append(f.nodes, m)
}

func (f *fleet) members() string {
	var nodes, users strings.Builder
	for i, m := range f.nodes {
		fmt.Fprintf(&nodes, "  - {name: %s, address: %s}\n", fqdnOf(i), m.address)
		id, _, _ := strings.Cut(m.user, "@")
		fmt.Fprintf(&users, "  - {id: %s, mail: %s, licensed: true, node: %s}\n", id, m.user, fqdnOf(i))
	}
	return "settings: {default_domain: synergy.com}\ndomains:\n  - name: synergy.com\nnodes:\n" + nodes.String() + "users:\n" + users.String()
}

// newServing has n nodes that serve.
func newServing(t *testing.T, n int, settings ...string) *fleet {
	t.Helper()
	f := newFleet(t, n, settings...)
	f.serves()
	return f
}

// serves starts every node and waits until all are ready.
func (f *fleet) serves() {
	f.t.Helper()
	for _, m := range f.nodes {
		m.begins()
	}
	for _, m := range f.nodes {
		m.becomes("ready")
	}
}

// begins starts the node's process, and waits for nothing.
func (m *member) begins() {
	m.t.Helper()
	m.process = launch(m.t, append(m.env, "ISTHMUS_DATABASE_URL="+m.link.URL()), programs.isthmus, "serve")
}

// becomes waits for a state that /readyz tells.
func (m *member) becomes(state string) {
	m.t.Helper()
	eventually(m.t, 2*patience, m.address+" is "+state, func() bool { return m.ready().State == state })
	select {
	case <-m.process.ended:
		m.t.Fatalf("serve ended: %s", m.process.err)
	default:
	}
}

// follows waits until every node is ready and has the database's newest revision in force, which it returns.
func (f *fleet) follows() (revision int64) {
	f.t.Helper()
	eventually(f.t, 2*patience, "the database answers", func() bool {
		c, err := pgx.Connect(f.t.Context(), f.server.URL())
		if err != nil {
			return false
		}
		defer c.Close(f.t.Context())
		return c.QueryRow(f.t.Context(), `SELECT number FROM revision`).Scan(&revision) == nil
	})
	for _, m := range f.nodes {
		eventually(f.t, 2*patience, m.address+" follows", func() bool {
			r := m.ready()
			return r.State == "ready" && r.Applied >= revision
		})
	}
	return revision
}

// admits adds an entry to the incoming ACL, at the command line, and waits until every node has it in force.
func (f *fleet) admits(pattern string) {
	f.t.Helper()
	before := f.nodes[0].ready().Applied
	f.node.apply(f.acl(fe1Host, fe2Host) + "  - pattern: " + pattern + "\n")
	if now := f.follows(); now <= before {
		f.t.Errorf("after a change revision %d is in force everywhere, and was %d before", now, before)
	}
}

// does what a form of the console does, and returns the status and the page; a saved form leads to its list.
func (b *reader) does(path string, fields ...string) (status int, page string) {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.answered(b.http.PostForm(b.site+path, form))
}

// sees opens a page, whatever its status.
func (b *reader) sees(path string) (status int, page string) {
	b.t.Helper()
	return b.answered(b.http.Get(b.site + path))
}

// flows sends a request from each side to the other through each of the nodes, each as soon as the one before is answered
// and every has passed.
func (f *fleet) flows(every time.Duration, through ...*member) *load {
	f.t.Helper()
	l := newLoad(f.t, every, oneByOne, f.fe1, f.fe2)
	for _, m := range through {
		l.arrivesAt(m.connector)
		l.lane(m.address+":5060", siptest.Options{Local: m.address}, m.user, carl, 200)
		secure := f.ca.Client(f.ca.Leaf("fe1.synergy.com"), m.name())
		l.lane(m.address+":5061", siptest.Options{Local: f.net + fe1Host, TLS: secure}, carl, m.user, 200)
	}
	return l
}
