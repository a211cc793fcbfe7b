package node

import "testing"

func TestGarbageMayPileUpToAFixedSizeWhileLittleIsInUse(t *testing.T) {
	for _, c := range []struct {
		promise string
		live    uint64
		garbage uint64
	}{
		{"a small node collects seldom", 8 << 20, spareGarbage},
		{"a node that has just begun does not collect for ever", 0, spareGarbage},
		{"a node with much in use collects as the runtime has it", 500 << 20, 500 << 20},
	} {
		live := max(c.live, 1<<20)
		if got := live * uint64(garbagePercent(c.live)) / 100; got < c.garbage*9/10 || got > c.garbage*11/10 {
			t.Errorf("%s: %d bytes of garbage, want %d", c.promise, got, c.garbage)
		}
	}
}
