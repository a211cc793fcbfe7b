package embedpg

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// prototype is the data directory of a cluster made once; most tests copy it, since initdb takes a second.
var prototype string

func TestMain(m *testing.M) {
	if act := os.Getenv("EMBEDPG_TEST_ACT"); act != "" {
		acts[act](os.Getenv("EMBEDPG_TEST_ARGUMENT"))
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp(fastDir(), "embedpg-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		panic(err)
	}
	prototype = filepath.Join(dir, "prototype")
	c, err := Start(context.Background(), Config{DataDir: prototype, DataDirNamed: true, Volatile: true})
	if err != nil {
		panic(err)
	}
	if err := c.Close(); err != nil {
		panic(err)
	}
	return m.Run()
}

func fastDir() string {
	if _, err := os.Stat("/dev/shm"); err == nil {
		return "/dev/shm"
	}
	return os.TempDir()
}

// emptyDir is a directory that the server's user reaches, unlike t.TempDir under a strict umask.
func emptyDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(fastDir(), "embedpg-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// madeDir is a data directory whose cluster has been made before.
func madeDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(emptyDir(t), "var")
	if err := Clone(prototype, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func quick(dir string) Config { return Config{DataDir: dir, DataDirNamed: true, Volatile: true} }

func start(t *testing.T, cfg Config) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ask runs one query that gives one text.
func ask(t *testing.T, url, query string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var answer string
	if err := conn.QueryRow(t.Context(), query).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !is() {
		if pause(ctx, 5*time.Millisecond) != nil {
			t.Fatalf("not within ten seconds: %s", what)
		}
	}
}

func wantSentence(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
}

// acts are what this test program does when it is started as another process.
var acts = map[string]func(argument string){
	"start":  func(dir string) { stay(Start(context.Background(), quick(dir))) },
	"open":   func(dir string) { stay(Open(context.Background(), quick(dir))) },
	"nobody": connectAsNobody,
}

// stay prints the cluster's URL, or the error, and stays until standard input ends.
func stay(c *Cluster, err error) {
	if err != nil {
		os.Stdout.WriteString("error: " + err.Error() + "\n")
		return
	}
	os.Stdout.WriteString(c.URL() + "\n")
	io.Copy(io.Discard, os.Stdin)
	c.Close()
}

// connectAsNobody gives up root's rights, then prints how a connection with the right password ends.
func connectAsNobody(url string) {
	err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(65534), syscall.Setuid(65534))
	if err == nil {
		err = ping(context.Background(), url)
	}
	if err == nil {
		err = errors.New("connected")
	}
	os.Stdout.WriteString(strings.ReplaceAll(err.Error(), "\n", " ") + "\n")
}

// helper is another process of this test program.
type helper struct {
	cmd   *exec.Cmd
	first string // its first line
	stdin io.Closer
}

func another(t *testing.T, act, argument string) *helper {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "EMBEDPG_TEST_ACT="+act, "EMBEDPG_TEST_ARGUMENT="+argument)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the other process said nothing: %v", err)
	}
	return &helper{cmd: cmd, first: strings.TrimSpace(line), stdin: stdin}
}

func TestFirstStartMakesARealClusterAndTheNextKeepsIt(t *testing.T) {
	dir := filepath.Join(emptyDir(t), "new", "var")
	cfg := Config{DataDir: dir, DataDirNamed: true}
	c := start(t, cfg)
	for query, want := range map[string]string{
		`SHOW fsync`:            "on",
		`SHOW data_checksums`:   "on",
		`SHOW listen_addresses`: "",
		`SHOW server_encoding`:  "UTF8",
		`SELECT datcollate FROM pg_database WHERE datname = 'isthmus'`:                             locale(),
		`SELECT current_database()::text`:                                                          "isthmus",
		`SELECT string_agg(DISTINCT auth_method, ' ' ORDER BY auth_method) FROM pg_hba_file_rules`: "reject scram-sha-256",
	} {
		if got := ask(t, c.URL(), query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if c.Dir() != filepath.Join(dir, "postgres") || c.Notice() != "" {
		t.Errorf("it lies in %s with the notice %q", c.Dir(), c.Notice())
	}
	execute(t, c.URL(), `CREATE TABLE kept (word text); INSERT INTO kept VALUES ('yes')`)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if again := start(t, cfg); ask(t, again.URL(), `SELECT word FROM kept`) != "yes" {
		t.Error("the second start lost a row")
	}
}

func TestCloseEndsTheServerAlsoTwice(t *testing.T) {
	c := start(t, quick(madeDir(t)))
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Fatal(err)
	}
	if err := ping(t.Context(), c.URL()); err == nil {
		t.Error("the server still answers")
	}
	if _, err := os.Stat(filepath.Join(c.place.data(), "postmaster.pid")); err == nil {
		t.Error("the server was not shut down in order")
	}
}

func TestCloseDoesNotWaitForOpenConnections(t *testing.T) {
	c := start(t, quick(madeDir(t)))
	conn, err := pgx.Connect(t.Context(), c.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("a connection outlived the cluster")
	}
}

func TestAWrongPasswordIsRefusedEvenForTheServersOwnUser(t *testing.T) {
	c := start(t, quick(madeDir(t)))
	for _, password := range []string{"wrong", ""} {
		err := ping(t.Context(), c.place.url(password, database))
		if said := (*pgconn.PgError)(nil); password != "" && (!errors.As(err, &said) || said.Code != "28P01") || err == nil {
			t.Errorf("password %q: %v", password, err)
		}
	}
}

func TestAThirdUserCannotConnect(t *testing.T) {
	c := start(t, quick(madeDir(t)))
	for path, want := range map[string]os.FileMode{
		c.place.sockets:             0o700,
		socketPath(c.place.sockets): 0o700,
		c.place.passwordFile():      0o600,
		c.place.lockFile():          0o600,
		c.place.data():              0o700,
	} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
	}
	if os.Geteuid() != 0 {
		t.Log("only root can become a third user; the modes alone were looked at")
		return
	}
	if said := another(t, "nobody", c.URL()).first; !strings.Contains(said, "permission denied") {
		t.Errorf("with the right password a third user got: %s", said)
	}
}

func TestStartedByRootTheServerRunsAsAnotherUser(t *testing.T) {
	c := start(t, quick(madeDir(t)))
	info, err := os.Lstat(socketPath(c.place.sockets))
	if err != nil {
		t.Fatal(err)
	}
	want, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	if ownerOf(info) != want.uid || want.uid == 0 {
		t.Errorf("the server runs as user %d, want %s (%d)", ownerOf(info), want.name, want.uid)
	}
	password, err := os.Lstat(c.place.passwordFile())
	if err != nil {
		t.Fatal(err)
	}
	if ownerOf(password) != os.Geteuid() {
		t.Errorf("the password file belongs to user %d, not to who started the server", ownerOf(password))
	}
}

func TestALongPathGetsAShortSocketDirectory(t *testing.T) {
	dir := filepath.Join(emptyDir(t), strings.Repeat("long", 30))
	if err := Clone(prototype, dir); err != nil {
		t.Fatal(err)
	}
	c := start(t, quick(dir))
	if len(socketPath(c.place.sockets)) >= 107 {
		t.Errorf("the socket's path is %d bytes long", len(socketPath(c.place.sockets)))
	}
	if err := ping(t.Context(), c.URL()); err != nil {
		t.Error(err)
	}
	c.Close()
	if _, err := os.Lstat(c.place.sockets); err == nil {
		t.Errorf("%s was left behind", c.place.sockets)
	}
}

func TestASquattedSocketDirectoryIsRefused(t *testing.T) {
	dir := filepath.Join(emptyDir(t), "link")
	if err := os.Symlink(t.TempDir(), dir); err != nil {
		t.Fatal(err)
	}
	runner, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	wantSentence(t, ownDir(dir, runner), "is not a directory of the user", "remove it")
}
