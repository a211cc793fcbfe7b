package proxy

import (
	"net/netip"
	"testing"
	"time"
)

var refusedAt = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// refuses counts refusals of an address, at so long after the first of the test.
func (b *bans) refuses(addr netip.Addr, times int, after time.Duration) {
	for range times {
		b.count(addr, refusedAt.Add(after))
	}
}

func TestMoreThanFiveRefusalsWithinTenSecondsAreTooMany(t *testing.T) {
	addr := netip.MustParseAddr("127.0.0.66")
	for after, want := range map[time.Duration]bool{0: true, 10*time.Second - 1: true, 10 * time.Second: false} {
		var b bans
		b.refuses(addr, 5, 0)
		b.refuses(addr, 1, after)
		if got := b.banned(addr, refusedAt.Add(after)); got != want {
			t.Errorf("the sixth %v after the first: banned %v", after, got)
		}
		if want && b.banned(addr, refusedAt.Add(after+banFor)) {
			t.Errorf("the sixth %v after the first: banned for more than a minute", after)
		}
	}
}

// quiet and busy are half of the addresses that are remembered: quiet ones were refused once at the beginning, busy ones
// twice a second later, one of them five times.
func crowd(busy int) (*bans, netip.Addr) {
	b, addr := new(bans), netip.MustParseAddr("2001:db8::")
	banned := addr
	b.refuses(banned, 6, 0)
	for range maxBans - busy - 1 {
		addr = addr.Next()
		b.refuses(addr, 1, 0)
	}
	for i := range busy {
		addr = addr.Next()
		b.refuses(addr, 2, time.Second)
		if i == 0 {
			b.refuses(addr, 3, time.Second)
		}
	}
	return b, banned
}

func TestOfManyAddressesTheQuietAreForgotten(t *testing.T) {
	next := netip.MustParseAddr("127.0.0.66")
	b, banned := crowd(maxBans/2 - 1)
	if len(b.records) != maxBans {
		t.Fatalf("%d addresses are remembered before there are too many", len(b.records))
	}
	b.refuses(next, 1, 10*time.Second)
	if n := len(b.records); n != maxBans/2+1 || !b.banned(banned, refusedAt.Add(10*time.Second)) {
		t.Errorf("%d addresses are left, want the busy half, the one that is banned and the new one", n)
	}
	b, _ = crowd(maxBans / 2)
	b.refuses(next, 1, 10*time.Second)
	if n := len(b.records); n != 1 {
		t.Errorf("%d addresses are left of a flood from everywhere", n)
	}
}

func TestAFewAddressesAreRemembered(t *testing.T) {
	var b bans
	b.refuses(netip.MustParseAddr("127.0.0.66"), 1, 0)
	b.refuses(netip.MustParseAddr("127.0.0.67"), 1, time.Minute)
	if len(b.records) != 2 {
		t.Errorf("%d addresses", len(b.records))
	}
}
