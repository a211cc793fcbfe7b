package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Why a connection could not be opened, for errors.Is on what Dial returns.
var (
	ErrRefused     = errors.New("connection refused")
	ErrTimeout     = errors.New("connect timed out")
	ErrUnreachable = errors.New("unreachable")
	ErrHandshake   = errors.New("TLS handshake failed")
)

// Why a connection was closed by this node, besides what callers of Conn.Close say.
var (
	ErrClosed     = errors.New("the connection was closed by this node")
	ErrSlowReader = errors.New("the peer does not read what it is sent; the connection was closed")
	ErrSlowWriter = errors.New("the peer did not complete a message in time; the connection was closed")
	ErrStranger   = errors.New("the peer is not known and sent no request in time; the connection was closed")
	ErrFlood      = errors.New("the peer sent too many empty lines; the connection was closed")
	ErrPanic      = errors.New("a fault in handling a message; the connection was closed")
)

// ErrHandshakeCut is what became of a handshake that ended with ErrStranger.
var ErrHandshakeCut = &HandshakeRefusal{"TLS handshake of an unlisted peer cut off",
	"the peer did not complete its handshake before other peers needed the room; list its address in the incoming ACL if it is a server of yours, and see there why it takes so long."}

// ErrTooLong is what sending a message over UDP ends with that no datagram holds. The socket goes on.
var ErrTooLong = errors.New("the message is too long for UDP")

// DialError says which step of opening a connection failed.
type DialError struct {
	Target Target
	Kind   error // ErrRefused, ErrTimeout, ErrUnreachable or ErrHandshake
	Cause  error
	Shown  []*x509.Certificate // what the peer showed before its handshake failed, its own first
}

// Error returns a clause for logs and Warning headers: "10.0.0.1:5061: TLS handshake failed: ...".
func (e *DialError) Error() string {
	if e.Kind == ErrRefused || e.Kind == ErrTimeout {
		return fmt.Sprintf("%v: %v", e.Target.Addr, e.Kind)
	}
	return fmt.Sprintf("%v: %v: %v", e.Target.Addr, e.Kind, e.Cause)
}

// Unwrap returns the kind and the cause.
func (e *DialError) Unwrap() []error { return []error{e.Kind, e.Cause} }

// kindOf sorts an error of connecting.
func kindOf(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return ErrRefused
	case timesOut(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return ErrTimeout
	}
	return ErrUnreachable
}

// timesOut reports the end of a limit of ours. The kernel's own end of a connection whose path has ended, ETIMEDOUT, is
// none: there is nothing more to read then.
func timesOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// commonName is the Subject of a peer whose chain crypto/tls itself has verified.
func commonName(state tls.ConnectionState) string {
	if len(state.VerifiedChains) == 0 {
		return ""
	}
	return state.VerifiedChains[0][0].Subject.CommonName
}
