package node

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"isthmus/internal/metrics"
	"isthmus/internal/siptest"
)

// Of a limit of 1000 so much is used at each quarter of a second.
func TestPressureRisesAtOnceAndFallsAfterAWhileOfLessUse(t *testing.T) {
	for promise, c := range map[string]struct {
		used []uint64
		want pressure
	}{
		"most of the memory is free to use":       {[]uint64{0, 799}, noPressure},
		"at four fifths strangers go":             {[]uint64{800}, fewStrangers},
		"at nine tenths everybody new":            {[]uint64{900}, noNewPeers},
		"at 95 percent new requests are refused":  {[]uint64{950}, noRequests},
		"beyond the limit too":                    {[]uint64{2000}, noRequests},
		"a little less is no relief":              {[]uint64{950, 901, 901, 901, 901, 901, 901, 901, 901, 901, 901}, noRequests},
		"less for a moment is none either":        {[]uint64{950, 100, 100, 100, 100, 100, 100, 100, 100}, noRequests},
		"less for two seconds ends it":            {[]uint64{950, 100, 100, 100, 100, 100, 100, 100, 100, 100}, noPressure},
		"the two seconds are without a break":     {[]uint64{950, 100, 100, 100, 100, 100, 960, 100, 100, 100, 100, 100, 100, 100, 100}, noRequests},
		"it falls to where the use is":            {[]uint64{950, 820, 820, 820, 820, 820, 820, 820, 820, 820}, fewStrangers},
		"strangers come back below three fourths": {[]uint64{800, 749, 749, 749, 749, 749, 749, 749, 749, 749}, noPressure},
		"and not before":                          {[]uint64{800, 750, 750, 750, 750, 750, 750, 750, 750, 750, 750}, fewStrangers},
	} {
		m, now, got := memory{limit: 1000}, time.Date(2026, 11, 23, 9, 41, 0, 0, time.UTC), noPressure
		for _, used := range c.used {
			got = m.sees(used, now)
			now = now.Add(250 * time.Millisecond)
		}
		if got != c.want {
			t.Errorf("%s: pressure %d, want %d", promise, got, c.want)
		}
	}
}

func TestTheLimitIsTheLeastOfTheGroupsAround(t *testing.T) {
	const v1, v2 = "sys/fs/cgroup/memory", "sys/fs/cgroup"
	for promise, c := range map[string]struct {
		own   string
		files map[string]string
		want  int64
	}{
		"no groups":                     {},
		"second version, own group":     {"0::/a/b\n", map[string]string{v2 + "/a/b/memory.max": "67108864\n", v2 + "/a/memory.max": "max\n"}, 67108864},
		"second version, one around":    {"0::/a/b\n", map[string]string{v2 + "/a/b/memory.max": "max\n", v2 + "/a/memory.max": "1048576\n"}, 1048576},
		"second version, no limit":      {"0::/a\n", map[string]string{v2 + "/a/memory.max": "max\n"}, 0},
		"first version":                 {"9:name=systemd:/\n4:memory:/a\n1:cpu:/\n0::/\n", map[string]string{v1 + "/a/memory.limit_in_bytes": "4096\n", v1 + "/memory.limit_in_bytes": "9223372036854771712\n"}, 4096},
		"first version, no limit":       {"4:memory:/a\n", map[string]string{v1 + "/a/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		"a container's view":            {"4:memory:/docker/0123\n", map[string]string{v1 + "/memory.limit_in_bytes": "4096\n"}, 4096},
		"what is no number is no limit": {"0::/a\n", map[string]string{v2 + "/a/memory.max": "many\n"}, 0},
		"lines that mean nothing":       {"\n0\nx:y\n", nil, 0},
	} {
		root := fstest.MapFS{}
		if c.own != "" {
			root["proc/self/cgroup"] = &fstest.MapFile{Data: []byte(c.own)}
		}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := groupLimit(root); got != c.want {
			t.Errorf("%s: %d, want %d", promise, got, c.want)
		}
	}
}

// What is held counts, and what is garbage does not.
func TestUsedMemoryIsWhatIsHeld(t *testing.T) {
	const size = 64 << 20
	runtime.GC()
	before := usedMemory()
	held := make([]byte, size)
	runtime.GC()
	during := usedMemory()
	runtime.KeepAlive(held)
	runtime.GC()
	after := usedMemory()
	// What earlier tests left may go meanwhile, so before may be too much.
	if during < after+size*9/10 || during > after+size*2 || after > before+size/10 {
		t.Errorf("%d bytes before, %d while %d more are held, %d afterwards", before, during, size, after)
	}
}

func TestANodeShortOfMemoryRefusesInStepsAndServesAgainAfterwards(t *testing.T) {
	var used atomic.Uint64
	counts := metrics.New("1.0")
	r := start(t, func(c *Config) { c.Metrics, c.MemoryLimit, c.memoryUsed = counts, 1000, used.Load })
	r.commits(r.snapshot(1))
	there := siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.1"})
	asks := func(want string) {
		t.Helper()
		there.Sends(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
		there.Expect(want)
	}
	uses := func(n uint64, want pressure) {
		t.Helper()
		used.Store(n)
		await(t, "the pressure follows", func() bool { return r.node.pressure.Load() == int32(want) })
	}
	asks("404")
	uses(800, fewStrangers)
	siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.3"}).ExpectClosed() // it is not listed
	if !r.answers(5060) {
		t.Error("a listed peer is not served")
	}
	uses(900, noNewPeers)
	siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.1"}).ExpectClosed()
	asks("404")
	uses(950, noRequests)
	asks("503")
	measured(t, counts, "isthmus_memory_pressure 3")
	relieved := time.Now()
	uses(100, noPressure)
	if took := time.Since(relieved); took < memoryEase {
		t.Errorf("it was over after %v", took)
	}
	asks("404")
	if !r.answers(5060) {
		t.Error("a new connection is not served")
	}
}

func TestAMemoryLimitThatIsSetIsLeft(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(1 << 40))
	if got, set := LimitMemory(), debug.SetMemoryLimit(-1); got != 1<<40 || set != 1<<40 {
		t.Errorf("the limit is %d, told is %d", set, got)
	}
}
