// Package direct reads and writes TCP connections without telling Go's scheduler of each system call.
//
// The scheduler is told of system calls since they may block: it then lends the processor to others, and for that a thread of its
// own watches. In a process that has nothing else to do each call wakes that thread, which sleeps some 20 microseconds at a time
// until it finds that all is quiet again. Sockets of package net do not block, so nothing is gained by it: at 500 requests a second
// it was half of what a request cost. `go test -bench . ./internal/sip/transport/direct` shows both ways beside each other.
package direct

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// A Conn is a TCP connection. Reads may go on beside writes, but only one of each at a time.
type Conn struct {
	*net.TCPConn
	raw syscall.RawConn
	in  operation
	out operation
}

// New wraps a connection that package net opened, which is to be read and written through the Conn from now on.
func New(tcp *net.TCPConn) (*Conn, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &Conn{TCPConn: tcp, raw: raw}
	c.in.attempt = func(fd uintptr) bool { return c.in.once(c.reader(), int(fd)) }
	c.out.attempt = func(fd uintptr) bool { return c.out.once(write, int(fd)) }
	return c, nil
}

// Raw returns what options of the socket are set by.
func (c *Conn) Raw() syscall.RawConn { return c.raw }

// Read waits until something comes, the read deadline has passed or the connection is closed, as that of net.TCPConn does.
func (c *Conn) Read(p []byte) (int, error) { return c.read(p, true) }

// ReadNow returns what is there. When nothing is, it does not wait, and its error is that of a deadline which has passed.
func (c *Conn) ReadNow(p []byte) (int, error) { return c.read(p, false) }

func (c *Conn) read(p []byte, patient bool) (int, error) {
	n, err := c.in.run(c.raw.Read, p, patient)
	switch {
	case err != nil:
		return 0, c.failed("read", err)
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write waits until all of p is taken, the write deadline has passed or the connection is closed, as that of net.TCPConn does.
func (c *Conn) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		n, err := c.out.run(c.raw.Write, p[written:], true)
		if err != nil {
			return written, c.failed("write", err)
		}
		written += n
	}
	return written, nil
}

// WriteNow writes what the kernel takes of p at once, which may be nothing.
func (c *Conn) WriteNow(p []byte) (int, error) {
	n, err := c.out.run(c.raw.Write, p, false)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, nil
	case err != nil:
		return 0, c.failed("write", err)
	}
	return n, nil
}

// failed gives an error the form of package net's, which calls these reads and writes raw.
func (c *Conn) failed(op string, err error) error {
	if inner, ok := errors.AsType[*net.OpError](err); ok {
		err = inner.Err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// wakeAfter reads in a row, the scheduler is told of one, as the thread that watches must be awake while a connection is never
// without something to read: it interrupts whoever takes too long, and others have their turn.
const wakeAfter = 16

func (c *Conn) reader() call {
	if c.in.row%wakeAfter == wakeAfter-1 {
		return syscall.Read
	}
	return read
}

type call = func(fd int, p []byte) (int, error)

// An operation is a read or a write under way. Its fields are what would be variables of a closure, which is made once so.
type operation struct {
	attempt func(fd uintptr) bool
	patient bool
	p       []byte
	n       int
	err     error
	row     int // calls since one found the socket not ready
}

func (o *operation) run(how func(func(uintptr) bool) error, p []byte, patient bool) (int, error) {
	o.p, o.n, o.err, o.patient = p, 0, nil, patient
	err := how(o.attempt)
	o.p = nil
	if err != nil {
		return 0, err
	}
	return o.n, o.err
}

// once reports whether the operation is over; else it is tried again when the socket is ready.
func (o *operation) once(f call, fd int) bool {
	n, err := f(fd, o.p)
	for err == syscall.EINTR {
		n, err = f(fd, o.p)
	}
	o.row++
	switch {
	case err == nil:
		o.n = n
	case err != syscall.EAGAIN:
		o.err = err
	case o.patient:
		o.row = 0
		return false
	default:
		o.row = 0
		o.err = os.ErrDeadlineExceeded
	}
	return true
}
