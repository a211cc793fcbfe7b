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
// runtime's measure holds, so that a full node needs no more memory than before. The limit of memory comes first at any rate.
const spareGarbage = 32 << 20

const collectorLook = time.Second // between two looks at what is in use

// CollectSeldom has garbage collected less often while little memory is in use, until ctx ends. GOGC, where it is set, is
// left as it is.
func CollectSeldom(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	look := time.NewTicker(collectorLook)
	defer look.Stop()
	for set := 0; ; {
		if percent := garbagePercent(liveHeap()); percent*10 < set*9 || percent*9 > set*10 {
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

// garbagePercent is what GOGC has to be, by the bytes in use.
func garbagePercent(live uint64) int {
	return int(max(100, spareGarbage*100/max(live, 1<<20)))
}

func liveHeap() uint64 {
	sample := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(sample)
	return sample[0].Value.Uint64()
}
