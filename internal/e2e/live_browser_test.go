//go:build e2e

package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// A browser keeps from scripts why a stream was refused; the reader is told all the same.
func TestAPageThatMayNotFollowSaysWhy(t *testing.T) {
	m, b, _ := signedIn(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	// Once more, without a limit of time, and by a transport that waits for no end of an answer: a stream has none.
	anna := &reader{t: t, http: http.Client{Jar: jar, Transport: &http.Transport{}}, site: "http://" + m.console}
	anna.posts("/login", url.Values{"name": {"anna"}, "password": {password}})
	b.visits("/handshakes") // which follows nothing
	for range 8 {
		answer, err := anna.http.Get(anna.site + "/nodes/live")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("a stream is answered with %d", answer.StatusCode)
		}
	}
	b.visits("/nodes")
	eventually(t, patience, "the page says why it is not live", func() bool {
		return strings.HasPrefix(reads[string](b, `document.querySelector(".live").innerText`), "Not live: As many pages of yours follow the nodes as one administrator may have.")
	})
	eventually(t, patience, "the browser notes two refusals", func() bool { return b.forgives(http.StatusServiceUnavailable) })
	eventually(t, patience, "the browser notes two refusals", func() bool { return b.forgives(http.StatusServiceUnavailable) })
}
