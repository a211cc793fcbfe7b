package node

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/metrics"
	"isthmus/internal/siptest"
)

// A verdict is what becomes of a certificate in one direction. The zero value: it is let in.
type verdict struct {
	reason  string
	subject string // as the node remembers it
	detail  string // the whole sentence
}

// A shownCertificate is one row of the matrix: what the peer shows, and what becomes of it as a client of a listener that
// verifies clients, and as a next hop that the node connects to.
type shownCertificate struct {
	name    string
	shown   tls.Certificate
	in, out verdict
}

const evil = "evil.example.com"

// shownCertificates are the rows. The two directions differ where the contract has them differ: a client's SANs are not
// consulted, while a next hop may be known by one; and each needs the usage of its own role alone, so that a certificate
// without client authentication is good for a next hop. The last row is the counterpart of that.
func shownCertificates(ca, other *siptest.Authority) []shownCertificate {
	const hour = time.Hour
	now := time.Now()
	names := func(list ...string) siptest.Leaf { return siptest.Leaf{Names: list, DNS: []string{}} }
	sanOnly := siptest.Leaf{Names: []string{"fe1.synergy.com"}, DNS: []string{pool}}
	expired, early := names(pool), names(pool)
	expired.NotBefore, expired.NotAfter, early.NotBefore = now.Add(-72*hour), now.Add(-48*hour), now.Add(2*hour)
	server, client := names(pool), names(pool)
	server.Usages, client.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}

	notListed := func(name string) verdict {
		return verdict{certs.ReasonNotListed, name, fmt.Sprintf("%q is not among the peer subjects of %s; add it there if this server is one of yours.", name, federation.PeerAuthContext)}
	}
	usage := func(name string) verdict {
		return verdict{certs.ReasonUsage, pool, fmt.Sprintf("the certificate of %q lacks the enhanced key usage %s; have it reissued for server and client authentication.", pool, name)}
	}
	twoNames := verdict{certs.ReasonSubject, "CN=" + pool + ",CN=" + evil, `its subject has the Common Names "evil.example.com" and "pool.synergy.com", and exactly one is needed; have the certificate reissued.`}
	nul := verdict{certs.ReasonSubject, pool + `\u0000.` + evil, `the Common Name "pool.synergy.com\x00.evil.example.com" holds characters that no host name has; have the certificate reissued.`}
	unknown := verdict{certs.ReasonUnknownCA, pool, `the certificate that claims to be "pool.synergy.com" was issued by "Other", which is not among the trusted CAs; import that CA if it is yours.`}
	forged := verdict{certs.ReasonSignature, pool, `the certificate that claims to be "pool.synergy.com" names the trusted CA "Root" as its issuer, but that CA's key did not sign it; it is forged, or comes from another CA of that name: ask who runs "Root".`}
	ended, begins := ca.Issue(expired), ca.Issue(early)
	over := verdict{certs.ReasonExpired, pool, fmt.Sprintf(`the certificate of "pool.synergy.com" (serial number %s) expired on %s; renew it.`, certs.Describe(ended.Leaf).Serial, expired.NotAfter.UTC().Format("2006-01-02 at 15:04 UTC"))}
	notYet := verdict{certs.ReasonNotYetValid, pool, fmt.Sprintf(`the certificate of "pool.synergy.com" (serial number %s) is valid from %s on only; show one that is valid already.`, certs.Describe(begins.Leaf).Serial, early.NotBefore.UTC().Format("2006-01-02 at 15:04 UTC"))}
	none := verdict{certs.ReasonNone, "", "the peer has to show a certificate; assign it one for server and client authentication."}
	good := verdict{}
	return []shownCertificate{
		{"good", ca.Issue(names(pool)), good, good},
		{"CN not listed", ca.Issue(names(evil)), notListed(evil), notListed(evil)},
		{"SAN only", ca.Issue(sanOnly), notListed("fe1.synergy.com"), good},
		{"two CNs", ca.Issue(names(evil, pool)), twoNames, twoNames},
		{"NUL in CN", ca.Issue(names(pool + "\x00." + evil)), nul, nul},
		{"other CA", other.Issue(names(pool)), unknown, unknown},
		{"forged", siptest.NewAuthority("Root").Issue(names(pool)), forged, forged},
		{"expired", ended, over, over},
		{"not yet valid", begins, notYet, notYet},
		{"no client usage", ca.Issue(server), usage("client authentication (1.3.6.1.5.5.7.3.2)"), good},
		{"none", tls.Certificate{}, none, none},
		{"no server usage", ca.Issue(client), good, usage("server authentication (1.3.6.1.5.5.7.3.1)")},
	}
}

var allVersions = []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13}

// versionNames are what a TLS context calls the versions.
var versionNames = map[uint16]string{tls.VersionTLS10: "1.0", tls.VersionTLS11: "1.1", tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3"}

// A cell is one certificate over one version in one direction, towards a context that allows versions from minimum on.
type cell struct {
	shownCertificate
	row, minimum int // number of the certificate; index of the context's version in allVersions
	version      uint16
	inbound      bool
	host         *witness // the next hop, outbound only
}

func (c cell) String() string {
	if c.inbound {
		return fmt.Sprintf("%s, %s, inbound", c.name, tls.VersionName(c.version))
	}
	return fmt.Sprintf("%s, %s, outbound", c.name, tls.VersionName(c.version))
}

// allowed reports whether the context speaks the version at all; whatever certificate comes with another one is not seen.
func (c cell) allowed() bool { return c.version >= allVersions[c.minimum] }

// want is the verdict.
func (c cell) want() verdict {
	const older = "; let it use a newer version, or allow an older one in the TLS context sip-proxy-peer-auth if it has none."
	switch {
	case !c.allowed() && c.inbound:
		return verdict{reason: certs.ReasonNothing, detail: "the peer offers " + tls.VersionName(c.version) + " only" + older}
	case !c.allowed():
		return verdict{reason: certs.ReasonNothing, detail: "the peer speaks none of the TLS versions that the TLS context sip-proxy-peer-auth allows; let it use a newer version, or allow an older one there if it has none."}
	case c.inbound:
		return c.in
	}
	return c.out
}

// from is an address that no other cell of the node comes from, by which its refusal is found again.
func (c cell) from() string { return fmt.Sprintf("127.40.%d.%d", c.row+1, c.version&0xff) }

// domain is one that only this cell's next hop serves.
func (c cell) domain() string { return fmt.Sprintf("c%d-%d.synergy.com", c.row, c.version) }

// cells are the whole matrix for one context.
func cells(t *testing.T, rows []shownCertificate, ca *siptest.Authority, minimum int) (all []cell) {
	t.Helper()
	for i, row := range rows {
		for _, version := range allVersions {
			c := cell{shownCertificate: row, row: i, minimum: minimum, version: version, inbound: true}
			all = append(all, c)
			c.inbound, c.host = false, hop(t, ca, row.shown, version)
			all = append(all, c)
		}
	}
	return all
}

// The matrix: each certificate over each version in both directions, once for each version that a context can begin with.
// Whoever is refused is reported with the exact reason, which is also in the log and in the answer to what was to go there,
// hears an alert, and neither says nor hears a word of SIP.
func TestMatrix(t *testing.T) {
	ca, other := siptest.NewAuthority("Root"), siptest.NewAuthority("Other")
	rows := shownCertificates(ca, other)
	for minimum, version := range allVersions {
		t.Run("context from "+versionNames[version], func(t *testing.T) {
			t.Parallel()
			all := cells(t, rows, ca, minimum)
			if want := len(rows) * len(allVersions) * 2; len(all) != want || len(rows) < 10 {
				t.Fatalf("%d cells of %d rows, want %d", len(all), len(rows), want)
			}
			numbers, log := metrics.New("1.0"), &journal{}
			r := start(t, func(c *Config) { c.Metrics, c.Log = numbers, log.logger() })
			r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca), matrixOf(all)))
			t.Run("cells", func(t *testing.T) {
				for _, c := range all {
					t.Run(c.String(), func(t *testing.T) {
						t.Parallel()
						if c.inbound {
							c.comes(t, r, log)
						} else {
							c.isAsked(t, r, log)
						}
					})
				}
			})
			checkNumbers(t, numbers, all)
		})
	}
}

// matrixOf lets every cell's address in, as the handshake comes before the ACL, and leads each domain to its cell's hop.
func matrixOf(all []cell) func(*federation.Snapshot) {
	return func(s *federation.Snapshot) {
		s.ACL, s.Settings.PartitionedFederation = []federation.ACLEntry{{Pattern: "all"}}, true
		s.TLSContext(federation.PeerAuthContext).MinVersion = versionNames[allVersions[all[0].minimum]]
		for _, c := range all {
			if c.inbound {
				continue
			}
			route := federation.NewStaticRoute()
			route.Type, route.Destination, route.Transport = federation.RouteDomain, c.domain(), federation.TLS
			route.NextHop, route.Port = "127.0.0.1", c.host.port()
			s.StaticRoutes = append(s.StaticRoutes, route)
			s.Domains = append(s.Domains, federation.Domain{Name: c.domain()})
		}
	}
}

var counted = regexp.MustCompile(`(?m)^isthmus_sip_(?:requests_total\{method="(\w+)".*\}|(malformed)_total) (\d+)$`)

// checkNumbers: the node read no more SIP than those sent that were let in, and what the test asked it from inside.
func checkNumbers(t *testing.T, numbers *metrics.Metrics, all []cell) {
	t.Helper()
	want, got := map[string]int{"malformed": 0}, map[string]int{}
	for _, c := range all {
		switch {
		case !c.inbound:
			want["SUBSCRIBE"]++
		case c.want().reason == "":
			want["OPTIONS"]++
		}
	}
	w := httptest.NewRecorder()
	numbers.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, m := range counted.FindAllStringSubmatch(w.Body.String(), -1) {
		n, _ := strconv.Atoi(m[3])
		got[m[1]+m[2]] += n
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the node read %v, want %v", got, want)
	}
}
