//go:build !linux

package transport

import (
	"syscall"
	"time"
)

// setUserTimeout is Linux's alone; elsewhere the transactions' timers notice a silent path.
func setUserTimeout(syscall.RawConn, time.Duration) {}
