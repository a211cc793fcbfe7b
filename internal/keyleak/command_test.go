package keyleak

import (
	"bytes"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatACommandIsGivenIsKnown(t *testing.T) {
	dir := t.TempDir()
	file := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: ders()["SEC 1"]})
	name, large := filepath.Join(dir, "own.key"), filepath.Join(dir, "large.key")
	for path, text := range map[string][]byte{name: file, large: append(bytes.Repeat([]byte("\n"), maxGiven), file...)} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	number := new(big.Int).SetBytes(must(ecKey.Bytes())).String()
	for how, c := range map[string]struct {
		input string
		args  []string
		known bool
	}{
		"on standard input":      {string(file), nil, true},
		"in a file":              {"", []string{"import", filepath.Join(dir, "none"), name}, true},
		"in a file of its size":  {"", []string{large}, false},
		"nothing of a directory": {"", []string{dir}, false},
	} {
		var g Guard
		if g.Given(c.input, c.args); (g.Find([]byte(number)) != nil) != c.known {
			t.Errorf("%s: known is not %v", how, c.known)
		}
	}
}

func TestWhatACommandWroteIntoItsDirectoryIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "a directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "leak.ps1"), []byte(planted), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, leaks := range map[string]bool{"finish --out " + dir: true, "--out " + dir + " finish": true, "finish " + dir: false, "finish --out": false, "finish --out ": false} {
		var g Guard
		var f failing
		g.LookAtFiles(&f, "a test", strings.Split(args, " "))
		if leaks != (len(f.said) == 1 && strings.Contains(f.said[0], "leak.ps1 in a test")) || !leaks && f.said != nil {
			t.Errorf("%s: failed with %q", args, f.said)
		}
	}
}
