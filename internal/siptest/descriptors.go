package siptest

import (
	"sync"
	"syscall"
	"testing"
)

// LimitDescriptors leaves this process so many descriptors from its lowest free one on, less those that it has among them,
// until restore is called or the test ends. Tests that run beside it have to make do with as many.
func LimitDescriptors(t testing.TB, left int) (restore func()) {
	t.Helper()
	free, err := syscall.Open("/dev/null", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = syscall.Close(free) // only its number is wanted
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	lowered := before
	lowered.Cur = uint64(free + left)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lowered); err != nil {
		t.Fatal(err)
	}
	restore = sync.OnceFunc(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(restore)
	return restore
}
