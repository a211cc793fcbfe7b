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

// CollectSeldom has garbage collected less often while little memory is in use, and what is left of a surge given back once the
// node is at rest, until ctx ends. GOGC, where it is set, is left as it is.
func CollectSeldom(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	spare := spareUnder(debug.SetMemoryLimit(-1))
	look := time.NewTicker(collectorLook)
	defer look.Stop()
	var work workload
	for set := 0; ; {
		if percent := garbagePercent(spare, scanned()); percent*10 < set*9 || percent*9 > set*10 {
			debug.SetGCPercent(percent) // stops everything for a moment, so not for every little change
			set = percent
		}
		if work.rests(readMetric("/gc/heap/allocs:bytes")) && worthReturning() {
			debug.FreeOSMemory()
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

// A workload is how much a node allocates, by which its rest is known. After a surge, such as ten thousand handshakes, garbage
// would stay until as much is allocated once more, which a node at rest may not do for hours.
type workload struct {
	allocated uint64 // in all, at the last look
	quiet     int    // looks in a row with hardly anything since the one before
}

const (
	restLooks = 5       // after which a node is at rest
	restBelow = 2 << 20 // bytes from one look to the next, of what it does for itself and a few hundred requests
	leastBack = 8 << 20 // bytes that are worth a collection
)

// rests takes what has been allocated in all, and is true once for each rest.
func (w *workload) rests(allocated uint64) bool {
	quiet := allocated-w.allocated < restBelow
	w.allocated = allocated
	if !quiet {
		w.quiet = 0
		return false
	}
	w.quiet++
	return w.quiet == restLooks
}

// worthReturning reports whether much of the memory held is not in use: more than an eighth of what is, as a collection costs
// by that.
func worthReturning() bool {
	used := readMetric("/gc/heap/live:bytes")
	held := readMetric("/memory/classes/heap/objects:bytes") + readMetric("/memory/classes/heap/unused:bytes") + readMetric("/memory/classes/heap/free:bytes")
	return held > used+max(leastBack, used/8)
}

func readMetric(name string) uint64 {
	sample := []runtimemetrics.Sample{{Name: name}}
	runtimemetrics.Read(sample)
	return sample[0].Value.Uint64()
}

// scanned is what the runtime takes GOGC of: the heap in use, the stacks and the global variables.
func scanned() uint64 {
	return readMetric("/gc/heap/live:bytes") + readMetric("/gc/scan/stack:bytes") + readMetric("/gc/scan/globals:bytes")
}
