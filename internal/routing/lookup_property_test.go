package routing

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// What is looked up by its key must be what going through everything would find, in the same order.

func TestAUserPartIsFoundInWhatGoingThroughAllPatternsWouldFind(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 1))
	text := func(letters string, most int) string {
		b := make([]byte, random.IntN(most+1))
		for i := range b {
			b[i] = letters[random.IntN(len(letters))]
		}
		return string(b)
	}
	fits := 0
	for range 300 {
		all := map[string]bool{}
		for range random.IntN(200) {
			all[text("12.", 6)+text("*", 1)] = true
		}
		delete(all, "")
		var list []string
		var patterns userPatterns
		for p := range all {
			list = append(list, p)
			patterns = append(patterns, &pattern{text: p})
		}
		patterns.order()
		slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(b, a)) })
		for range 50 {
			user := text("12.*3", 8)
			var want, got []string
			for _, p := range list {
				if user != "" && fitsUser(p, user) {
					want = append(want, p)
				}
			}
			for _, p := range patterns.fitting(nil, user) {
				got = append(got, p.text)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%q among %q: found %q, want %q", user, list, got, want)
			}
			fits += len(want)
		}
	}
	if fits == 0 {
		t.Error("nothing ever fitted")
	}
}

func TestAnAddressIsFoundInWhatGoingThroughAllNetworksWouldFind(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 2))
	address := func() netip.Addr {
		text := []string{"10.0.%d.%d", "fd00::%x:%x", "::ffff:10.0.%d.%d", "::%x:%x"}[random.IntN(4)]
		return netip.MustParseAddr(fmt.Sprintf(text, random.IntN(4), random.IntN(256)))
	}
	inside := 0
	for range 300 {
		var all []netip.Prefix
		var n networks
		for range random.IntN(8) {
			a := address()
			p := netip.PrefixFrom(a, a.BitLen()-random.IntN(12))
			if random.IntN(20) == 0 {
				p = netip.PrefixFrom(a, random.IntN(a.BitLen()+1))
			}
			all = append(all, p)
			n.add(p)
		}
		list := acl{networks: n}
		for range 100 {
			a := address()
			want := slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
			if got := list.admits(a); got != want {
				t.Fatalf("%v among %v: %v", a, all, got)
			}
			if want {
				inside++
			}
		}
	}
	if inside == 0 {
		t.Error("no address was ever inside")
	}
}
