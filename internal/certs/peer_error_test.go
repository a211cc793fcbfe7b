package certs

import (
	"crypto/x509"
	"net/netip"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// refusal is the sentence that refuses a chain.
func refusal(t *testing.T, c *Configs, chain ...*x509.Certificate) string {
	t.Helper()
	err := c.Recheck(federation.PeerAuthContext, netip.MustParseAddr("127.0.0.1"), chain)
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
		if text := refusal(t, configs, leaf); !strings.Contains(text, `"evil.example.com" "`+peer+`"`) {
			t.Errorf("it says %s", text)
		}
	}
}

func TestARefusalSaysWhyACAOfTheRightNameDidNotSign(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	noCA, key := ca.issue(t, peer)
	leaf, _ := authority{certificate: noCA, key: key}.issue(t, peer)
	const want = `candidate authority certificate "` + peer + `".`
	if text := refusal(t, configs, leaf, noCA); !strings.HasSuffix(text, want) || strings.Contains(text, "A trusted CA has this name") {
		t.Errorf("it says %s", text)
	}
}

func TestACertificateThatHasJustExpiredMayBeAMatterOfClocks(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root", valid(-72*time.Hour, time.Hour))
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	for ago, want := range map[time.Duration]string{
		time.Second:      "expired on 2026-11-01 at 11:59 UTC, less than an hour ago; renew it, or check the clocks of both machines.",
		59 * time.Minute: "expired on 2026-11-01 at 11:01 UTC, less than an hour ago; renew it, or check the clocks of both machines.",
		time.Hour:        "expired on 2026-11-01; renew it.",
		48 * time.Hour:   "expired on 2026-10-30; renew it.",
	} {
		leaf, _ := ca.issue(t, peer, valid(-72*time.Hour, -ago))
		if text := refusal(t, configs, leaf); !strings.HasSuffix(text, want) {
			t.Errorf("%v ago: it says %s", ago, text)
		}
	}
}
