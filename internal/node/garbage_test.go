package node

import (
	"math"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"testing"
)

func TestGarbageMayPileUpToAFixedSizeWhileLittleIsInUse(t *testing.T) {
	for _, c := range []struct {
		promise         string
		limit           int64
		measured, spare uint64
	}{
		{"a small node collects seldom", math.MaxInt64, 8 << 20, spareGarbage},
		{"a node that has just begun has no more garbage either", math.MaxInt64, 0, spareGarbage},
		{"a node that uses next to nothing has no more either", math.MaxInt64, 100 << 10, spareGarbage},
		{"a node with much in use collects as the runtime has it", math.MaxInt64, 500 << 20, 500 << 20},
		{"a node with little memory keeps an eighth of it", 128 << 20, 8 << 20, 16 << 20},
		{"a node with very little memory collects as the runtime has it", 16 << 20, 8 << 20, 8 << 20},
	} {
		percent := uint64(garbagePercent(spareUnder(c.limit), c.measured))
		// Of runtime/mgcpacer.go: the heap grows by GOGC, and at least to 4 MiB at GOGC=100.
		goal := max(c.measured+c.measured*percent/100, 4<<20*percent/100)
		if got := goal - c.measured; got < c.spare*9/10 || got > c.spare*11/10 {
			t.Errorf("%s: %d bytes of garbage, want %d", c.promise, got, c.spare)
		}
	}
}

func TestTheRuntimeKeepsToTheGarbageThatIsSpared(t *testing.T) {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(garbagePercent(spareGarbage, scanned())))
	list := []runtimemetrics.Sample{{Name: "/gc/heap/goal:bytes"}, {Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(list)
	goal, live := list[0].Value.Uint64(), list[1].Value.Uint64()
	if most := max(live, spareGarbage); goal < live || goal-live > most*11/10 {
		t.Errorf("with %d bytes in use the heap may grow to %d, want at most %d more", live, goal, most)
	}
}

func TestANodeIsAtRestOnceItHasAllocatedLittleForAWhile(t *testing.T) {
	var w workload
	allocated, rests := uint64(0), 0
	look := func(n int, more uint64) {
		for range n {
			if allocated += more; w.rests(allocated) {
				rests++
			}
		}
	}
	for _, c := range []struct {
		promise string
		looks   int
		more    uint64
		rests   int
	}{
		{"at work it is not at rest", 20, 4 << 20, 0},
		{"between two requests it is not", restLooks - 1, 1 << 20, 0},
		{"a request ends the wait", 1, 4 << 20, 0},
		{"at rest it is, once", 100, 1000, 1},
		{"at work again it is not", 1, 4 << 20, 1},
		{"the next rest is another", restLooks, 1000, 2},
	} {
		if look(c.looks, c.more); rests != c.rests {
			t.Errorf("%s: %d rests, want %d", c.promise, rests, c.rests)
		}
	}
}
