//go:build linux && !race

package direct

import (
	"syscall"
	"unsafe"
)

// read and write are read(2) and write(2) of a socket that does not block. While one is under way the processor belongs to the
// goroutine, as it does while the goroutine computes. The form is that of unsafe.Pointer's fourth pattern.

func read(fd int, p []byte) (int, error)  { return direct(syscall.SYS_READ, fd, p) }
func write(fd int, p []byte) (int, error) { return direct(syscall.SYS_WRITE, fd, p) }

func direct(number uintptr, fd int, p []byte) (int, error) {
	n, _, failed := syscall.RawSyscall(number, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if failed != 0 {
		return 0, failed
	}
	return int(n), nil
}
