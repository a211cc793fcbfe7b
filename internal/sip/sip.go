// Package sip owns SIP messages as bytes: reading them in place, indexing what a proxy needs, and writing the
// forwarded request, the answer or the upstream response by splicing spans of the original.
//
// A Message is its bytes plus a fixed index of offsets, so that a message passes through without being copied into
// objects: what a proxy must keep goes on byte for byte. The reader is strict (RFC 3261 section 25, verdicts of
// RFC 4475), because two readers that understand one message differently are how headers are smuggled.
//
// The package knows no sockets, no goroutines, no clock and no configuration.
package sip

// Limits of what is read. A message beyond them is refused before anything is allocated for it.
const (
	MaxHeaders       = 100       // header lines, folded lines counted once
	MaxHeaderLine    = 8 << 10   // bytes of one header line, folds included
	MaxHeaderSection = 32 << 10  // bytes from the start line to the empty line
	MaxBody          = 64 << 10  // bytes after the empty line
	MaxVias          = 70        // Via values, one for each hop of Max-Forwards
	MaxRoutes        = 20        // Route values, and Record-Route values likewise
	MaxURI           = 1024      // bytes of a Request-URI
	MaxParams        = 32        // parameters of one header value or URI
	MaxCSeq          = 1<<31 - 1 // RFC 3261 section 8.1.1.5
)

// What an answer may have beyond a request that was let through: the values that this node put on top of it.
const (
	ownVias   = 1
	ownRoutes = 2 // where the transport changes
)

// MaxMessage is the largest whole message, and so the size of a read buffer that holds any.
const MaxMessage = MaxHeaderSection + MaxBody

// Transport is a transport protocol between two hops.
type Transport uint8

// The transports this implementation speaks.
const (
	UDP Transport = iota
	TCP
	TLS
)

// String returns the transport as a Via header names it: "UDP", "TCP" or "TLS".
func (t Transport) String() string {
	switch t {
	case TCP:
		return "TCP"
	case TLS:
		return "TLS"
	}
	return "UDP"
}

// Param returns the transport as the transport parameter of a URI names it: "udp", "tcp" or "tls".
func (t Transport) Param() string {
	switch t {
	case TCP:
		return "tcp"
	case TLS:
		return "tls"
	}
	return "udp"
}

// DefaultPort is the port meant where none is written: 5061 for TLS, else 5060 (RFC 3261 section 18.2.2).
func (t Transport) DefaultPort() int {
	if t == TLS {
		return 5061
	}
	return 5060
}

// Reliable reports whether the transport is a stream, which needs no retransmission.
func (t Transport) Reliable() bool { return t != UDP }

// ParseTransport reads "udp", "tcp" or "tls" in any case; ok is false for anything else.
func ParseTransport(name string) (t Transport, ok bool) {
	for _, t := range [...]Transport{UDP, TCP, TLS} {
		if equalFold([]byte(name), t.Param()) {
			return t, true
		}
	}
	return UDP, false
}
