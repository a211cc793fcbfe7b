//go:build !linux || race

package direct

import "syscall"

// The race detector has to see reads and writes, which only the ordinary calls show it.

func read(fd int, p []byte) (int, error)  { return syscall.Read(fd, p) }
func write(fd int, p []byte) (int, error) { return syscall.Write(fd, p) }
