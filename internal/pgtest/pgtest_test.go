package pgtest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"isthmus/internal/embedpg"

	"github.com/jackc/pgx/v5"
)

// TestMain runs this program as another test process when it is told the schema of that process.
func TestMain(m *testing.M) {
	if statement := os.Getenv("PGTEST_TEST_SCHEMA"); statement != "" {
		serveUntilKilled(statement)
		return
	}
	Main(m)
}

// serveUntilKilled does what a test process does, prints its database's URL, or the error, and its
// directory, and stays until it is killed or standard input ends.
func serveUntilKilled(statement string) {
	c, err := clusterFor(schemaOf(statement), migration(statement))
	if err != nil {
		os.Stdout.WriteString("error: " + err.Error() + "\n\n")
		return
	}
	name, err := c.create()
	if err != nil {
		os.Stdout.WriteString("error: " + err.Error() + "\n\n")
		return
	}
	os.Stdout.WriteString(c.url(name) + "\n" + c.dir + "\n")
	io.Copy(io.Discard, os.Stdin)
	closeAll()
}

const words = `CREATE TABLE words (word text); INSERT INTO words VALUES ('migrated')`

func schemaOf(statement string) fs.FS {
	return fstest.MapFS{"0001.sql": {Data: []byte(statement)}}
}

func migration(statement string) Migrate {
	return func(ctx context.Context, url string) error {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, statement)
		return errors.Join(err, conn.Close(ctx))
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func wordsIn(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	var all string
	if err := conn.QueryRow(t.Context(), `SELECT string_agg(word, ' ' ORDER BY word) FROM words`).Scan(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEachTestHasAMigratedDatabaseOfItsOwn(t *testing.T) {
	one := connect(t, New(t, schemaOf(words), migration(words)))
	other := connect(t, New(t, schemaOf(words), migration(words)))
	if _, err := one.Exec(t.Context(), `INSERT INTO words VALUES ('mine')`); err != nil {
		t.Fatal(err)
	}
	if got := wordsIn(t, one); got != "migrated mine" {
		t.Errorf("the first database has %q", got)
	}
	if got := wordsIn(t, other); got != "migrated" {
		t.Errorf("the second database has %q", got)
	}
}

func TestTheDatabaseIsDroppedWithItsTestThoughASessionIsOpen(t *testing.T) {
	var url string
	t.Run("inner", func(t *testing.T) {
		url = New(t, schemaOf(words), migration(words))
		connect(t, url)
	})
	if _, err := pgx.Connect(t.Context(), url); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("after the test its database gave: %v", err)
	}
}

// BenchmarkNew is what each test pays beyond the first, without the drop.
func BenchmarkNew(b *testing.B) {
	New(b, schemaOf(words), migration(words))
	for b.Loop() {
		New(b, schemaOf(words), migration(words))
	}
}

// BenchmarkCluster is what each test process pays once a template is there.
func BenchmarkCluster(b *testing.B) {
	New(b, schemaOf(words), migration(words))
	key, err := keyOf(schemaOf(words))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c := begin(b.Context(), key, migration(words))
		if c.err != nil {
			b.Fatal(c.err)
		}
		b.StopTimer()
		c.close()
		b.StartTimer()
	}
}

func TestParallelTestsAreServed(t *testing.T) {
	for _, name := range []string{"a", "b", "c", "d"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := wordsIn(t, connect(t, New(t, schemaOf(words), migration(words)))); got != "migrated" {
				t.Errorf("the database has %q", got)
			}
		})
	}
}

func TestAnotherSchemaHasAnotherKeyAndTheSameOneTheSame(t *testing.T) {
	base := fstest.MapFS{"0001.sql": {Data: []byte("a")}, "0002.sql": {Data: []byte("b")}}
	want, err := keyOf(base)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		schema fstest.MapFS
		same   bool
	}{
		"the same files":     {fstest.MapFS{"0002.sql": {Data: []byte("b")}, "0001.sql": {Data: []byte("a")}}, true},
		"another content":    {fstest.MapFS{"0001.sql": {Data: []byte("a")}, "0002.sql": {Data: []byte("c")}}, false},
		"another name":       {fstest.MapFS{"0001.sql": {Data: []byte("a")}, "0003.sql": {Data: []byte("b")}}, false},
		"a file less":        {fstest.MapFS{"0001.sql": {Data: []byte("a")}}, false},
		"contents exchanged": {fstest.MapFS{"0001.sql": {Data: []byte("b")}, "0002.sql": {Data: []byte("a")}}, false},
	} {
		got, err := keyOf(c.schema)
		if err != nil {
			t.Fatal(err)
		}
		if (got == want) != c.same {
			t.Errorf("%s: key %s beside %s", name, got, want)
		}
	}
}

func TestAFailedMigrationIsReportedAndLeavesNoTemplate(t *testing.T) {
	const broken = `CREATE TABLE (`
	key, err := keyOf(schemaOf(broken))
	if err != nil {
		t.Fatal(err)
	}
	_, err = clusterFor(schemaOf(broken), migration(broken))
	if err == nil || !strings.Contains(err.Error(), "migrate the test template") {
		t.Fatalf("got: %v", err)
	}
	if _, again := clusterFor(schemaOf(broken), migration(broken)); again != err {
		t.Errorf("the next test got another error: %v", again)
	}
	r, err := openRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{goldenPrefix + key, goldenPrefix + key + ".new"} {
		if _, err := os.Stat(r.path(left)); err == nil {
			t.Errorf("%s was left", left)
		}
	}
}

// process is another test process of this program.
type process struct {
	*os.Process
	url, dir string
}

func another(t *testing.T, statement string) *process {
	t.Helper()
	stdin, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.StartProcess(os.Args[0], os.Args[:1], &os.ProcAttr{
		Env:   append(os.Environ(), "PGTEST_TEST_SCHEMA="+statement),
		Files: []*os.File{stdin, stdout, os.Stderr},
	})
	if err != nil {
		t.Fatal(err)
	}
	stdin.Close()
	stdout.Close()
	t.Cleanup(func() { hold.Close(); p.Wait(); read.Close() })
	lines := bufio.NewReader(read)
	url, _ := lines.ReadString('\n')
	dir, err := lines.ReadString('\n')
	if err != nil || strings.HasPrefix(url, "error") {
		t.Fatalf("the other process said %q (%v)", url, err)
	}
	return &process{p, strings.TrimSpace(url), strings.TrimSpace(dir)}
}

// uncommon is a schema that no other test and no earlier run has; its template is removed afterwards.
func uncommon(t *testing.T) (statement string, golden string) {
	t.Helper()
	statement = words + ` /* ` + t.Name() + time.Now().String() + ` */`
	key, err := keyOf(schemaOf(statement))
	if err != nil {
		t.Fatal(err)
	}
	r, err := openRoot()
	if err != nil {
		t.Fatal(err)
	}
	golden = r.path(goldenPrefix + key)
	t.Cleanup(func() { os.RemoveAll(golden) })
	return statement, golden
}

func TestSeveralProcessesShareOneTemplateAndHaveTheirOwnClusters(t *testing.T) {
	statement, golden := uncommon(t)
	one := another(t, statement)
	info, err := os.Stat(filepath.Join(golden, "postgres", "data", "PG_VERSION"))
	if err != nil {
		t.Fatal(err)
	}
	other := another(t, statement)
	again, err := os.Stat(filepath.Join(golden, "postgres", "data", "PG_VERSION"))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(info, again) {
		t.Error("the second process made the template again")
	}
	if one.dir == other.dir || one.url == other.url {
		t.Errorf("two processes share %s, %s", one.dir, one.url)
	}
	for _, p := range []*process{one, other} {
		if got := wordsIn(t, connect(t, p.url)); got != "migrated" {
			t.Errorf("%s has %q", p.dir, got)
		}
	}
}

func TestAKilledProcessLeavesNoServerAndItsFilesAreSwept(t *testing.T) {
	statement, _ := uncommon(t)
	victim := another(t, statement)
	living := another(t, statement)
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	server, err := embedpg.WaitLock(ctx, filepath.Join(victim.dir, "postgres", "lock")) // held to the server's end
	if err != nil {
		t.Fatalf("the server outlived its process: %v", err)
	}
	server.Release()
	r, err := openRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir, inUse, err := r.run(ctx) // as the next test process does
	if err != nil {
		t.Fatal(err)
	}
	defer inUse.Release()
	defer os.RemoveAll(dir)
	if _, err := os.Stat(victim.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s was not removed", victim.dir)
	}
	if got := wordsIn(t, connect(t, living.url)); got != "migrated" {
		t.Errorf("the living process's database has %q", got)
	}
}

func TestTemplatesThatNobodyUsesAnyMoreAreSwept(t *testing.T) {
	r := root(t.TempDir())
	old, recent := r.path(goldenPrefix+"old"), r.path(goldenPrefix+"recent")
	for _, dir := range []string{old, recent} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-unused - time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	r.sweep()
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the old template is still there")
	}
	if _, err := os.Stat(recent); err != nil {
		t.Error("the recent template was removed")
	}
}
