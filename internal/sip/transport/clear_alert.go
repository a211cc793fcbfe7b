package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
)

// A client of TLS 1.3 that refuses our certificate may say so before it has keys of its own, as OpenSSL does: its alert
// comes in clear where crypto/tls expects a sealed one, and tells of a broken record instead (RFC 8446 section 6).

// Records as RFC 8446 section 5.1 has them: type, version, length, content.
const (
	recordHeader = 5
	alertRecord  = 21
	alertLength  = 2 // level and description; no sealed alert is so short
)

// clearAlert follows the records that are read, and remembers an alert in clear that was the last of them.
type clearAlert struct {
	head [recordHeader + alertLength]byte
	have int // bytes of the record under way, of which head has the first
	told bool
}

func (a *clearAlert) follow(b []byte) {
	for len(b) > 0 {
		n := min(len(b), a.left())
		if a.have < len(a.head) {
			copy(a.head[a.have:], b[:n])
		}
		a.have, b, a.told = a.have+n, b[n:], false
		if a.left() == 0 {
			a.have, a.told = 0, a.head[0] == alertRecord && a.length() == alertLength
		}
	}
}

// left are the bytes to the end of the header, or of the record.
func (a *clearAlert) left() int {
	if a.have < recordHeader {
		return recordHeader - a.have
	}
	return recordHeader + a.length() - a.have
}

func (a *clearAlert) length() int { return int(a.head[3])<<8 | int(a.head[4]) }

// meant is the error of a handshake, as crypto/tls words it of a sealed alert.
func (a *clearAlert) meant(err error) error {
	const closeNotify = 0
	description := a.head[recordHeader+1]
	switch op, ok := errors.AsType[*net.OpError](err); {
	case !a.told || !ok || op.Op != "local error":
		return err
	case description == closeNotify:
		return io.EOF
	}
	return &net.OpError{Op: "remote error", Err: tls.AlertError(description)}
}
