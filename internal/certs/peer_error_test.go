package certs

import (
	"crypto/x509"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// refusal is the sentence that refuses a chain.
func refusal(t *testing.T, c *Configs, chain ...*x509.Certificate) string {
	t.Helper()
	err := recheck(c, federation.PeerAuthContext, netip.MustParseAddr("127.0.0.1"), chain)
	if err == nil {
		t.Fatal("it is let in")
	}
	return err.Error()
}

func TestARefusalNamesBothCommonNames(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	for _, c := range certificateCases() {
		if c.promise != "two CNs" {
			continue
		}
		leaf, _ := ca.issue(t, c.name, c.edit...)
		if text := refusal(t, configs, leaf); !strings.Contains(text, `"evil.example.com" and "`+peer+`"`) {
			t.Errorf("it says %s", text)
		}
	}
}

func TestARefusalSaysWhyACAOfTheRightNameDidNotSign(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	noCA, key := ca.issue(t, peer)
	leaf, _ := authority{certificate: noCA, key: key}.issue(t, peer)
	const want = `was issued by "` + peer + `", which is not a CA and may issue none; have it issued by a CA.`
	if text := refusal(t, configs, leaf, noCA); !strings.HasSuffix(text, want) || strings.Contains(text, "import") {
		t.Errorf("it says %s", text)
	}
}

func TestACertificateThatHasJustExpiredMayBeAMatterOfClocks(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root", valid(-72*time.Hour, time.Hour))
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	for ago, want := range map[time.Duration]string{
		time.Second:      "(serial number ab:01) expired on 2026-11-01 at 11:59 UTC, less than an hour ago; renew it, or check the clocks of both machines.",
		59 * time.Minute: "expired on 2026-11-01 at 11:01 UTC, less than an hour ago; renew it, or check the clocks of both machines.",
		time.Hour:        "expired on 2026-11-01 at 11:00 UTC; renew it.",
		48 * time.Hour:   "expired on 2026-10-30 at 12:00 UTC; renew it.",
	} {
		leaf, _ := ca.issue(t, peer, valid(-72*time.Hour, -ago), serial)
		if text := refusal(t, configs, leaf); !strings.HasSuffix(text, want) {
			t.Errorf("%v ago: it says %s", ago, text)
		}
	}
}

func serial(c *x509.Certificate) { c.SerialNumber = big.NewInt(0xab01) }

// A certificate may be issued a little before the clock of its CA's server says so elsewhere; that of tomorrow is another matter.
func TestACertificateThatIsValidSoonMayBeAMatterOfClocks(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	for until, want := range map[time.Duration]string{
		time.Second:      "(serial number ab:01) is valid from 2026-11-01 at 12:00 UTC on only, in less than an hour; check the clocks of both machines.",
		59 * time.Minute: "is valid from 2026-11-01 at 12:59 UTC on only, in less than an hour; check the clocks of both machines.",
		time.Hour:        "is valid from 2026-11-01 at 13:00 UTC on only; show one that is valid already.",
		48 * time.Hour:   "is valid from 2026-11-03 at 12:00 UTC on only; show one that is valid already.",
	} {
		leaf, _ := ca.issue(t, peer, valid(until, 72*time.Hour), serial)
		if text := refusal(t, configs, leaf); !strings.HasSuffix(text, want) {
			t.Errorf("%v before: it says %s", until, text)
		}
	}
}

// That a name is to be added where it cannot be added helps nobody.
func TestANameThatCannotBeListedIsNotToldToBeAdded(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	s := snapshotOf(t, k, ca, node, peer)
	configs := Compile(s, node, k, clock)
	other, _ := ca.issue(t, "fe9.synergy.com")
	if text := refusal(t, configs, other); !strings.HasSuffix(text, "is not among the peer subjects of sip-proxy-peer-auth; add it there if this server is one of yours.") {
		t.Errorf("of a name that can be listed it says %s", text)
	}
	for _, name := range []string{"*.synergy.com", peer + ".", "https://fe1.synergy.com", "cn=" + peer} {
		leaf, _ := ca.issue(t, name, serial)
		text, ofHop := refusal(t, configs, leaf), recheckHop(configs, []*x509.Certificate{leaf}).Error()
		const want = "and cannot be, as it is no host name; have the certificate reissued for the server's own FQDN."
		if !strings.HasSuffix(text, want) || !strings.HasSuffix(ofHop, want) || !strings.HasPrefix(text, ReasonNotListed) {
			t.Errorf("%s: it says %s", name, text)
		}
		if c := Judge(s, now, []*x509.Certificate{leaf}); c.Offered() || c.Subject != "" {
			t.Errorf("%s is offered for listing as %q", name, c.Subject)
		}
	}
}

func TestTheReasonIsTrueOfEachCommonNameThatIsNone(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	for _, c := range certificateCases() {
		if c.as != ReasonSubject {
			continue
		}
		leaf, _ := ca.issue(t, c.name, c.edit...)
		if text := refusal(t, configs, leaf); !strings.HasPrefix(text, "TLS peer certificate has no usable Common Name: ") {
			t.Errorf("%s: it says %s", c.promise, text)
		}
	}
}

func TestARefusalLeavesOutTheReasonThatSaysNoMoreThanTheError(t *testing.T) {
	for reason, want := range map[string]string{
		ReasonHandshake: "it ended.", ReasonSlow: "it ended.", ReasonNotListed: "TLS peer subject not listed: it ended.",
	} {
		if got := (&PeerError{Reason: reason, Detail: "it ended."}).Error(); got != want {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
}
