package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// answersProbe tries whether a connection from a host with a certificate gets an answer at a port of the node.
func (w *world) answersProbe(host, port string, config *tls.Config) bool {
	c, err := siptest.Dial(net.JoinHostPort(w.net+nodeHost, port), siptest.Options{Local: w.net + host, TLS: config})
	if err != nil {
		return false
	}
	defer c.Close()
	return admits(c)
}

func TestMutualTLSLetsInWhoIsListedByCommonName(t *testing.T) {
	t.Parallel()
	w, p := running(t)
	other := siptest.NewAuthority("Other CA")
	show := func(own tls.Certificate) *tls.Config {
		c := w.ca.Client(own, "imp1.synergy.com")
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
		return c
	}
	client := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	for _, c := range []struct {
		promise string
		config  *tls.Config
		in      bool
	}{
		{"a listed name", show(w.ca.Leaf("fe1.synergy.com")), true},
		{"a listed name in another case", show(w.ca.Leaf("FE1.Synergy.com")), true},
		{"the pool's name", show(w.ca.Leaf("pool.synergy.com")), true},
		{"client authentication alone", show(w.ca.Issue(siptest.Leaf{Names: []string{"fe1.synergy.com"}, Usages: client})), true},
		{"behind an intermediate CA", show(w.ca.Intermediate("Sub CA").Leaf("fe1.synergy.com")), true},
		{"an RSA key", show(w.ca.Issue(siptest.Leaf{Names: []string{"fe1.synergy.com"}, RSA: true})), true},
		{"a name that is not listed", show(w.ca.Leaf("fe9.synergy.com")), false},
		{"a listed name as SAN alone", show(w.ca.Issue(siptest.Leaf{Names: []string{"fe9.synergy.com"}, DNS: []string{"fe1.synergy.com"}})), false},
		{"two names, one of them listed", show(w.ca.Issue(siptest.Leaf{Names: []string{"fe1.synergy.com", "fe9.synergy.com"}})), false},
		{"another CA", show(other.Leaf("fe1.synergy.com")), false},
		{"server authentication alone", show(w.ca.Issue(siptest.Leaf{Names: []string{"fe1.synergy.com"}, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})), false},
		{"expired", show(w.ca.Expired("fe1.synergy.com")), false},
		{"not valid yet", show(w.ca.Issue(siptest.Leaf{Names: []string{"fe1.synergy.com"}, NotBefore: time.Now().Add(time.Hour)})), false},
		{"no certificate", w.ca.Anonymous("imp1.synergy.com"), false},
	} {
		t.Run(c.promise, func(t *testing.T) {
			if in := w.answersProbe(fe1Host, "5061", c.config); in != c.in {
				t.Errorf("let in: %v", in)
			}
			old := c.config.Clone()
			old.MaxVersion = tls.VersionTLS12
			if in := w.answersProbe(fe1Host, "5061", old); in != c.in {
				t.Errorf("let in over TLS 1.2: %v", in)
			}
		})
	}
	eventually(t, patience, "the log names the subject", func() bool { return says(p, "TLS peer subject not listed", "fe9.synergy.com") })
}

func TestWhatTheContextsAllow(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	own := w.ca.Leaf("fe1.synergy.com")
	old := w.ca.Client(own, "imp1.synergy.com")
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if w.answersProbe(fe1Host, "5061", old) {
		t.Error("TLS 1.1 is let in though the context says 1.2")
	}
	// require_peer_certificate: from outside only over listeners that verify the peer.
	for port, config := range map[string]*tls.Config{"5062": w.ca.Client(own, "imp1.synergy.com"), "5060": nil} {
		c, err := siptest.Dial(net.JoinHostPort(w.net+nodeHost, port), siptest.Options{Local: w.net + fe1Host, TLS: config})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Send(hello(carl, ann)); err != nil {
			t.Fatal(err)
		}
		if m, err := c.Receive(); err != nil || m.Status() != 403 {
			t.Errorf("port %s: %v %v", port, m, err)
		}
		c.Close()
	}
	w.node.apply(w.peerContext("1.0"))
	eventually(t, inForce, "TLS 1.1 let in", func() bool { return w.answersProbe(fe1Host, "5061", old) })
}

// peerContext is the section with a least version.
func (w *world) peerContext(version string) string {
	return `tls_contexts:
  - {name: sip-proxy-server-auth, verify_client: false}
  - {name: sip-proxy-peer-auth, verify_client: true, min_version: "` + version + `", peer_subjects: [fe1.synergy.com, fe2.synergy.com, pool.synergy.com]}
`
}

func TestAnAddressThatGoesOnBeingRefusedIsNotHeardUntilItIsListed(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	address := net.JoinHostPort(w.net+nodeHost, "5060")
	refusals := 0
	for range 12 {
		c, err := siptest.Dial(address, siptest.Options{Local: w.net + stranger})
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Send(hello(carl, ann)) // it may be closed already
		if m, err := c.Receive(); err == nil && m.Status() == 403 {
			refusals++
		} else if !siptest.Closed(err) {
			t.Fatalf("neither refused nor closed: %v", err)
		}
		c.Close()
	}
	if refusals < 5 || refusals > 7 {
		t.Errorf("refused %d times before it was shut out, want 6", refusals)
	}
	if w.answersProbe(stranger, "5061", w.ca.Client(w.ca.Leaf("fe1.synergy.com"), "imp1.synergy.com")) {
		t.Error("another listener lets it in")
	}
	w.node.apply(w.acl(fe1Host, stranger))
	eventually(t, inForce, "heard", func() bool {
		return w.answersProbe(stranger, "5061", w.ca.Client(w.ca.Leaf("fe1.synergy.com"), "imp1.synergy.com"))
	})
}

func TestACLPatterns(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	config := w.ca.Client(w.ca.Leaf("fe1.synergy.com"), "imp1.synergy.com")
	for pattern, in := range map[string]bool{
		"all": true, w.net + fe1Host: true, w.net + "16/28": true, w.net + "32/28": false, w.net + fe2Host: false,
		"fe1.synergy.com": true, "synergy.com": true, "fe2.synergy.com": false, "ynergy.com": false, // by the certificate's name
	} {
		t.Run(strings.ReplaceAll(pattern, "/", "-"), func(t *testing.T) {
			w.applied(t, "acl:\n  - pattern: "+pattern+"\n")
			if got := w.answersProbe(fe1Host, "5061", config); got != in {
				t.Errorf("let in: %v", got)
			}
		})
	}
	r := w.node.try("config", "apply", w.node.write("none.yaml", "version: 1\nacl: []\n"))
	if r.code != 1 || !strings.Contains(r.err, "--yes") {
		t.Errorf("an empty ACL without --yes: %s", r)
	}
}

func TestTheNodesAddressIsInsideOverTCPOrWithItsCertificate(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	peer := w.inside(t)
	w.check(t, peer, row{"over TCP", hello(ann, carl), "fe1", ""})
	over := siptest.Connect(t, w.net+nodeHost+":5062", siptest.Options{Local: w.net + nodeHost, TLS: w.ca.Anonymous("imp1.synergy.com")})
	over.Sends(hello(ann, carl))
	over.Expect("403")
	verified := w.outside(t, nodeHost, "imp1.synergy.com")
	w.check(t, verified, row{"over mutual TLS with the node's name", hello(ann, carl), "fe1", ""})
	listed := w.outside(t, nodeHost, "fe1.synergy.com")
	w.check(t, listed, row{"over mutual TLS with a front end's name it is a front end, from outside", hello(ann, carl), "404", ""})
}
