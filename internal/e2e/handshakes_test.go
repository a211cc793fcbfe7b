package e2e

import (
	"crypto/tls"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"isthmus/internal/siptest"
)

// reader is somebody who is signed in to the console of a node.
type reader struct {
	t    *testing.T
	http http.Client
	site string
}

// signsIn adds an administrator on the node and signs him in.
func (m *machine) signsIn(name string) *reader {
	m.t.Helper()
	const secret = "herring gull over grey water"
	if r := call(m.t, secret+"\n", m.env, programs.isthmus, "admin", "add", name); r.code != 0 {
		m.t.Fatalf("admin add: %s", r)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	b := &reader{t: m.t, http: http.Client{Jar: jar, Timeout: patience}, site: "http://" + m.console}
	b.posts("/login", url.Values{"name": {name}, "password": {secret}})
	return b
}

func (b *reader) read(r *http.Response, err error) string {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		b.t.Fatalf("%s answers %d, %v:\n%s", r.Request.URL, r.StatusCode, err, body)
	}
	return string(body)
}

func (b *reader) opens(path string) string {
	b.t.Helper()
	return b.read(b.http.Get(b.site + path))
}

func (b *reader) posts(path string, form url.Values) string {
	b.t.Helper()
	return b.read(b.http.PostForm(b.site+path, form))
}

// shows waits until a row of the list of refused handshakes has all these words.
func (b *reader) shows(words ...string) (row string) {
	b.t.Helper()
	rows := regexp.MustCompile(`(?s)<tr role="row">.*?</tr>`)
	eventually(b.t, patience, "a row with "+strings.Join(words, ", "), func() bool {
		for _, row = range rows.FindAllString(b.opens("/handshakes"), -1) {
			found := true
			for _, word := range words {
				found = found && strings.Contains(html.UnescapeString(row), word)
			}
			if found {
				return true
			}
		}
		return false
	})
	return row
}

// tries connects and waits until the node has said no.
func (w *world) tries(host string, own tls.Certificate, version uint16) {
	w.t.Helper()
	config := w.ca.Client(own, "imp1.synergy.com")
	config.MaxVersion = version
	if c, err := siptest.Dial(w.net+nodeHost+":5061", siptest.Options{Local: w.net + host, TLS: config}); err == nil {
		_ = c.WaitClosed()
		c.Close()
	}
}

func TestARefusedHandshakeIsOnThePageWithItsReasonAndItsWayOut(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	anna, other := w.node.signsIn("anna"), siptest.NewAuthority("Other CA")
	if page := anna.opens("/handshakes"); !strings.Contains(page, "No TLS handshake has failed") {
		t.Errorf("before the first refusal the page says\n%s", page)
	}
	for name, version := range map[string]uint16{"12": tls.VersionTLS12, "13": tls.VersionTLS13} {
		subject := "fe" + name + ".synergy.com"
		w.tries(stranger, w.ca.Leaf(subject), version)
		w.tries(stranger, other.Leaf("liar"+name+".synergy.com"), version)
		anna.shows(w.net+stranger, subject, "TLS peer subject not listed", "from a trusted CA", "/tls-peer-subjects/new?name="+subject)
		if row := anna.shows("liar"+name+".synergy.com", "TLS peer certificate is from an unknown CA", "unverified claim"); strings.Contains(row, "/tls-peer-subjects/new") {
			t.Errorf("a name that only a foreign CA vouches for is offered: %s", row)
		}
	}
	if form := anna.opens("/tls-peer-subjects/new?name=fe13.synergy.com"); !strings.Contains(form, `value="fe13.synergy.com"`) {
		t.Error("the link does not fill in the name")
	}
	anna.posts("/tls-peer-subjects", url.Values{"name": {"fe13.synergy.com"}})
	anna.shows("fe13.synergy.com", "listed, but not selected", "/tls-contexts/")
}

func TestAHopThatRefusesOurCertificateIsOnThePageWithItsRoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDatabase(t))
	w.setUp()
	w.importCertificates(siptest.NewAuthority("Other CA")) // which no front end trusts
	w.node.serve()
	anna := w.node.signsIn("anna")
	peer := w.inside(t)
	peer.Sends(hello("ann@synergy.com", "carl@synergy.com"))
	peer.Expect("504")
	for _, host := range []string{fe1Host, fe2Host} {
		anna.shows(w.net+host+":5061", "next hop", "/static-routes", "TLS peer refused our certificate or offer", "does not trust the CA of this node's certificate")
	}
}
