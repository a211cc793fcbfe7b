package embedpg

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWithoutServerProgramsTheSentenceNamesThePackage(t *testing.T) {
	cfg := quick(filepath.Join(emptyDir(t), "var"))
	cfg.places = []string{t.TempDir(), "/nowhere/*/bin"}
	_, err := Start(t.Context(), cfg)
	if !errors.Is(err, ErrNoPrograms) {
		t.Fatalf("got: %v", err)
	}
	wantSentence(t, err, "package postgresql", "other systems", "--database-url")
}

func TestTheNewestServerMakesANewClusterAndItsOwnRunsAnOldOne(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9", "17", "15"} {
		pretend(t, filepath.Join(root, version, "bin"), version)
	}
	cfg := Config{places: []string{filepath.Join(root, "*", "bin")}}
	p := place{dir: t.TempDir()}
	if bin, err := cfg.programs(p); err != nil || bin.major != 17 {
		t.Errorf("a new cluster would be made by %+v (%v), want 17", bin, err)
	}
	for _, c := range []struct {
		made  string
		major int
	}{{"15", 15}, {"16", 0}} {
		if err := os.MkdirAll(p.data(), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(p.data(), "PG_VERSION"), []byte(c.made+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		bin, err := cfg.programs(p)
		if bin.major != c.major {
			t.Errorf("a cluster made by %s would be run by %+v (%v)", c.made, bin, err)
		}
		if c.major == 0 {
			wantSentence(t, err, "PostgreSQL 16", "postgresql-16", "pg_dump")
		}
	}
}

func TestADirectoryWithoutInitdbIsNoInstallation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bin")
	pretend(t, dir, "15")
	if err := os.Remove(filepath.Join(dir, "initdb")); err != nil {
		t.Fatal(err)
	}
	if found := installed([]string{dir}); len(found) != 0 {
		t.Errorf("found %v", found)
	}
}

// pretend writes programs that only know their version.
func pretend(t *testing.T, dir, version string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + ".3 (Debian)'\n"
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// closedDir is a data directory that the server's user cannot reach; for the one user that a process
// without root's rights has, it is one that cannot be entered at all.
func closedDir(t *testing.T) string {
	t.Helper()
	closed := filepath.Join(emptyDir(t), "closed")
	mode := os.FileMode(0o700)
	if os.Geteuid() != 0 {
		mode = 0
	}
	if err := os.Mkdir(closed, mode); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(closed, "var")
}

func TestAnUnreachableNamedDirectoryIsRefusedAndLeftAlone(t *testing.T) {
	dir := closedDir(t)
	cfg := quick(dir)
	cfg.elsewhere = filepath.Join(emptyDir(t), "lib")
	_, err := Start(t.Context(), cfg)
	wantSentence(t, err, dir, "cannot reach", "--data-dir", "--database-url")
	for _, path := range []string{dir, cfg.elsewhere} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("the refused start made %s", path)
		}
	}
}

func TestAnUnreachableDefaultDirectoryIsReplacedWithANotice(t *testing.T) {
	dir := closedDir(t)
	cfg := Config{DataDir: dir, Volatile: true, elsewhere: filepath.Join(emptyDir(t), "lib")}
	if os.Geteuid() != 0 {
		_, err := Start(t.Context(), cfg)
		wantSentence(t, err, "cannot reach", "--data-dir")
		return
	}
	c := start(t, cfg)
	resolved, err := resolve(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(cfg.elsewhere, hash(resolved)); c.Dir() != want {
		t.Errorf("it lies in %s, want %s", c.Dir(), want)
	}
	if !strings.Contains(c.Notice(), c.Dir()) || !strings.Contains(c.Notice(), "cannot reach "+resolved) {
		t.Errorf("the notice is %q", c.Notice())
	}
	execute(t, c.URL(), `CREATE TABLE kept (word text); INSERT INTO kept VALUES ('yes')`)
	c.Close()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	again := start(t, cfg)
	if ask(t, again.URL(), `SELECT word FROM kept`) != "yes" || again.Notice() == "" {
		t.Error("when the directory became reachable, the cluster elsewhere was forgotten")
	}
}

func TestAClusterThatBecameUnreachableIsNotReplacedByAnEmptyOne(t *testing.T) {
	dir := madeDir(t)
	if os.Geteuid() == 0 {
		if err := os.Chmod(filepath.Dir(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	} else if err := os.Chmod(filepath.Join(dir, "postgres"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(dir, "postgres"), 0o711) }) // so that it can be removed
	_, err := Start(t.Context(), Config{DataDir: dir, Volatile: true, elsewhere: filepath.Join(emptyDir(t), "lib")})
	if os.Geteuid() == 0 {
		wantSentence(t, err, "cannot reach", "chmod o+x")
		return
	}
	wantSentence(t, err, "belongs to another user", "--data-dir")
}

func TestOneDirectoryHasOneNameHoweverItIsWritten(t *testing.T) {
	root := emptyDir(t)
	if err := os.Symlink(root, filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"var", "link/var", "link/link/var", "x/../var", "var/"} {
		got, err := resolve(root + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(root, "var"); got != want {
			t.Errorf("%s resolves to %s, want %s", name, got, want)
		}
	}
}

func TestAStrictUmaskDoesNotLockTheServerOut(t *testing.T) {
	dir := filepath.Join(emptyDir(t), "new", "var")
	if err := makeDirs(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	for _, made := range []string{dir, filepath.Dir(dir)} {
		info, err := os.Stat(made)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o711 {
			t.Errorf("%s has mode %o", made, info.Mode().Perm())
		}
	}
}

func TestTheCloneOfAClusterIsItsOwn(t *testing.T) {
	a, b := start(t, quick(madeDir(t))), start(t, quick(madeDir(t)))
	execute(t, a.URL(), `CREATE TABLE one (n int)`)
	if got := ask(t, b.URL(), `SELECT count(*)::text FROM pg_class WHERE relname = 'one'`); got != "0" {
		t.Error("two clones share their data")
	}
}

func TestADirectoryWithABlankOrAPlusHoldsACluster(t *testing.T) {
	c := start(t, quick(filepath.Join(emptyDir(t), "my + var")))
	if err := ping(t.Context(), c.URL()); err != nil {
		t.Errorf("%s: %v", c.Dir(), err)
	}
}

func TestAPathThatAConnectionStringCannotHoldGetsAShortSocketDirectory(t *testing.T) {
	for dir, inside := range map[string]bool{
		"/srv/a,b": false, "/srv/ab": true,
		"/" + strings.Repeat("x", maxSocketPath-len("//run/.s.PGSQL.5432")):   true,
		"/" + strings.Repeat("x", maxSocketPath-len("//run/.s.PGSQL.5432")+1): false,
	} {
		got := socketDir(place{dir: dir})
		if within := got == filepath.Join(dir, "run"); within != inside || strings.Contains(got, ",") || len(socketPath(got)) > maxSocketPath {
			t.Errorf("the sockets of %s lie in %s", dir, got)
		}
		if socketDir(place{dir: dir}) != got {
			t.Errorf("%s has two socket directories", dir)
		}
	}
}

func TestAClusterOfRootIsRefused(t *testing.T) {
	dir := filepath.Join(emptyDir(t), "var")
	data := filepath.Join(dir, "postgres", "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		t.Log("only root can make a directory of root's; that of its own user is looked at instead")
		if keeper, err := (place{dir: filepath.Dir(data)}).keeper(); err != nil || keeper.uid != os.Geteuid() {
			t.Errorf("it is run by %+v, %v", keeper, err)
		}
		return
	}
	_, err := Start(t.Context(), quick(dir))
	wantSentence(t, err, "belong to root", "chown -R postgres "+data)
}

func TestAFileInPlaceOfTheDataDirectoryIsNamed(t *testing.T) {
	file := filepath.Join(emptyDir(t), "var")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), quick(file))
	wantSentence(t, err, "a file stands where the directory", file, "--data-dir")
}
