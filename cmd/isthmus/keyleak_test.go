package main

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

// guard looks at what every command of all tests here prints and writes, and at every answer of a console.
var guard keyleak.Guard

// watched passes on what a command prints.
func watched(t *testing.T, c console, args []string) console {
	command := " of isthmus " + strings.Join(args[:min(len(args), 2)], " ") + " in " + t.Name()
	return console{c.in, guard.Writer(t, "standard output"+command, c.out), guard.Writer(t, "standard error"+command, c.err)}
}

// label is that of a key as a form has it, which the program prints where it names a wrong argument.
const label = "-----BEGIN+PRIVATE+KEY-----"

func TestAKeyAmongTheArgumentsIsNotPrinted(t *testing.T) {
	m := newMachine(t)
	key := strings.Join(strings.Fields(string(siptest.KeyPEM(siptest.NewAuthority("Synergy Root").Leaf("imp1.synergy.com")))), " ")
	call(t, "", key).want(t, exitUsage, "A private key stands on the command line", "Usage: isthmus")
	m.isthmus("", "cert", "import", "--purpose", "cup", "own.pem", "--description", key).want(t, exitUsage, "A private key stands on the command line")
	m.isthmus("", "config", "apply", "./"+key).want(t, exitFailure, "A private key stands on the command line")
}

func TestAKeyInWhatACommandPrintsOrWritesFailsItsTest(t *testing.T) {
	for where, plant := range map[string]func(){
		"standard output of isthmus version -h in": func() {
			c := watched(t, console{nil, new(strings.Builder), new(strings.Builder)}, []string{"version", "-h"})
			c.out.Write([]byte(label))
		},
		"standard error of isthmus " + label: func() { call(t, "", label) },
		"scripts/planted.ps1 in": func() {
			dir := filepath.Join(t.TempDir(), "scripts")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "planted.ps1"), []byte(label), 0o600); err != nil {
				t.Fatal(err)
			}
			call(t, "", "version", "--out", dir)
		},
	} {
		if caught := guard.Planted(where, plant); len(caught) != 1 || !strings.Contains(caught[0], t.Name()) {
			t.Errorf("%s: caught %q", where, caught)
		}
	}
}

func TestAKeyInAnAnswerOfAConsoleIsAnError(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(label)) }))
	defer site.Close()
	if _, err := http.Get(site.URL); err == nil || !strings.Contains(err.Error(), "A private key leaks") {
		t.Errorf("got %v", err)
	}
}

// What a command is given is known in what it prints, also without its lines.
func TestAKeyThatACommandIsGivenIsKnown(t *testing.T) {
	key := string(siptest.KeyPEM(siptest.NewAuthority("Synergy Root").Leaf("imp1.synergy.com")))
	call(t, "", "version", machine{t: t, dir: t.TempDir()}.file("own.key", key))
	number := strings.Split(key, "\n")[2]
	if caught := guard.Planted("isthmus "+number, func() { call(t, "", number) }); len(caught) != 1 || !strings.Contains(caught[0], "d of a private key that was put in") {
		t.Errorf("caught %q", caught)
	}
}
