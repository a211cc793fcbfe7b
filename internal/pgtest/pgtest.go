// Package pgtest gives every test a migrated Postgres database of its own. It owns the template that the
// databases are copied from and the cluster that serves them; it refuses to know the schema, which the
// caller names and makes. For tests only.
//
// Migrating happens once per schema: the result is a "golden" data directory in memory, which each test
// process copies and starts, and in which each test's database is a copy of the migrated one.
package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Migrate brings the empty database at url to the schema.
type Migrate func(ctx context.Context, url string) error

// setUp is how long making the golden directory or starting a cluster may take.
const setUp = 2 * time.Minute

// clusters are this process's, by schema: they are what its tests share.
var clusters = struct {
	sync.Mutex
	byKey map[string]*cluster
}{byKey: map[string]*cluster{}}

// New gives the URL of a new database that migrate has brought to the schema, dropped when the test ends.
// The schema is the migrations' files: as long as their names and contents stay, migrate is not run again,
// not even by another process. Tests may run in parallel; pools need not be closed before the end.
func New(t testing.TB, schema fs.FS, migrate Migrate) string {
	t.Helper()
	c, err := clusterFor(schema, migrate)
	if err != nil {
		t.Fatalf("set up the test database: %v", err)
	}
	name, err := c.create()
	if err != nil {
		t.Fatalf("create the test's database: %v", err)
	}
	t.Cleanup(func() {
		if err := c.drop(name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return c.url(name)
}

// Main runs a package's tests, then ends its clusters and removes their files. Call it as the whole of
// TestMain: func TestMain(m *testing.M) { pgtest.Main(m) }. Without it, or when the process is killed, the
// clusters end with the process all the same, and their files go when the next test process comes.
func Main(m *testing.M) {
	defer closeAll()
	m.Run() // testing itself exits with its result after TestMain
}

func closeAll() {
	clusters.Lock()
	defer clusters.Unlock()
	for key, c := range clusters.byKey {
		c.close()
		delete(clusters.byKey, key)
	}
}

// clusterFor starts a schema's cluster at the first call. A failure is kept: the next test would fail alike.
func clusterFor(schema fs.FS, migrate Migrate) (*cluster, error) {
	key, err := keyOf(schema)
	if err != nil {
		return nil, err
	}
	clusters.Lock()
	defer clusters.Unlock()
	c, known := clusters.byKey[key]
	if !known {
		ctx, cancel := context.WithTimeout(context.Background(), setUp)
		defer cancel()
		c = begin(ctx, key, migrate)
		clusters.byKey[key] = c
	}
	return c, c.err
}

// keyOf names a schema by the hash of its files' names and contents.
func keyOf(schema fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(schema, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(schema, path)
		fmt.Fprintf(sum, "%q %q\n", path, text)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read the migrations: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// withDatabase is the URL with another database.
func withDatabase(address, name string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}
