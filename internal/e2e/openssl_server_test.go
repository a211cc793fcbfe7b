//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// sServer listens with OpenSSL. What a client sends comes to its standard output, and what a test types goes to the client.
func (w *world) sServer(t *testing.T, address string, args ...string) *typed {
	t.Helper()
	s := openssl(t, append([]string{"s_server", "-accept", address, "-CAfile", w.file(t, "ca.pem", w.ca.PEM())}, args...)...)
	eventually(t, patience, "openssl listens", func() bool {
		select {
		case <-s.ended:
			t.Fatalf("openssl ended: %s", s.said())
		default:
		}
		return taken("tcp", address)
	})
	return s
}

// demands are the options with which openssl takes nobody without a certificate that it trusts.
var demands = []string{"-Verify", "5", "-verify_return_error", "-brief"}

// hop is an OpenSSL server as the next hop of the domain NAME.example, with the second front end as its backup.
type hop struct {
	name    string
	options func(*testing.T, *world) []string
	stops   bool     // once it listens
	words   []string // of its row among the refused handshakes; none: it takes the request
}

var opensslHops = []hop{
	{"good12", good("-tls1_2"), false, nil},
	{"good13", good("-tls1_3"), false, nil},
	{"expired", func(t *testing.T, w *world) []string { return w.shows(t, w.ca.Expired("fe1.synergy.com")) }, false,
		[]string{"TLS peer certificate expired", "fe1.synergy.com", "Renew the certificate on the peer"}},
	{"othername", func(t *testing.T, w *world) []string { return w.shows(t, w.ca.Leaf("evil.synergy.com")) }, false,
		[]string{"TLS peer subject not listed", "evil.synergy.com", "/tls-peer-subjects/new?name=evil.synergy.com"}},
	{"otherca", func(t *testing.T, w *world) []string {
		return w.shows(t, siptest.NewAuthority("Other CA").Leaf("fe1.synergy.com"))
	}, false, []string{"TLS peer certificate is from an unknown CA", "Other CA", "unverified claim"}},
	{"old", good("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"), false, []string{"No TLS version or cipher in common", "/tls-contexts/"}},
	{"ciphers", good("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"), false, []string{"No TLS version or cipher in common", "/tls-contexts/"}},
	{"refuses12", suspicious("-tls1_2"), false, refusedOurs},
	{"refuses13", suspicious("-tls1_3"), false, refusedOurs},
	{"silent", good("-tls1_3"), true, []string{"TLS handshake not completed in time", "did not complete the handshake in time"}},
}

var refusedOurs = []string{"TLS peer refused our certificate or offer", "does not trust the CA of this node's certificate"}

func good(options ...string) func(*testing.T, *world) []string {
	return func(t *testing.T, w *world) []string {
		return slices.Concat(options, w.shows(t, w.ca.Leaf("fe1.synergy.com")))
	}
}

// suspicious trusts another CA than the node's.
func suspicious(options ...string) func(*testing.T, *world) []string {
	return func(t *testing.T, w *world) []string {
		other := siptest.NewAuthority("Other CA").PEM()
		return append(good(options...)(t, w), "-CAfile", w.file(t, siptest.Unique("other")+".pem", other))
	}
}

func TestOpenSSLAsNextHopIsTakenOrGivenUpBeforeAnySIP(t *testing.T) {
	t.Parallel()
	w, p := running(t)
	w.applied(t, w.leadTo(opensslHops))
	w.fe2.takesAll(t)
	t.Run("hops", func(t *testing.T) {
		for i, h := range opensslHops {
			t.Run(h.name, func(t *testing.T) {
				t.Parallel()
				w.asksAt(t, h, w.hopHost(i))
			})
		}
	})
	anna := w.node.signsIn("anna")
	for i, h := range opensslHops {
		if h.words == nil {
			continue
		}
		anna.shows(append(h.words, w.hopHost(i)+":5061", "next hop")...)
		if !says(p, `"msg":"next hop down"`, w.hopHost(i)) {
			t.Errorf("%s: the log does not say that the hop is down", h.name)
		}
	}
}

func (w *world) hopHost(i int) string { return w.net + strconv.Itoa(101+i) }

// leadTo is the part of the configuration with a domain for each hop.
func (w *world) leadTo(hops []hop) string {
	domains, routes := "federated_domains:\n", "static_routes:\n"
	for i, h := range hops {
		domains += fmt.Sprintf("  - {name: %s.example, direct: true}\n", h.name)
		routes += fmt.Sprintf("  - {destination: .example.%[1]s, type: domain, next_hop: %[2]s, port: 5061, transport: tls, priority: 1}\n"+
			"  - {destination: .example.%[1]s, type: domain, next_hop: %[3]s, port: 5061, transport: tls, priority: 2}\n", h.name, w.hopHost(i), w.net+fe2Host)
	}
	return domains + routes
}

// asksAt sends a MESSAGE to the domain of a hop, and it has to be answered, by the hop or its backup.
func (w *world) asksAt(t *testing.T, h hop, host string) {
	s := w.sServer(t, host+":5061", slices.Concat(demands, h.options(t, w))...)
	if h.stops {
		s.freezes()
		t.Cleanup(s.thaws)
	}
	peer, began := w.inside(t), time.Now()
	peer.Sends(hello(ann, "carl@"+h.name+".example"))
	if h.words == nil {
		s.takesMessage(t)
	}
	peer.Expect("200")
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("answered after %s", took)
	}
	if got := s.out.String(); h.words != nil && got != "" {
		t.Errorf("the hop was given up, and yet it got\n%s", got)
	}
}

// takesMessage waits for a MESSAGE under the node's certificate, and answers it.
func (p *typed) takesMessage(t *testing.T) {
	t.Helper()
	p.prints("Peer certificate: CN = imp1.synergy.com")
	p.prints("Verification: OK")
	p.prints("\r\n\r\nhello")
	m := new(sip.Message)
	if err := m.Parse([]byte(p.out.String())); err != nil || m.Method() != "MESSAGE" {
		t.Fatalf("%v of\n%s", err, p.out)
	}
	if !strings.HasPrefix(string(m.RequestURI()), "sip:carl@good") {
		t.Errorf("arrived as\n%s", m.Bytes())
	}
	p.types(siptest.Response(m, 200))
}
