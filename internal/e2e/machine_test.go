package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"isthmus/internal/dnstest"
	"isthmus/internal/pgtest"
	"isthmus/internal/store"
	"isthmus/migrations"
)

// machine is a computer with Isthmus on it: a data directory, and the flags that every command gets.
type machine struct {
	t       *testing.T
	dir     string
	console string // host:port
	env     []string
}

// newMachine is a machine of a name and SIP address. Without a database URL it has a database of its own, which runs as
// another user when the tests run as root and has to reach the directory.
func newMachine(t *testing.T, name, address, database string) *machine {
	t.Helper()
	dir, err := os.MkdirTemp("", "isthmus-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, dir: dir, console: net.JoinHostPort(address, "8080")}
	m.env = append(environment(), "ISTHMUS_DATA_DIR="+filepath.Join(dir, "data"), "ISTHMUS_NODE="+name, "ISTHMUS_SIP_ADDRESS="+address,
		"ISTHMUS_HTTP="+m.console, "ISTHMUS_DATABASE_URL="+database, "ISTHMUS_DNS="+dnstest.Start(t, "127.0.0.1").Addr)
	return m
}

// newDatabase is a migrated database that is already there when the test begins.
func newDatabase(t *testing.T) string {
	t.Helper()
	return pgtest.New(t, migrations.FS, func(ctx context.Context, url string) error {
		db, err := store.Open(ctx, url)
		if err != nil {
			return err
		}
		defer db.Close()
		return db.Migrate(ctx)
	})
}

// isthmus calls the program, which has to succeed.
func (m *machine) isthmus(args ...string) string {
	m.t.Helper()
	r := m.try(args...)
	if r.code != 0 {
		m.t.Fatalf("isthmus %s: %s", strings.Join(args, " "), r)
	}
	return r.out
}

func (m *machine) try(args ...string) result {
	m.t.Helper()
	return call(m.t, "", m.env, programs.isthmus, args...)
}

// write puts a file beside the data directory and returns its path.
func (m *machine) write(name, content string) string {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// apply makes the configuration what the document says.
func (m *machine) apply(document string) {
	m.t.Helper()
	m.isthmus("config", "apply", m.write("isthmus.yaml", "version: 1\n"+document))
}

// serve starts the node and waits until it is ready.
func (m *machine) serve(more ...string) *process {
	m.t.Helper()
	p := launch(m.t, m.env, programs.isthmus, append([]string{"serve"}, more...)...)
	eventually(m.t, patience, "ready", func() bool {
		select {
		case <-p.ended:
			m.t.Fatalf("serve ended: %s", p.err)
		default:
		}
		return m.ready().State == "ready"
	})
	return p
}

// readiness is what /readyz answers.
type readiness struct {
	Status   int    `json:"-"`
	State    string `json:"state"`
	Revision *int64 `json:"revision"`
	Applied  int64  `json:"applied_revision"`
}

func (m *machine) ready() (r readiness) {
	response, err := http.Get("http://" + m.console + "/readyz")
	if err != nil {
		return r
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	_ = json.Unmarshal(body, &r) // a body that is none leaves the state empty, which no test wants
	r.Status = response.StatusCode
	return r
}
