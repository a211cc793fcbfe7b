//go:build !race

// The race detector makes pools forget at random.

package proxy

import "testing"

// A request costs one allocation for all that it needs to its end, one for its bytes, which another hop may need, and one
// for whom it is for.
func TestAMessagePassesWithThreeAllocations(t *testing.T) {
	r := testing.Benchmark(BenchmarkMessage)
	if n := r.AllocsPerOp(); n > 3 {
		t.Errorf("%d allocations, %d bytes", n, r.AllocedBytesPerOp())
	}
}
