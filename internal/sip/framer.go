package sip

import "bytes"

// Framer finds where the messages of a stream end. It looks at each byte of a header section once, however the
// stream was cut into reads. The zero value is ready; each connection has its own.
type Framer struct {
	line    int // offset of the first line not yet seen whole, from the message's start
	lengths int // Content-Length headers seen
	open    int // offset after the colon of the Content-Length line that may still be continued, 0: none
	length  int // the body's length
	total   int // the whole message's length, 0: not known yet
	head    int // the header section's length of the message before
}

// Head returns the length of the header section, its empty line included, of the message whose length Next returned last,
// for Message.ParseFramed.
func (f *Framer) Head() int { return f.head }

// Next looks at what was read and not consumed yet. skip is the number of bytes of empty lines in front, keep-alives
// included; length is the number of bytes of the message after them, 0 when more bytes are needed. The caller removes
// skip and length bytes before the next call (removing skip alone is fine too). After an error framing is lost and the
// Framer is of no further use; buf[skip:] may still be given to Message.Parse in order to answer.
func (f *Framer) Next(buf []byte) (skip, length int, err *Error) {
	for bytes.HasPrefix(buf[skip:], crlf) {
		skip += len(crlf)
	}
	msg := buf[skip:]
	if len(msg) == 0 || len(msg) == 1 && msg[0] == '\r' {
		return skip, 0, nil
	}
	if !isClass(msg[0], tokenChar) {
		return skip, 0, framingLost(400, "What was received does not begin like a SIP message.")
	}
	if f.total == 0 {
		if err := f.scan(msg); err != nil || f.total == 0 {
			return skip, 0, err
		}
	}
	if len(msg) < f.total {
		return skip, 0, nil
	}
	length = f.total
	*f = Framer{head: f.line}
	return skip, length, nil
}

// scan goes on to the empty line and then knows the whole length. That no CR stands within a line is looked at for all lines at
// once.
func (f *Framer) scan(msg []byte) *Error {
	from := f.line
	lines, err := f.walk(msg)
	if bytes.Count(msg[from:f.line], crlf[:1]) != lines {
		return errBreak
	}
	return err
}

// walk goes on line by line, and returns how many were whole.
func (f *Framer) walk(msg []byte) (lines int, err *Error) {
	for {
		i := bytes.IndexByte(msg[f.line:], '\n')
		if err := f.checkSize(msg, i); err != nil || i < 0 {
			return lines, err
		}
		line := msg[f.line : f.line+i+1]
		if i == 0 || line[i-1] != '\r' {
			return lines, errBreak
		}
		if err := f.see(msg, line); err != nil {
			return lines, err
		}
		f.line += len(line)
		lines++
		if len(line) == len(crlf) {
			return lines, f.finish()
		}
	}
}

func (f *Framer) checkSize(msg []byte, i int) *Error {
	end := len(msg)
	if i >= 0 {
		end = f.line + i + 1
	}
	if end > MaxHeaderSection {
		return errSection()
	}
	if end-f.line > MaxHeaderLine {
		return framingLost(513, "A header line is longer than 8 KiB.")
	}
	return nil
}

// see takes note of Content-Length. Its value is read when a line follows that does not continue it.
func (f *Framer) see(msg, line []byte) *Error {
	if line[0] == ' ' || line[0] == '\t' {
		return nil
	}
	if f.open > 0 {
		if err := f.close(msg[f.open:f.line]); err != nil {
			return err
		}
	}
	if first := lower(line[0]); first != 'c' && first != 'l' { // Content-Length or its compact form
		return nil
	}
	nameEnd, colon, ok := splitName(line)
	if ok && f.line > 0 && kindOf(line[:nameEnd]) == contentLength {
		f.open = f.line + colon + 1
	}
	return nil
}

func (f *Framer) close(value []byte) *Error {
	n, err := parseLength(trim(value))
	if err != nil {
		return err
	}
	if f.lengths > 0 && n != f.length {
		return errLengths()
	}
	f.lengths++
	f.length, f.open = n, 0
	return nil
}

// finish refuses a message without Content-Length, as its end on a stream cannot be known (RFC 3261 section 18.3).
func (f *Framer) finish() *Error {
	if f.lengths == 0 {
		return framingLost(400, "The Content-Length header is missing, which a stream needs.")
	}
	f.total = f.line + f.length
	return nil
}
