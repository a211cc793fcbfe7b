package store

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
	"isthmus/internal/pgtest"
	"isthmus/migrations"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// migrate is what a process does when it starts.
func migrate(ctx context.Context, url string) error {
	s, err := Open(ctx, url)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(ctx)
}

// contents names what a new database holds: the migrations, and the defaults, which are code. pgtest keeps a migrated
// database for as long as this stays the same.
var contents = sync.OnceValue(func() fs.FS {
	files := fstest.MapFS{"defaults": {Data: []byte(asJSON(federation.DefaultConfiguration()))}}
	for _, name := range must(fs.Glob(migrations.FS, "*.sql")) {
		files[name] = &fstest.MapFile{Data: must(migrations.FS.ReadFile(name))}
	}
	return files
})

// open is a store on a database of its own, with the default configuration.
func open(t testing.TB) *Store {
	t.Helper()
	s := must(Open(context.Background(), pgtest.New(t, contents(), migrate)))
	t.Cleanup(s.Close)
	return s
}

// ann is who acts in tests.
var ann = auth.Actor{Name: "ann", Role: auth.Admin, Address: "127.0.0.9", Request: "r-1"}

func actor(t testing.TB) context.Context { return auth.WithActor(t.Context(), ann) }

// must hands on what worked.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// raw runs a statement beside the store, as a hand at the database would.
func raw(t testing.TB, s *Store, sql string, args ...any) error {
	t.Helper()
	_, err := s.pool.Exec(t.Context(), sql, args...)
	return err
}

// count is the number that a statement gives.
func count(t testing.TB, s *Store, sql string, args ...any) int {
	t.Helper()
	var n int
	ok(t, s.pool.QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

// small is a configuration with one of everything.
func small() federation.Configuration {
	c := federation.DefaultConfiguration()
	c.Settings.DefaultDomain = "synergy.com"
	c.Domains = []federation.Domain{{Name: "synergy.com"}, {Name: "other.com"}}
	c.Nodes = []federation.Node{
		{Name: "imp1.synergy.com", Address: "127.0.0.11", Services: federation.Services},
		{Name: "imp2.synergy.com", Address: "127.0.0.12", Services: []string{}},
	}
	r := federation.NewStaticRoute()
	r.Type, r.Destination, r.NextHop, r.Port, r.Transport = federation.RouteDomain, "synergy.com", "127.0.0.21", 5061, federation.TLS
	c.StaticRoutes = []federation.StaticRoute{r}
	c.ACL = []federation.ACLEntry{{Pattern: "127.0.0.21", Description: "fe1"}}
	c.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: "fe1.synergy.com"}, {Name: "pool.synergy.com"}}
	c.TLSContexts[0].PeerSubjects = []string{"fe1.synergy.com", "pool.synergy.com"}
	c.FederatedDomains = []federation.FederatedDomain{{Name: "remote.com", Direct: true}}
	c.Users = []federation.User{
		{UserID: "ann", Licensed: true, Node: "imp1.synergy.com", Mail: "ann.lee@synergy.com"},
		{UserID: "bob", MicrosoftAddress: "bob@synergy.com", Mail: "bob@synergy.com"},
	}
	c.Normalize()
	return c
}

// filled is a store that holds small.
func filled(t testing.TB) *Store {
	t.Helper()
	s := open(t)
	_, err := s.Apply(actor(t), "filled", func(federation.Configuration) (federation.Configuration, error) { return small(), nil })
	ok(t, err)
	return s
}

// first is the one row whose field is exactly text.
func first[T any](t testing.TB, list func(context.Context, listing.Query) (listing.Page[T], error), field, text string) T {
	t.Helper()
	page, err := list(t.Context(), listing.Query{Field: field, Op: listing.IsExactly, Text: text})
	ok(t, err)
	if len(page.Items) != 1 {
		t.Fatalf("%d rows have %s %q, want 1", len(page.Items), field, text)
	}
	return page.Items[0]
}

// refused fails the test unless err is a refusal that says all of words.
func refused(t testing.TB, err error, words ...string) {
	t.Helper()
	var refusal federation.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want a refusal", err)
	}
	for _, word := range words {
		if !strings.Contains(string(refusal), word) {
			t.Errorf("%q does not say %q", refusal, word)
		}
	}
}

// invalid fails the test unless err names the field, in a sentence that says all of words, and no other field.
func invalid(t testing.TB, err error, path string, words ...string) {
	t.Helper()
	var list federation.Invalid
	if !errors.As(err, &list) {
		t.Fatalf("got %v, want a problem of %s", err, path)
	}
	if len(list) != 1 || list[0].Path != path {
		t.Fatalf("got %q, want one problem of %s", list, path)
	}
	for _, word := range words {
		if !strings.Contains(list[0].Text, word) {
			t.Errorf("%q does not say %q", list[0].Text, word)
		}
	}
}

// unchanged runs a change that is to fail and fails the test when it leaves a trace.
func unchanged(t testing.TB, s *Store, change func() error) error {
	t.Helper()
	state := func() [3]int {
		return [3]int{count(t, s, `SELECT number FROM revision`), count(t, s, `SELECT count(*) FROM audit`),
			count(t, s, `SELECT coalesce(max(id), 0) FROM users`) + count(t, s, `SELECT count(*) FROM acl_entries`)}
	}
	before := state()
	err := change()
	if after := state(); after != before {
		t.Errorf("revision, audit rows and rows were %v and are %v after %v", before, after, err)
	}
	return err
}

func TestAnEmptyDatabaseGetsTheDefaultsOnce(t *testing.T) {
	s := open(t)
	ok(t, s.Migrate(t.Context()))
	snapshot := must(s.Snapshot(t.Context()))
	want := federation.DefaultConfiguration()
	if d := federation.Diff(&want, &snapshot.Configuration); len(d) > 0 || snapshot.Revision != 1 || len(snapshot.SavedSettings) != 0 {
		t.Errorf("revision %d, saved %v, differs by %v", snapshot.Revision, snapshot.SavedSettings, d)
	}
}

func TestProcessesThatMigrateAtOnceWaitForEachOther(t *testing.T) {
	s := open(t)
	ok(t, raw(t, s, `DROP SCHEMA public CASCADE`))
	ok(t, raw(t, s, `CREATE SCHEMA public`))
	results := make(chan error, 4)
	for range cap(results) {
		go func() { results <- migrate(context.Background(), s.config.ConnString()) }()
	}
	for range cap(results) {
		ok(t, <-results)
	}
	if n := count(t, s, `SELECT count(*) FROM audit`); n != 1 {
		t.Errorf("the defaults were written %d times", n)
	}
}

func TestASchemaNewerThanTheProgramIsRefused(t *testing.T) {
	s := open(t)
	ok(t, raw(t, s, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, true)`))
	refused(t, s.Migrate(t.Context()), "schema 9000", "newer program")
}

func TestAProgramSavesNothingIntoASchemaThatANewerOneHasMigratedMeanwhile(t *testing.T) {
	s := filled(t)
	before := must(s.Configuration(t.Context()))
	ok(t, raw(t, s, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, true)`))
	_, err := s.SaveACLEntry(t.Context(), federation.ACLEntry{Pattern: "10.9.9.9"})
	refused(t, err, "schema 9000", "newer program")
	if !errors.Is(err, ErrNewerSchema) {
		t.Errorf("the refusal has no mark: %v", err)
	}
	if now := must(s.Configuration(t.Context())); len(now.ACL) != len(before.ACL) {
		t.Errorf("now the ACL is %v", now.ACL)
	}
}

func TestTheMigrationsCanBeTakenBack(t *testing.T) {
	s := filled(t)
	down(t, s)
	if n := count(t, s, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'goose_db_version'`); n != 0 {
		t.Errorf("%d tables are left", n)
	}
	ok(t, s.Migrate(t.Context()))
}

func TestADatabaseWithoutItsRevisionIsRefused(t *testing.T) {
	s := open(t)
	ok(t, raw(t, s, `DELETE FROM revision`))
	_, err := s.Revision(t.Context())
	refused(t, err, "revision row is missing", "restore the database")
}

func TestADatabaseThatIsNotThereIsSaidSo(t *testing.T) {
	s := must(Open(t.Context(), "postgres://nobody:secret@127.0.0.1:1/none"))
	defer s.Close()
	_, err := s.Snapshot(t.Context())
	if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want %v", err, ErrUnavailable)
	}
	if _, err := Open(t.Context(), "postgres://nobody:secret@127.0.0.1:port/none"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a broken URL: %v", err)
	}
}

func TestAReadOnlyDatabaseIsSaidSoAndCanBeRead(t *testing.T) {
	s := open(t)
	ok(t, s.AddAdministrator(t.Context(), "ann", auth.Admin, "h"))
	ok(t, s.AddSession(t.Context(), auth.Session{IDHash: []byte("id"), Name: "ann"}))
	ok(t, raw(t, s, `UPDATE sessions SET seen_at = now() - interval '5 minutes'`))
	readOnly := must(Open(t.Context(), s.config.ConnString()+"&default_transaction_read_only=on"))
	defer readOnly.Close()
	if _, err := readOnly.SaveDomain(t.Context(), federation.Domain{Name: "a.com"}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("got %v, want %v", err, ErrReadOnly)
	}
	must(readOnly.Snapshot(t.Context()))
	must(readOnly.Session(t.Context(), []byte("id")))
}

// idle fails the test unless the pool's connections are all given back.
func idle(t testing.TB, s *Store) {
	t.Helper()
	if n := s.pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are not given back", n)
	}
}
