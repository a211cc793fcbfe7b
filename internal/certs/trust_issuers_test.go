package certs

import (
	"crypto/x509"
	"slices"
	"testing"

	"isthmus/internal/federation"
)

func TestTheRootAboveAnIssuerIsFoundByName(t *testing.T) {
	k, root, other := testKey(t), newAuthority(t, "Root"), newAuthority(t, "Other")
	issuing := root.below(t, "Issuing")
	leaf, private := issuing.issue(t, node)
	own, err := ImportOwn(k, node, now, pemOf(leaf, private, issuing.certificate), nil)
	if err != nil {
		t.Fatal(err)
	}
	for promise, c := range map[string]struct {
		stored []federation.Certificate
		issuer string
		names  []string
		whole  bool
	}{
		"a trusted root":                            {trusts(t, root), "Root", []string{"Root"}, true},
		"below a trusted root, by the own chain":    {append(trusts(t, root, other), own), "Issuing", []string{"Issuing", "Root"}, true},
		"an intermediate that is trusted by itself": {trusts(t, issuing), "Issuing", []string{"Issuing", "Root"}, false},
		"a stranger": {trusts(t, root), "Elsewhere", []string{"Elsewhere"}, false},
		"nothing":    {nil, "Root", []string{"Root"}, false},
	} {
		if names, whole := IssuersIn(c.stored).Above(c.issuer); !slices.Equal(names, c.names) || whole != c.whole {
			t.Errorf("%s: %q, whole %v", promise, names, whole)
		}
	}
	if names, whole := (Issuers{"a": "b", "b": "a"}).Above("a"); whole || len(names) != 3 {
		t.Errorf("names that lead round: %q", names)
	}
}

func TestACAThatAnotherVouchesForTooCountsAsTheRootThatItIs(t *testing.T) {
	old, root := newAuthority(t, "Old Root"), newAuthority(t, "Root")
	crossed := authority{certificate: sign(t, root.certificate, old.certificate, root.key.Public(), old.key), key: root.key}
	for promise, list := range map[string][]authority{"root first": {root, crossed}, "root last": {crossed, root}} {
		if names, whole := IssuersIn(trusts(t, list...)).Above("Root"); !whole || len(names) != 1 {
			t.Errorf("%s: %v, whole %v", promise, names, whole)
		}
	}
}

func TestWhatANodeShowsIsNoReasonToTrustIt(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	leaf, private := ca.issue(t, node)
	own, err := ImportOwn(k, node, now, pemOf(leaf, private, ca.certificate), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !TrustStore([]federation.Certificate{own}).Equal(x509.NewCertPool()) {
		t.Error("the chain of a node's own certificate is trusted")
	}
}

func TestABrokenSignatureIsNeverSafe(t *testing.T) {
	broken := []x509.SignatureAlgorithm{x509.UnknownSignatureAlgorithm, x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.DSAWithSHA256, x509.ECDSAWithSHA1}
	for algorithm := x509.UnknownSignatureAlgorithm; algorithm <= x509.PureEd25519; algorithm++ {
		if safe := signedSafely(&x509.Certificate{SignatureAlgorithm: algorithm}); safe == slices.Contains(broken, algorithm) {
			t.Errorf("%v is safe: %v", algorithm, safe)
		}
	}
}
