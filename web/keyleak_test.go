package web_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"isthmus/internal/keyleak"
	"isthmus/internal/siptest"
)

// guard looks at every answer and at every line of the log of all tests here.
var guard keyleak.Guard

// watched passes a console's log on.
func watched(t *testing.T, log io.Writer) io.Writer {
	return guard.Writer(t, "the console's log in "+t.Name(), log)
}

// logOf is the log of a console whose lines no test reads.
func logOf(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(watched(t, os.Stderr), nil))
}

// learn makes the keys of a request known, before they are answered.
func learn(t *testing.T, r *http.Request) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	guard.Learn(body)
	r.Body = io.NopCloser(bytes.NewReader(body))
}

func TestAKeyInAnAnswerOrInTheLogFailsTheTestThatAskedForIt(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	key := siptest.KeyPEM(siptest.NewAuthority("Synergy Root").Leaf(ownNode))
	number := base64.StdEncoding.EncodeToString(key)
	console := c.handler
	for where, plant := range map[string]http.HandlerFunc{
		"GET /planted-body":   func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, number) },
		"GET /planted-header": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Set-Cookie", "isthmus="+number) },
	} {
		c.handler = plant
		_, path, _ := strings.Cut(where, " ")
		if caught := guard.Planted(where+" in "+t.Name(), func() { c.get(path) }); len(caught) != 1 {
			t.Errorf("%s: caught %q", where, caught)
		}
	}
	c.handler = console
	caught := guard.Planted("the console's log in "+t.Name(), func() { c.config.Log.Info("planted", "reason", errors.New(string(key))) })
	if len(caught) != 1 {
		t.Errorf("in the log: caught %q", caught)
	}
}

// Without its lines a key of a form is known by its numbers alone.
func TestAKeyThatWasPostedIsKnownInTheAnswerToAnyRequest(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	key := siptest.KeyPEM(siptest.NewAuthority("Synergy Root").Leaf(ownNode))
	c.post("/login", "name", "anna", "password", string(key))
	c.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.Split(string(key), "\n")[2])
	})
	caught := guard.Planted("GET /planted-number in "+t.Name(), func() { c.get("/planted-number") })
	if len(caught) != 1 || !strings.Contains(caught[0], "d of a private key that was put in") {
		t.Errorf("caught %q", caught)
	}
}
