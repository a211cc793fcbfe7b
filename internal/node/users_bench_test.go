package node

import (
	"fmt"
	"testing"

	"isthmus/internal/federation"
)

// BenchmarkRecipient is finding a user by IM address, by the number of users.
func BenchmarkRecipient(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("users=%d", n), func(b *testing.B) { findAmong(b, n) })
	}
}

func findAmong(b *testing.B, n int) {
	facts := make([]federation.UserFact, n)
	for i := range facts {
		id := fmt.Sprintf("user%07d", i)
		facts[i] = fact(id, id+"@synergy.com", "")
	}
	u := NewUsers()
	u.Replace(facts)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := u.ByAddress(facts[i].Address); !ok {
			b.Fatal(facts[i])
		}
		i = (i + 7919) % n // all over the table, as recipients are
	}
}
