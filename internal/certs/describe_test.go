package certs

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestACertificateIsDescribedInTheWordsOfItsForms(t *testing.T) {
	ca := newAuthority(t, "Root")
	leaf, _ := ca.issue(t, node, func(c *x509.Certificate) {
		c.SerialNumber = big.NewInt(0xab01)
		c.DNSNames, c.IPAddresses = []string{node, "pool.synergy.com"}, []net.IP{net.IPv4(10, 1, 1, 1)}
		c.Subject.Organization = []string{"Synergy"}
	})
	d := Describe(leaf)
	if d.Subject != node || d.FullSubject != "CN="+node+",O=Synergy" || d.Issuer != "Root" || d.Serial != "ab:01" || d.CA {
		t.Errorf("%+v", d)
	}
	if !slices.Equal(d.Names, []string{node, "pool.synergy.com", "10.1.1.1"}) || d.Key != "ECDSA P-256" || d.Signature != "ECDSA-SHA256" {
		t.Errorf("%+v", d)
	}
	want := []string{"server authentication (1.3.6.1.5.5.7.3.1)", "client authentication (1.3.6.1.5.5.7.3.2)"}
	if !slices.Equal(d.Usages, want) || !d.NotAfter.Equal(now.Add(time.Hour)) || d.Fingerprint != Fingerprint(leaf) {
		t.Errorf("%+v", d)
	}
	if root := Describe(ca.certificate); !root.CA || len(root.Usages) != 0 || len(root.Names) != 0 {
		t.Errorf("%+v", root)
	}
	text, err := json.Marshal(d)
	if err != nil || !strings.Contains(string(text), `"not_after":"2026-11-01T13:00:00Z"`) {
		t.Errorf("%s, %v", text, err)
	}
}

// Which of two names stands there would be a matter of luck.
func TestACertificateOfTwoNamesIsCalledByBoth(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	two := func(c *x509.Certificate) {
		c.Subject = pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidCommonName, Value: "fe1.synergy.com"}, {Type: oidCommonName, Value: "evil.com"}}}
	}
	leaf, _ := ca.issue(t, "", two)
	const both = "CN=evil.com,CN=fe1.synergy.com"
	if d := Describe(leaf); d.Subject != both || d.FullSubject != both {
		t.Errorf("it is called %q, %q", d.Subject, d.FullSubject)
	}
	err := recheckHop(Compile(snapshotOf(t, k, ca, node, peer), node, k, clock), []*x509.Certificate{leaf})
	if e, ok := errors.AsType[*PeerError](err); !ok || e.Subject != both || e.Leaf != leaf {
		t.Errorf("it is refused as %+v", e)
	}
	if d := Describe(authority{certificate: newAuthority(t, "", two).certificate, key: ca.key}.certificate); d.Issuer != both {
		t.Errorf("its issuer is called %q", d.Issuer)
	}
	nobody, _ := ca.issue(t, "", func(c *x509.Certificate) {
		c.Subject = pkix.Name{Organization: []string{"Synergy"}, Country: []string{"DE"}}
	})
	if d := Describe(nobody); d.Subject != "O=Synergy,C=DE" {
		t.Errorf("one of no name is called %q", d.Subject)
	}
	empty, _ := ca.issue(t, "", func(c *x509.Certificate) {
		c.Subject = pkix.Name{Organization: []string{"Synergy"}, ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidCommonName, Value: ""}}}
	})
	if d := Describe(empty); !strings.Contains(d.Subject, "O=Synergy") {
		t.Errorf("one of an empty name is called %q", d.Subject)
	}
}

func TestUsagesAndKeysOutsideTheUsualAreNamedToo(t *testing.T) {
	ca := newAuthority(t, "Root")
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := ca.issueTo(t, private.Public(), node, usages(x509.ExtKeyUsageAny, x509.ExtKeyUsageEmailProtection, x509.ExtKeyUsageIPSECUser), func(c *x509.Certificate) {
		c.UnknownExtKeyUsage, c.SerialNumber = append(c.UnknownExtKeyUsage, []int{1, 2, 3}), new(big.Int)
	})
	if d := Describe(c); d.Key != "RSA 2048" || d.Serial != "00" ||
		!slices.Equal(d.Usages, []string{"any (2.5.29.37.0)", "email protection (1.3.6.1.5.5.7.3.4)", "ipsecUser (1.3.6.1.5.5.7.3.7)", "1.2.3"}) {
		t.Errorf("%+v", d)
	}
}
