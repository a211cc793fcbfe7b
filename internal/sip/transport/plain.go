package transport

import "isthmus/internal/sip"

// ErrSpeaksTLS is that a peer began a TLS handshake on a TCP listener.
var ErrSpeaksTLS error = speaksTLS{}

type speaksTLS struct{}

func (s speaksTLS) Error() string {
	reason, detail := s.Refusal()
	return reason + ": " + detail
}

// Refusal tells its parts to who does not know this package.
func (speaksTLS) Refusal() (reason, detail string) {
	return "TLS on a TCP listener", "the peer speaks TLS on a TCP listener; let it use the port of a TLS listener, or TCP."
}

// SpeaksTLS is what Handler.Malformed is told of that.
var SpeaksTLS = &sip.Error{Status: 400, Reason: "The peer speaks TLS on a TCP listener; let it use the port of a TLS listener, or TCP.", Close: true}

// speaksTLS reports whether what a peer said first is the record that TLS begins with (RFC 8446 section 5.1): a handshake's,
// of a version that is called 3.x.
func (r *reader) speaksTLS() bool {
	const handshakeRecord, majorVersion = 22, 3
	b := r.bytes[r.start:r.end]
	return r.c.tls == nil && !r.c.peer.Opened && !r.c.spoke && len(b) > 1 && b[0] == handshakeRecord && b[1] == majorVersion
}
