//go:build !linux

package transport

import (
	"syscall"
	"time"
)

// unacknowledged is Linux's alone; elsewhere what was written counts as taken.
func unacknowledged(syscall.RawConn) (int, error) { return 0, nil }

// setUserTimeout is Linux's alone; elsewhere the transactions' timers notice a silent path.
func setUserTimeout(syscall.RawConn, time.Duration) {}
