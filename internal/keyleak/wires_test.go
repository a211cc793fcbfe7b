package keyleak

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const planted = "-----BEGIN PRIVATE KEY-----"

// A failing is a test that keeps what it would have failed with.
type failing struct{ said []string }

func (f *failing) Helper() {}

func (f *failing) Errorf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

func TestATestThatIsGivenAKeyFailsUnlessItPlantedItThere(t *testing.T) {
	var g Guard
	var f failing
	g.Look(&f, "the page /acl", []byte("A private key belongs elsewhere."))
	if f.said != nil {
		t.Errorf("without a key it says %q", f.said)
	}
	caught := g.Planted("/planted", func() {
		g.Look(&f, "the page /planted", []byte(planted))
		g.Look(&f, "the page /other", []byte(planted))
	})
	if len(caught) != 1 || !strings.HasPrefix(caught[0], "A private key leaks in the page /planted: a PEM block") {
		t.Errorf("caught %q", caught)
	}
	g.Look(&f, "the page /planted", []byte(planted))
	if len(f.said) != 2 || !strings.Contains(f.said[0], "/other") || !strings.Contains(f.said[1], "/planted") {
		t.Errorf("failed with %q", f.said)
	}
}

func TestALogWithAKeyFailsItsTestAlsoWhenTheKeyComesInPieces(t *testing.T) {
	var g Guard
	var f failing
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(g.Writer(&f, "the log", &out), nil))
	log.Info("a line", "reason", "none")
	if f.said != nil || !strings.Contains(out.String(), "a line") {
		t.Errorf("a plain line comes out as %q, failed with %q", out.String(), f.said)
	}
	log.Info("a line", "key", ders()["PKCS #8 P-256"])
	if len(f.said) != 1 {
		t.Errorf("failed with %q", f.said)
	}
	f.said = nil
	pieces := g.Writer(&f, "standard output", io.Discard)
	for _, piece := range []string{planted[:20], planted[20:], "and more"} {
		fmt.Fprint(pieces, piece)
	}
	if len(f.said) != 1 {
		t.Errorf("failed with %q", f.said)
	}
}

func TestAnAnswerWithAKeyInHeadOrBodyIsAnErrorAndOthersPass(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.Header().Set("Location", r.Form.Get("head"))
		fmt.Fprint(w, r.Form.Get("body"))
	}))
	defer site.Close()
	var g Guard
	client := http.Client{Transport: g.Transport(http.DefaultTransport)}
	for query, leaks := range map[string]bool{"body=fine&head=fine": false, "body=BEGIN+PRIVATE+KEY": true, "head=BEGIN+PRIVATE+KEY": true} {
		answer, err := client.Post(site.URL, "application/x-www-form-urlencoded", strings.NewReader(query))
		if leaks != (err != nil && strings.Contains(err.Error(), "A private key leaks in the answer to POST "+site.URL)) {
			t.Errorf("%s: %v", query, err)
		}
		if err != nil {
			continue
		}
		if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "fine" {
			t.Errorf("%s: answered with %q, %v", query, body, err)
		}
	}
}

func TestAKeyThatWasPostedIsKnownInTheAnswer(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%x", must(ecKey.Bytes()))
	}))
	defer site.Close()
	var g Guard
	client := http.Client{Transport: g.Transport(http.DefaultTransport)}
	form := "-----BEGIN EC PRIVATE KEY-----\n" + wrapped(ways["base64"](ders()["SEC 1"]), 64, "\n") + "\n-----END EC PRIVATE KEY-----\n"
	if _, err := client.Post(site.URL, "text/plain", strings.NewReader(form)); err == nil || !strings.Contains(err.Error(), "d of a private key that was put in") {
		t.Errorf("the answer holds the number of the key: %v", err)
	}
}

func BenchmarkFind(b *testing.B) {
	var g Guard
	for name, key := range everyKey {
		g.LearnKey(name, key)
	}
	page := []byte(strings.Repeat(`<tr role="row"><td class="c"><a href="/certificates/12">imp1.synergy.com</a></td><td>SHA-256 0f1e2d3c4b5a &amp; more words</td></tr>`+"\n", 400))
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if g.Find(page) != nil {
			b.Fatal("found something")
		}
	}
}
