package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"isthmus/internal/keyleak"
	"isthmus/internal/siptest"
)

// guard looks at what every program of all tests here prints, at the files that the wizard writes, and at every answer of
// a console.
var guard keyleak.Guard

// outputOf names an output of a program, for whoever has to find a leak.
func outputOf(t *testing.T, stream, name string, args []string) string {
	return "standard " + stream + " of " + strings.Join(append([]string{filepath.Base(name)}, args[:min(len(args), 2)]...), " ") + " in " + t.Name()
}

// lookAt looks at what a program that has ended printed, and at the files that it wrote into the directory of its --out.
func (r result) lookAt(t *testing.T, name string, args []string) {
	t.Helper()
	guard.Look(t, outputOf(t, "output", name, args), []byte(r.out))
	guard.Look(t, outputOf(t, "error", name, args), []byte(r.err))
	guard.LookAtFiles(t, t.Name(), args)
}

// keyLabel is that of a key as a form has it, which the program prints where it names a wrong argument.
const keyLabel = "-----BEGIN+PRIVATE+KEY-----"

func TestAKeyInAnAnswerIsAnErrorWhereverATestReadsIt(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(keyLabel)) }))
	defer site.Close()
	b := reader{t: t, http: http.Client{Timeout: patience}, site: site.URL}
	if _, err := b.http.Get(b.site + "/acl"); err == nil || !strings.Contains(err.Error(), "A private key leaks in the answer to GET "+site.URL+"/acl") {
		t.Errorf("a page: %v", err)
	}
	if _, err := http.Get(site.URL); err == nil {
		t.Error("/readyz would be read")
	}
}

func TestAKeyInWhatAProgramPrintsOrWritesFailsItsTest(t *testing.T) {
	ca := siptest.NewAuthority("Synergy CA")
	key, given := string(siptest.KeyPEM(ca.Leaf("imp1.synergy.com"))), string(siptest.KeyPEM(ca.Leaf("imp2.synergy.com")))
	dir := t.TempDir()
	file := filepath.Join(dir, "planted.key")
	if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	for where, plant := range map[string]func(){
		"standard output of cat " + file:        func() { call(t, "", environment(), "cat", file) },
		"standard error of sh -c":               func() { call(t, given, environment(), "sh", "-c", "sed -n 3p >&2") },
		dir + "/planted.key in":                 func() { call(t, "", environment(), "true", "--out", dir) },
		"standard output of sed -n":             func() { <-launch(t, environment(), "sed", "-n", "3p", file).ended },
		"standard error of isthmus " + keyLabel: func() { <-launch(t, environment(), programs.isthmus, keyLabel).ended },
	} {
		if caught := guard.Planted(where, plant); len(caught) == 0 || !strings.Contains(caught[0], t.Name()) {
			t.Errorf("%s: caught %q", where, caught)
		}
	}
}
