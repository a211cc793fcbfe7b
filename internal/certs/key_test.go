package certs

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestTheKeyFileIsMadeOnceAndOnlyItsOwnerReadsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	first, err := OpenKey(path, "", false)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, error %v; want 0600", info.Mode(), err)
	}
	again, err := OpenKey(path, first.Fingerprint(), true)
	if err != nil || again.Fingerprint() != first.Fingerprint() {
		t.Fatalf("opened again: %v", err)
	}
	if unknown, err := OpenKey(path, "", false); err != nil || unknown.Fingerprint() != first.Fingerprint() {
		t.Fatalf("opened for a database that knows none yet: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) > 0 {
		t.Fatalf("drafts are left: %v", left)
	}
}

func TestAWrongKeyFileIsRefusedWithTheWayOut(t *testing.T) {
	good := testKey(t)
	for _, c := range []struct {
		promise, text string
		mode          os.FileMode
		known         string
		holds         bool
		want          string
	}{
		{promise: "missing while private keys are stored", mode: 0, holds: true, want: "is missing"},
		{promise: "missing though nothing is sealed yet", mode: 0, known: good.Fingerprint(), want: "one was made for this database already"},
		{promise: "another cluster's key", text: "isthmus-key-1:" + strings.Repeat("A", 43) + "=\n", mode: 0o600, known: good.Fingerprint(), want: "not the one"},
		{promise: "another cluster's key though nothing is sealed yet", text: "isthmus-key-1:" + strings.Repeat("A", 43) + "=", mode: 0o600, known: good.Fingerprint(), holds: false, want: "not the one"},
		{promise: "readable by others", text: "isthmus-key-1:" + strings.Repeat("A", 43) + "=", mode: 0o644, want: "chmod 600"},
		{promise: "no key file at all", text: "hello", mode: 0o600, want: "not a key file"},
		{promise: "a key without its version", text: strings.Repeat("A", 43) + "=", mode: 0o600, want: "not a key file"},
		{promise: "a key with something behind it", text: "isthmus-key-1:" + strings.Repeat("A", 43) + "=!", mode: 0o600, want: "not a key file"},
		{promise: "a key cut short", text: "isthmus-key-1:AAAA", mode: 0o600, want: "not a key file"},
		{promise: "empty", text: "", mode: 0o600, want: "not a key file"},
	} {
		t.Run(c.promise, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			if c.mode != 0 {
				if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
					t.Fatal(err)
				}
			}
			_, err := OpenKey(path, c.known, c.holds)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Fatalf("error %v, want one with %q and the path", err, c.want)
			}
		})
	}
}

func TestAKeyFileThatCannotBeReadOrMadeSaysWhatFailed(t *testing.T) {
	directory := t.TempDir()
	if err := os.Chmod(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{directory: "read the key file", filepath.Join(directory, "missing", "key"): "make the key file"} {
		if k, err := OpenKey(path, "", false); err == nil || k != nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want one that begins with %q", path, err, want)
		}
	}
}

func TestALostKeyFileMayBeReplacedWhereNothingIsSealedAndOnlyThere(t *testing.T) {
	const forget = "UPDATE cluster SET key_fingerprint = ''"
	path := filepath.Join(t.TempDir(), "key")
	known := testKey(t).Fingerprint()
	if _, err := OpenKey(path, known, false); err == nil || !strings.Contains(err.Error(), forget) {
		t.Errorf("nothing is sealed: error %v, want one with %q", err, forget)
	}
	if _, err := OpenKey(path, known, true); err == nil || strings.Contains(err.Error(), "UPDATE") {
		t.Errorf("private keys are sealed: error %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a refusal left a key file behind: %v", err)
	}
	if _, err := OpenKey(path, "", false); err != nil {
		t.Errorf("the fingerprint is forgotten: %v", err)
	}
}

func TestProcessesThatMakeTheKeyFileAtOnceShareOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	fingerprints := make([]string, 8)
	var group sync.WaitGroup
	for i := range fingerprints {
		group.Go(func() {
			if k, err := OpenKey(path, "", false); err == nil {
				fingerprints[i] = k.Fingerprint()
			}
		})
	}
	group.Wait()
	for _, f := range fingerprints {
		if f == "" || f != fingerprints[0] {
			t.Fatalf("fingerprints differ: %q", fingerprints)
		}
	}
}

func TestEveryUseHasAKeyOfItsOwn(t *testing.T) {
	k := testKey(t)
	if bytes.Equal(k.BranchKey(), k.SnapshotKey()) || bytes.Contains(k.BranchKey(), k.secret) || len(k.BranchKey()) != 32 || len(k.SnapshotKey()) != 32 {
		t.Fatal("the keys for branches and for the snapshot file are not separate keys of 32 octets")
	}
	if bytes.Equal(k.BranchKey(), testKey(t).BranchKey()) {
		t.Fatal("two key files give one branch key")
	}
}

func TestASealedSecretOpensWithItsKeyAndUnderItsNameOnly(t *testing.T) {
	k := testKey(t)
	secret := []byte(rand.Text())
	box := k.Seal(secret, "a")
	plain, err := k.Open(box, "a")
	if err != nil || !bytes.Equal(plain, secret) {
		t.Fatalf("opened %q, error %v", plain, err)
	}
	if bytes.Contains(box, secret) || bytes.Equal(box, k.Seal(secret, "a")) {
		t.Fatal("the secret shows, or two seals of it are equal")
	}
	flipped := bytes.Clone(box)
	flipped[len(flipped)-1] ^= 1
	other := bytes.Clone(box)
	other[0] = 2
	for promise, open := range map[string]func() ([]byte, error){
		"another key":     func() ([]byte, error) { return testKey(t).Open(box, "a") },
		"another name":    func() ([]byte, error) { return k.Open(box, "b") },
		"a flipped bit":   func() ([]byte, error) { return k.Open(flipped, "a") },
		"another version": func() ([]byte, error) { return k.Open(other, "a") },
		"cut short":       func() ([]byte, error) { return k.Open(box[:10], "a") },
		"nothing":         func() ([]byte, error) { return k.Open(nil, "a") },
	} {
		if plain, err := open(); err == nil || plain != nil {
			t.Errorf("%s: opened %q", promise, plain)
		}
	}
}
