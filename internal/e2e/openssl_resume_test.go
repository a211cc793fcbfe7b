//go:build e2e

package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"isthmus/internal/siptest"
)

// resumer is a client that offers sessions again. Those of the listener that verifies nobody are offered to the other one
// as well: a verdict must not be carried over from there either.
type resumer struct {
	*world
	from    string
	version string
	shows   []string
}

const (
	peerAuthPort   = "5061"
	serverAuthPort = "5062"
)

func (r resumer) connects(t *testing.T, port string, args ...string) *typed {
	t.Helper()
	return r.sClient(t, r.from, port, slices.Concat(opensslVersions[r.version].options, r.shows, args)...)
}

// session connects and returns the file with the session that the node lets the client resume, "" when it lets it not.
func (r resumer) session(t *testing.T, port string) (file string) {
	t.Helper()
	file = filepath.Join(r.node.dir, siptest.Unique("session"))
	c := r.connects(t, port, "-sess_out", file)
	c.asks()
	c.in.Close()
	c.ends()
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

func TestOpenSSLResumesNothingWhereItIsVerifiedAndNothingAtAllAfterRevocation(t *testing.T) {
	t.Parallel()
	w, theirs := newWorld(t, newDatabase(t)), siptest.NewAuthority("Microsoft CA")
	w.setUp()
	w.node.isthmus("cert", "import", "--purpose", "cup-trust", w.node.write("theirs.pem", string(theirs.PEM())))
	w.node.serve()
	w.takesRequestsAnywhere(t)
	own := w.shows(t, theirs.Leaf("fe1.synergy.com"))
	resumers := []resumer{{w, "101", "1.2", own}, {w, "102", "1.3", own}}
	offers := make([][]string, len(resumers))
	for i, r := range resumers {
		offers[i] = r.sessions(t)
	}
	anna := w.node.signsIn("anna")
	refused := func(words ...string) {
		t.Helper()
		for i, r := range resumers {
			for _, file := range offers[i] {
				r.connects(t, peerAuthPort, "-sess_in", file).isRefused("42")
			}
			anna.shows(append(words, w.net+r.from)...)
		}
	}
	w.applied(t, "tls_contexts:\n  - {name: sip-proxy-server-auth}\n  - {name: sip-proxy-peer-auth, verify_client: true, peer_subjects: [fe2.synergy.com]}\n")
	refused("TLS peer subject not listed", "fe1.synergy.com", "from a trusted CA")
	w.applied(t, w.peerContext("1.2"))
	for _, r := range resumers {
		r.session(t, peerAuthPort)
	}
	w.distrusts(t, anna, "Microsoft CA")
	refused("TLS peer certificate is from an unknown CA", "Microsoft CA", "unverified claim")
}

// sessions are what the client may offer: it has resumed the first where nobody is verified, so it does know how to.
func (r resumer) sessions(t *testing.T) (files []string) {
	t.Helper()
	first := r.session(t, serverAuthPort)
	if first == "" {
		t.Fatalf("TLS %s: nothing can be resumed where nobody is verified, so that the full handshakes prove nothing", r.version)
	}
	r.connects(t, serverAuthPort, "-sess_in", first).prints("Reused, TLSv" + r.version)
	files = append(files, first)
	if second := r.session(t, peerAuthPort); second != "" {
		files = append(files, second)
	}
	for _, file := range files {
		c := r.connects(t, peerAuthPort, "-sess_in", file)
		c.asks()
		c.prints("New, TLSv" + r.version)
	}
	anonymous := r
	anonymous.shows = nil
	alert := map[string]string{"1.2": "40", "1.3": "116"}[r.version]
	anonymous.connects(t, peerAuthPort, "-sess_in", first).isRefused(alert)
	return files
}

// distrusts deletes a CA at the console.
func (w *world) distrusts(t *testing.T, admin *reader, name string) {
	t.Helper()
	before := w.node.ready().Applied
	link := regexp.MustCompile(`href="/certificates/(\d+)"[^>]*>` + regexp.QuoteMeta(name) + `<`).FindStringSubmatch(admin.opens("/certificates"))
	if link == nil {
		t.Fatalf("there is no %s among the certificates", name)
	}
	admin.posts("/certificates/delete", url.Values{"id": {link[1]}})
	eventually(t, inForce, fmt.Sprintf("%s is trusted no more", name), func() bool { return w.node.ready().Applied > before })
}
