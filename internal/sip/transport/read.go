package transport

import (
	"errors"
	"io"
	"sync"
	"time"

	"isthmus/internal/sip"
)

const (
	bufferSize = 64 << 10
	// A buffer of this size holds any message that the framer lets pass, and the next read.
	largeSize = sip.MaxMessage + 16<<10
	minRoom   = 4 << 10
)

// buffer is what a connection needs while it is busy; idle connections do without.
type buffer struct {
	bytes   []byte
	message sip.Message
}

var readBuffers = sync.Pool{New: func() any { return &buffer{bytes: make([]byte, bufferSize)} }}

var carriageReturn = []byte("\r\n")

// reader turns a connection's bytes into calls of the Handler. Messages are parsed where they were read.
type reader struct {
	c          *Conn
	buffer     *buffer
	bytes      []byte // the buffer's, or a larger one for a large message
	start, end int    // what is read and not handled
	framer     sip.Framer
	now        time.Time // of the last read
	deadline   time.Time // the read deadline in force
	partial    bool      // a message has begun at start
	began      time.Time // when it did
	blank      int       // bytes of empty lines since the last message
	empty      int       // empty lines since second
	second     time.Time
	first      [512]byte // what wakes an idle connection up
	until      time.Time // how long a stranger may take, zero before it was asked
	failed     error     // why nothing more can be read, once what was is handled
}

// run reads until the connection ends and says why.
func (r *reader) run() error {
	for {
		if err := r.fill(); err != nil {
			return r.ended(err)
		}
		if err := r.handle(); err != nil {
			return r.ended(err)
		}
	}
}

// ended: a peer that closed its direction, or whose framing is lost, still hears what it is owed. Of the latter nothing more is
// read, so that what it goes on to send waits with its own system.
func (r *reader) ended(err error) error {
	if r.c.retired.Load() && r.c.Err() != nil {
		r.rest()
		return err
	}
	_, lost := errors.AsType[*sip.Error](err)
	if !lost && !errors.Is(err, io.EOF) {
		return err
	}
	r.release()
	r.c.settle(r.c.limits.HalfClosed)
	switch {
	case lost:
		return err
	case r.partial:
		return io.ErrUnexpectedEOF
	}
	return io.EOF
}

// fill reads once. Without a buffer it waits for as long as it takes; with one, until the message under way is overdue or the
// connection is so quiet that it gives its buffer back.
func (r *reader) fill() error {
	for r.buffer == nil {
		if err := r.wake(); err != nil || r.buffer != nil {
			return err
		}
	}
	if r.failed != nil {
		return r.failed
	}
	r.makeRoom()
	if err := r.limit(); err != nil {
		return err
	}
	n, err := r.c.in.Read(r.bytes[r.end:])
	r.received(n)
	switch {
	case n > 0:
		if r.c.tls != nil {
			r.gather()
		}
		return nil
	case !timesOut(err):
		return err
	case r.c.Err() != nil:
		return r.c.Err()
	case r.c.stranger.Load() && r.deadline.Equal(r.until):
		return r.quiet(err)
	case r.partial:
		return ErrSlowWriter
	}
	r.release()
	return nil
}

// gather adds what crypto/tls took from the system with the record that it handed out. Of peers that send each message in a
// record of its own, each would be handled by itself else, and sent on with a system call and a record of its own.
func (r *reader) gather() {
	r.c.socket.mode = dry
	defer func() { r.c.socket.mode = patient }()
	for r.end < len(r.bytes) {
		n, err := r.c.in.Read(r.bytes[r.end:])
		r.end += n
		if err != nil && !timesOut(err) {
			r.failed = err
		}
		if n == 0 || err != nil {
			return
		}
	}
}

func (r *reader) wake() error {
	if err := r.expect(r.patience()); err != nil {
		return err
	}
	n, err := r.c.in.Read(r.first[:])
	if n == 0 {
		return r.quiet(err)
	}
	r.take()
	r.received(copy(r.bytes, r.first[:n]))
	return nil
}

// quiet says why nothing came, or not in time. A peer may have become known meanwhile.
func (r *reader) quiet(err error) error {
	switch stopped := r.c.Err(); {
	case stopped != nil:
		return stopped
	case !timesOut(err):
		return err
	case !r.c.layer.knows(r.c):
		return ErrStranger
	}
	r.c.layer.part(r.c)
	return nil
}

func (r *reader) received(n int) {
	r.end += n
	r.now = time.Now()
}

// limit sets the deadline: exactly for a message under way, else only when the one in force has come near, as setting
// it costs more than reading the clock.
func (r *reader) limit() error {
	if r.partial {
		return r.expect(r.within(r.began.Add(r.c.limits.Message)))
	}
	if warm := r.c.limits.Warm; r.deadline.Sub(r.now) < warm/2 {
		return r.expect(r.within(r.now.Add(warm)))
	}
	return nil
}

// expect looks for Close after it has set the deadline, as Close sets one too, and must win.
func (r *reader) expect(deadline time.Time) error {
	if deadline.IsZero() || !deadline.Equal(r.deadline) {
		_ = r.c.socket.SetReadDeadline(deadline)
		r.deadline = deadline
	}
	return r.c.Err()
}

// makeRoom moves what is left to the front. A message that does not fit gets a larger buffer only once so much of it
// was received; what it declares costs nothing.
func (r *reader) makeRoom() {
	if r.start == r.end {
		r.start, r.end = 0, 0
		r.bytes = r.buffer.bytes
		return
	}
	if len(r.bytes)-r.end >= minRoom {
		return
	}
	to := r.bytes
	if r.end-r.start > len(to)-minRoom {
		to = make([]byte, largeSize)
	}
	r.end = copy(to, r.bytes[r.start:r.end])
	r.bytes, r.start = to, 0
}

const restReads = 16 // of a buffer's size each

// rest answers what came of a peer that may send no more before its connection was closed: it cannot know that nobody has it.
// Nothing more is waited for.
func (r *reader) rest() {
	_ = r.c.socket.SetReadDeadline(time.Time{})
	r.c.socket.mode = eager
	for range restReads {
		if r.handle() != nil {
			return
		}
		if r.buffer == nil {
			r.take()
		}
		r.makeRoom()
		n, _ := r.c.in.Read(r.bytes[r.end:])
		if r.received(n); n == 0 {
			return
		}
	}
}

func (r *reader) take() {
	r.buffer = readBuffers.Get().(*buffer)
	r.bytes, r.start, r.end = r.buffer.bytes, 0, 0
}

func (r *reader) release() {
	if r.buffer != nil {
		readBuffers.Put(r.buffer)
		r.buffer, r.bytes = nil, nil
		r.start, r.end = 0, 0
	}
}

// handle hands over every whole message there is, in order. What is sent meanwhile is flushed once at the end.
func (r *reader) handle() error {
	r.c.batch.begin()
	defer r.c.batch.end()
	for r.start < r.end {
		skip, length, lost := r.framer.Next(r.bytes[r.start:r.end])
		r.start += skip
		if err := r.keepAlive(skip); err != nil {
			return err
		}
		if lost != nil {
			return r.lost(lost)
		}
		if length == 0 {
			break
		}
		whole := r.bytes[r.start : r.start+length]
		r.start += length
		r.partial, r.blank = false, 0
		if err := r.deliver(whole); err != nil {
			return err
		}
	}
	if begun := r.start < r.end; !begun || !r.partial {
		r.partial, r.began = begun, r.now
	}
	return nil
}

// deliver returns an error when nothing more is to be read.
func (r *reader) deliver(b []byte) error {
	if r.c.retired.Load() {
		r.late(b)
		return nil
	}
	r.c.spoke = true
	m := &r.buffer.message
	refused, ok := m.ParseFramed(b, r.framer.Head()).(*sip.Error)
	if !ok {
		r.c.owe(m)
		r.c.layer.config.Handler.Receive(r.c, m)
		if m.IsRequest() {
			r.c.layer.part(r.c) // turned away it would be closed
		}
		return r.c.Err()
	}
	if refused.Close {
		return r.refuse(m, refused)
	}
	r.malformed(m, refused)
	return r.c.Err()
}

// late is for what comes of a peer that may send no more, until its connection is closed.
func (r *reader) late(b []byte) {
	if m := &r.buffer.message; m.ParseFramed(b, r.framer.Head()) == nil && m.IsRequest() {
		r.c.owe(m)
		r.c.layer.config.Handler.Late(r.c, m)
	}
}

// lost reports what begins where framing ended, as far as it can be read.
func (r *reader) lost(err *sip.Error) error {
	if r.speaksTLS() {
		err = SpeaksTLS
	}
	m := &r.buffer.message
	_ = m.Parse(r.bytes[r.start:r.end]) // the framer's reason is the one that counts
	return r.refuse(m, err)
}

func (r *reader) refuse(m *sip.Message, err *sip.Error) error {
	r.malformed(m, err)
	return err
}

// malformed counts the answer as owed, which else would pass for that to another request.
func (r *reader) malformed(m *sip.Message, err *sip.Error) {
	if m.Answerable() {
		r.c.owe(m)
	}
	r.c.layer.config.Handler.Malformed(r.c, m, err)
}

// keepAlive answers each empty double line by one line (RFC 5626 section 4.4.1) and ends a flood of them.
func (r *reader) keepAlive(n int) error {
	if n == 0 {
		return nil
	}
	if r.now.Sub(r.second) >= time.Second {
		r.second, r.empty = r.now, 0
	}
	if r.empty += n / len(carriageReturn); r.empty > r.c.limits.EmptyLines {
		return ErrFlood
	}
	for r.blank += n; r.blank >= 2*len(carriageReturn); r.blank -= 2 * len(carriageReturn) {
		if err := r.c.Send(carriageReturn); err != nil {
			return err
		}
	}
	return nil
}
