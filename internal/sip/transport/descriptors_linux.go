package transport

import (
	"math"

	"golang.org/x/sys/unix"
)

// openLimit is how many file descriptors this process may have, RLIMIT_NOFILE. The runtime has raised it as far as it may.
func openLimit() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt
	}
	return int(min(limit.Cur, math.MaxInt))
}
