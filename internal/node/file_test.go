package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"isthmus/internal/federation"
)

func testFiles(t *testing.T) files {
	t.Helper()
	return files{dir: t.TempDir(), key: []byte("a key of the cluster")}
}

func TestASnapshotComesBackFromDiskAsItWas(t *testing.T) {
	f := testFiles(t)
	want := federation.Snapshot{Revision: 43, Configuration: federation.DefaultConfiguration(), SavedSettings: []string{"routing_mode"},
		Deployments:  []federation.Deployment{{Name: "pool.synergy.com", Answers: federation.Answers{Expressway: &federation.Host{FQDN: "exp.synergy.com"}}}},
		Certificates: []federation.Certificate{{Purpose: federation.PurposeOwn, Chain: []byte("chain"), EncryptedKey: []byte{1, 0, 255}, NotAfter: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)}},
		Usage:        federation.Usage{ByNode: map[string]int{"imp1.synergy.com": 2}}}
	want.Settings.MaxContacts, want.Settings.MaxWatchers = federation.Unlimited, 7
	want.StaticRoutes = []federation.StaticRoute{federation.NewStaticRoute()}
	if err := f.writeSnapshot(want); err != nil {
		t.Fatal(err)
	}
	got, _, err := f.readSnapshot()
	if diff := gocmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("error %v: %s", err, diff)
	}
	info, err := os.Stat(filepath.Join(f.dir, snapshotFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v; want 0600", info.Mode(), err)
	}
}

func TestUsersFactsComeBackFromDisk(t *testing.T) {
	f, want := testFiles(t), manyUsers(10)
	if err := f.writeUsers(want); err != nil {
		t.Fatal(err)
	}
	got, err := f.readUsers()
	if diff := gocmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("error %v: %s", err, diff)
	}
}

func TestAMissingFileIsNotADamagedOne(t *testing.T) {
	if _, err := testFiles(t).read(snapshotFile); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error %v", err)
	}
}

func TestEveryFlippedBitAndEveryCutIsRefused(t *testing.T) {
	f := testFiles(t)
	if err := f.write(snapshotFile, []byte("content")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(f.dir, snapshotFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := f.read(snapshotFile); err == nil {
			t.Errorf("%s: taken as %q", what, got)
		}
	}
	for bit := range len(good) * 8 {
		flipped := append([]byte{}, good...)
		flipped[bit/8] ^= 1 << (bit % 8)
		refused(fmt.Sprint("bit ", bit), flipped)
	}
	for n := range len(good) {
		refused(fmt.Sprint("cut to ", n), good[:n])
	}
	refused("one octet more", append(append([]byte{}, good...), 0))
}

func TestAFileOfAnotherKeyOrInTheOthersPlaceIsRefused(t *testing.T) {
	f := testFiles(t)
	if err := f.write(snapshotFile, []byte("content")); err != nil {
		t.Fatal(err)
	}
	if _, err := (files{dir: f.dir, key: []byte("another")}).read(snapshotFile); err == nil {
		t.Error("a file of another key was taken")
	}
	if err := os.Rename(filepath.Join(f.dir, snapshotFile), filepath.Join(f.dir, usersFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.read(usersFile); err == nil {
		t.Error("the snapshot was taken as the users")
	}
}

func TestAWriteThatFailsLeavesTheOldFile(t *testing.T) {
	f := testFiles(t)
	if err := f.write(snapshotFile, []byte("old")); err != nil {
		t.Fatal(err)
	}
	// A file where the directory should be: nothing can be made in it, even by root.
	broken := files{dir: filepath.Join(f.dir, snapshotFile), key: f.key}
	if err := broken.write(snapshotFile, []byte("new")); err == nil {
		t.Fatal("a write into a file succeeded")
	}
	if got, err := f.read(snapshotFile); err != nil || string(got) != "old" {
		t.Fatalf("%q, %v", got, err)
	}
	if err := os.Mkdir(filepath.Join(f.dir, usersFile), 0o700); err != nil { // which no file replaces
		t.Fatal(err)
	}
	if err := f.write(usersFile, []byte("new")); err == nil {
		t.Fatal("a directory was replaced")
	}
	if left, _ := filepath.Glob(filepath.Join(f.dir, ".*")); len(left) != 0 {
		t.Errorf("drafts fill the disk: %v", left)
	}
}

func TestDraftsOfAKilledProcessAreSweptAway(t *testing.T) {
	f := testFiles(t)
	draft, other := filepath.Join(f.dir, ".snapshot-123"), filepath.Join(f.dir, "key")
	for _, path := range []string{draft, other} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.prepare()
	if left, _ := os.ReadDir(f.dir); len(left) != 1 || left[0].Name() != "key" {
		t.Fatalf("left: %v", left)
	}
}

// A file that is whole may still be none that this version can read.
func TestAFileOfAnotherFormIsRefused(t *testing.T) {
	f := testFiles(t)
	for _, name := range []string{snapshotFile, usersFile} {
		if err := f.write(name, []byte(`["another form"]`)); err != nil {
			t.Fatal(err)
		}
	}
	if s, _, err := f.readSnapshot(); err == nil {
		t.Errorf("the snapshot is read as %+v", s)
	}
	if users, err := f.readUsers(); err == nil {
		t.Errorf("the users are read as %+v", users)
	}
}
