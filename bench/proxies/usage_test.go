package proxies

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// proc is a directory as the kernel shows it.
func proc(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheTimeOfAllThreadsIsCounted(t *testing.T) {
	dir := proc(t, map[string]string{"7/task/7/schedstat": "1500 900 3\n", "7/task/8/schedstat": "500 1 1\n", "70/task/70/schedstat": "9 9 9\n"})
	if got, err := cpuOf(dir, 7); err != nil || got != 2000*time.Nanosecond {
		t.Errorf("%v, %v", got, err)
	}
}

func TestWhatTheSystemDoesNotTellIsAnError(t *testing.T) {
	dir := proc(t, map[string]string{"7/task/7/schedstat": "soon\n", "7/smaps_rollup": "Rss: 1 kB\n"})
	if _, err := cpuOf(dir, 8); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a process that is gone: %v", err)
	}
	if got, err := cpuOf(dir, 7); err == nil {
		t.Errorf("read %v", got)
	}
	if got, err := memoryOf(dir, 7); err == nil {
		t.Errorf("read %d", got)
	}
}

func TestMemoryIsTheProportionalSetSize(t *testing.T) {
	dir := proc(t, map[string]string{"7/smaps_rollup": "55d-7ff ---p 00000000 00:00 0  [rollup]\nRss:  900 kB\nPss:  400 kB\nPss_Dirty:  10 kB\n"})
	if got, err := memoryOf(dir, 7); err != nil || got != 400<<10 {
		t.Errorf("%d, %v", got, err)
	}
}

func TestChildrenAreFoundAtAnyDepthAndByNoName(t *testing.T) {
	dir := proc(t, map[string]string{
		"1/stat": "1 (init) S 0 1 1", "7/stat": "7 (kamailio) S 1 7 7", "8/stat": "8 (a) b) S 7 7 7",
		"9/stat": "9 (kamailio) S 8 7 7", "10/stat": "10 (7) S 1 7 7", "11/stat": "broken",
	})
	if got := children(dir, 7); !slices.Equal(got, []int{8, 9}) {
		t.Errorf("got %v", got)
	}
}

func TestThisProcessHasWorkedAndHoldsMemory(t *testing.T) {
	if got, err := cpuOf("/proc", os.Getpid()); err != nil || got <= 0 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := memoryOf("/proc", os.Getpid()); err != nil || got < 1<<20 {
		t.Errorf("%d, %v", got, err)
	}
}
