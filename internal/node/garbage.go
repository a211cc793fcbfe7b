package node

import (
	"context"
	"os"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"
)

// spareGarbage may pile up before it is collected, however little is in use: with the runtime's own measure, as much as is
// in use, a node of some megabytes would spend a tenth of its work under load on collecting. Where more than that is in use, the
// runtime's measure holds, so that a full node needs no more memory than before. Where memory has a limit it is an eighth of
// that at most, and the limit comes first at any rate.
//
// What is in use may grow between two looks, and what may pile up grows with it by the measure of the look before: by no more
// than is allocated in that second, as the next look sets it right at once.
const spareGarbage = 32 << 20

// minimumHeap is where the runtime first collects at GOGC=100, however little is in use; GOGC moves it in proportion.
const minimumHeap = 4 << 20

const collectorLook = time.Second // between two looks at what is in use

// CollectSeldom has garbage collected less often while little memory is in use, until ctx ends. GOGC, where it is set, is
// left as it is.
func CollectSeldom(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	spare := spareUnder(debug.SetMemoryLimit(-1))
	look := time.NewTicker(collectorLook)
	defer look.Stop()
	for set := 0; ; {
		if percent := garbagePercent(spare, scanned()); percent*10 < set*9 || percent*9 > set*10 {
			debug.SetGCPercent(percent) // stops everything for a moment, so not for every little change
			set = percent
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// spareUnder is how much garbage may pile up under a limit of memory, in bytes, which without one is math.MaxInt64.
func spareUnder(limit int64) uint64 { return min(spareGarbage, uint64(limit)/8) }

// garbagePercent is what GOGC has to be for so much garbage, by the bytes that the runtime measures it by. It is at most 800,
// as with more the least heap alone would be larger than the garbage may be.
func garbagePercent(spare, measured uint64) int {
	return int(max(100, spare*100/max(measured, minimumHeap)))
}

// scanned is what the runtime takes GOGC of: the heap in use, the stacks and the global variables.
func scanned() uint64 {
	list := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	runtimemetrics.Read(list)
	sum := uint64(0)
	for _, s := range list {
		sum += s.Value.Uint64()
	}
	return sum
}
