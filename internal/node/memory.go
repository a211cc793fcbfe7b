package node

import (
	"context"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"strconv"
	"strings"
	"time"

	"isthmus/internal/sip/transport"
)

const (
	memoryLook  = 50 * time.Millisecond // in a quarter of a second peers on a fast network can fill what is left
	memoryEase  = 2 * time.Second       // of less use, before a pressure is over
	memoryClear = time.Second           // between two collections of garbage under pressure, as only they show what is in use
)

// A pressure is how little memory is left, and what the node does with less then.
type pressure int

const (
	noPressure   pressure = iota
	fewStrangers          // who is not listed gets no connection
	noNewPeers            // nobody gets a new one
	noRequests            // new requests are answered 503
)

// pressureAt are the parts of the limit, in percent, from which on there is each pressure. It is over some percent below.
var pressureAt = [...]uint64{noPressure: 0, fewStrangers: 80, noNewPeers: 90, noRequests: 95}

const pressureGap = 5

var pressureTexts = [...]string{
	noPressure:   "everybody is served again",
	fewStrangers: "connections of unlisted peers are closed",
	noNewPeers:   "new connections are closed",
	noRequests:   "new connections are closed, and new requests answered 503",
}

// A memory follows the pressure. Its limit is in bytes.
type memory struct {
	limit uint64
	level pressure
	eased time.Time // when less than the level's was used first; zero: it is not
}

// sees takes what is in use now and returns the pressure. It rises at once, and falls after a while of less use, so that what
// is gained by turning peers away does not let them all in again in that moment.
func (m *memory) sees(used uint64, now time.Time) pressure {
	percent := used * 100 / m.limit
	switch at := levelOf(percent); {
	case at > m.level:
		m.level, m.eased = at, time.Time{}
	case m.level == noPressure || percent >= pressureAt[m.level]-pressureGap:
		m.eased = time.Time{}
	case m.eased.IsZero():
		m.eased = now
	case now.Sub(m.eased) >= memoryEase:
		m.level, m.eased = at, time.Time{}
	}
	return m.level
}

func levelOf(percent uint64) pressure {
	level := noRequests
	for percent < pressureAt[level] {
		level--
	}
	return level
}

// watchMemory turns away whom it has to, before the system ends the process for what it uses.
func (n *Node) watchMemory(ctx context.Context) {
	tick := time.NewTicker(memoryLook)
	defer tick.Stop()
	m, cleared := memory{limit: uint64(n.config.MemoryLimit), level: pressure(n.pressure.Load())}, time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		used, before := n.config.memoryUsed(), m.level
		if m.sees(used, time.Now()) != before {
			n.shed(m.level, used)
		}
		if m.level != noPressure && time.Since(cleared) >= memoryClear {
			runtime.GC()
			cleared = time.Now()
		}
	}
}

// shed does with less memory, or with as much as before.
func (n *Node) shed(level pressure, used uint64) {
	n.pressure.Store(int32(level))
	n.layer.Shed(min(transport.Shed(level), transport.ShedConnections))
	n.core.Shed(level == noRequests)
	tell := n.log.Warn
	if level == noPressure {
		tell = n.log.Info
	}
	tell("memory", "used", used, "limit", n.config.MemoryLimit, "reason", pressureTexts[level])
}

// usedMemory is what the process uses that no collection of garbage would give back, in bytes. What is in use by now and
// then is the limit or near it, wherever that lies: the garbage waits until there.
func usedMemory() uint64 {
	list := []runtimemetrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/memory/classes/os-stacks:bytes"}, {Name: "/memory/classes/other:bytes"},
		{Name: "/memory/classes/metadata/mcache/inuse:bytes"}, {Name: "/memory/classes/metadata/mspan/inuse:bytes"}, {Name: "/memory/classes/metadata/other:bytes"},
	}
	runtimemetrics.Read(list)
	sum := uint64(0)
	for _, s := range list {
		sum += s.Value.Uint64()
	}
	return sum
}

// LimitMemory has the runtime keep to four fifths of what the process' control group may use; the rest is the kernel's for
// sockets and files. GOMEMLIMIT, where it is set, is left as it is. It returns the limit in bytes, 0 where there is none.
func LimitMemory() int64 {
	if set := debug.SetMemoryLimit(-1); set != math.MaxInt64 {
		return set
	}
	limit := groupLimit(os.DirFS("/")) / 5 * 4
	if limit > 0 {
		debug.SetMemoryLimit(limit)
	}
	return limit
}

// groupLimit is the least limit of the process' control group and those around it (cgroups(7), both versions), 0 for none.
func groupLimit(root fs.FS) int64 {
	least := int64(math.MaxInt64)
	own, _ := fs.ReadFile(root, "proc/self/cgroup") // without groups there is no limit
	for line := range strings.Lines(string(own)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(part) != 3:
		case part[0] == "0" && part[1] == "":
			least = min(least, leastLimit(root, "sys/fs/cgroup", part[2], "memory.max"))
		case part[1] == "memory":
			least = min(least, leastLimit(root, "sys/fs/cgroup/memory", part[2], "memory.limit_in_bytes"))
		}
	}
	if least >= 1<<60 { // the first version has no word for none
		return 0
	}
	return least
}

// leastLimit looks from a group up to the top, which in a container is the container's own, whatever the group is called.
func leastLimit(root fs.FS, top, group, file string) int64 {
	least := int64(math.MaxInt64)
	for at := path.Join("/", group); ; at = path.Dir(at) {
		text, err := fs.ReadFile(root, path.Join(top, at, file))
		if limit, bad := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil && limit > 0 {
			least = min(least, limit)
		}
		if at == "/" {
			return least
		}
	}
}
