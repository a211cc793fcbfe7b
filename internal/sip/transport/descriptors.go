package transport

import (
	"errors"
	"math"
	"os"
	"syscall"
)

// maxReserve is how many file descriptors accepted connections leave alone, at most: for the console and the database, for
// files and look-ups, and for the connections that this node opens. A process that may have few keeps a quarter of them.
const maxReserve = 128

var errScarce = errors.New("the last free file descriptors are kept for the console and the database")

// Descriptors tells how many file descriptors this process may open beyond that of c, and how many of the last ones are the
// reserve. A new descriptor is the lowest that is free, so fewer than the reserve means that no more than that are.
func Descriptors(c syscall.Conn) (left, reserve int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return math.MaxInt, 0 // it is closed
	}
	left = math.MaxInt
	_ = raw.Control(func(fd uintptr) { left, reserve = beyond(int(fd)) }) // closed: as above
	return left, reserve
}

func beyond(fd int) (left, reserve int) {
	limit := openLimit()
	return limit - 1 - fd, min(maxReserve, limit/4)
}

// takes reports whether the descriptor of an accepted connection lies before the reserve, as the next one's should.
func takes(c syscall.Conn) bool {
	left, reserve := Descriptors(c)
	return left >= reserve
}

// plenty reports whether a connection that is accepted now would get a descriptor before the reserve.
func plenty() bool {
	file, err := os.Open(os.DevNull)
	if err != nil {
		return false
	}
	defer file.Close()
	return takes(file)
}
