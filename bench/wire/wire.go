// Package wire is what the generator and the bare relay have in common: framing of SIP messages by Content-Length, reading in
// batches, and writing once per batch. It is what Isthmus' transport does in its barest form, and knows nothing of it.
package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
)

const bufferSize = 64 << 10

// ErrTooLong is a message that does not fit into the read buffer.
var ErrTooLong = errors.New("a message is longer than the read buffer")

var (
	headEnd       = []byte("\r\n\r\n")
	contentLength = []byte("\r\nContent-Length: ")
)

// Next returns the length of the message that b begins with, 0 while it is not complete. Both ends of the benchmark write
// Content-Length in this one spelling, and a proxy leaves it alone or writes it so.
func Next(b []byte) int {
	end := bytes.Index(b, headEnd)
	if end < 0 {
		return 0
	}
	length := end + len(headEnd)
	if at := bytes.Index(b[:end], contentLength); at >= 0 {
		value := b[at+len(contentLength) : end]
		value, _, _ = bytes.Cut(value, []byte("\r"))
		n, _ := strconv.Atoi(string(value))
		length += n
	}
	if length > len(b) {
		return 0
	}
	return length
}

// Read hands over every message of a connection where it was read, and calls batch after those of one read. It returns
// io.EOF when the peer closed.
func Read(c io.Reader, message func([]byte), batch func()) error {
	buffer := make([]byte, bufferSize)
	start, end := 0, 0
	for {
		if start == end {
			start, end = 0, 0
		} else if end == len(buffer) {
			end = copy(buffer, buffer[start:end])
			start = 0
		}
		if end == len(buffer) {
			return ErrTooLong
		}
		n, err := c.Read(buffer[end:])
		end += n
		for length := Next(buffer[start:end]); length > 0; length = Next(buffer[start:end]) {
			message(buffer[start : start+length])
			start += length
		}
		batch()
		if err != nil {
			return err
		}
	}
}

// Writer collects what is to be written to a connection. Its methods may be called from any goroutine.
type Writer struct {
	conn    net.Conn
	mu      sync.Mutex
	pending []byte
	spare   []byte
	writing bool
	err     error
}

// NewWriter returns a writer to a connection.
func NewWriter(c net.Conn) *Writer { return &Writer{conn: c} }

// Append copies a message behind those that wait.
func (w *Writer) Append(b []byte) {
	w.mu.Lock()
	w.pending = append(w.pending, b...)
	w.mu.Unlock()
}

// AppendBy has f append to what waits.
func (w *Writer) AppendBy(f func(dst []byte) []byte) {
	w.mu.Lock()
	w.pending = f(w.pending)
	w.mu.Unlock()
}

// Flush writes what waits, at once. Where another goroutine is writing, that one takes it along.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.writing {
		return nil
	}
	w.writing = true
	for len(w.pending) > 0 && w.err == nil {
		b := w.pending
		w.pending = w.spare[:0]
		w.mu.Unlock()
		_, err := w.conn.Write(b)
		w.mu.Lock()
		w.spare, w.err = b, err
	}
	w.writing = false
	return w.err
}
