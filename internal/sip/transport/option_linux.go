package transport

import (
	"cmp"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unacknowledged returns how many bytes that were sent the peer's system has not acknowledged. The error is why the
// connection has failed.
func unacknowledged(raw syscall.RawConn) (n int, err error) {
	closed := raw.Control(func(fd uintptr) {
		var failed int
		if failed, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); failed != 0 {
			err = syscall.Errno(failed)
			return
		}
		n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	})
	return n, cmp.Or(closed, err)
}

// setUserTimeout bounds how long sent data may stay unacknowledged. Without it a path that went silent is noticed after
// a quarter of an hour, as keep-alives are not sent while data is under way.
func setUserTimeout(raw syscall.RawConn, limit time.Duration) {
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit.Milliseconds()))
	})
}
