package certs

import (
	"crypto/x509"
	"net"
	"strings"
	"testing"
)

// A database refuses a peer without a name, and with it the whole report of the node that saw it.
func TestEveryPeerHasANameToBeRememberedBy(t *testing.T) {
	ca := newAuthority(t, "Root")
	addresses := func(c *x509.Certificate) { c.IPAddresses = []net.IP{{10, 1, 20, 21}} }
	for want, edit := range map[string]func(*x509.Certificate){
		"fe1.synergy.com": dnsNames("FE1.synergy.com", "pool.synergy.com"),
		"fe2.synergy.com": dnsNames("", "fe2.synergy.com"),
		"10.1.20.21":      addresses,
		"no subject":      func(*x509.Certificate) {},
	} {
		c, _ := ca.issue(t, "", edit)
		if d := Describe(c); d.Subject != "" {
			t.Fatalf("the subject is %q", d.Subject)
		}
		if got := Describe(c).Peer().CommonName; got != want {
			t.Errorf("remembered as %q, want %q", got, want)
		}
	}
	named, _ := ca.issue(t, "Pool.synergy.com", dnsNames("fe1.synergy.com"))
	if got := Describe(named).Peer().CommonName; got != "pool.synergy.com" {
		t.Errorf("one with a subject is remembered as %q", got)
	}
}

func TestWhatIsRememberedOfAPeerHasRoomInItsRow(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	if p := (Description{Subject: long, Issuer: long, Serial: long}).Peer(); max(len(p.CommonName), len(p.Issuer), len(p.Serial)) > 1<<12 {
		t.Errorf("%d, %d and %d octets are remembered", len(p.CommonName), len(p.Issuer), len(p.Serial))
	}
}
