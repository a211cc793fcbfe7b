package certs

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// Words of crypto/tls about a certificate that it could not even judge.
const (
	unparsedClient = "tls: failed to parse client certificate: "
	unparsedServer = "tls: failed to parse certificate from server: "
	unproved       = "tls: invalid signature by the "
)

// unreadable is about a certificate that could not be judged.
func unreadable(text string) string {
	for _, words := range []string{unparsedClient, unparsedServer} {
		if _, cause, ok := strings.Cut(text, words); ok {
			return fmt.Sprintf("the peer's certificate breaks the rules for certificates (%s); have it reissued.", plain(cause))
		}
	}
	return "the peer does not prove that it has the key of the certificate that it shows; give it the key that belongs to that certificate."
}

// broken is what neither side gave a reason for.
func broken(err error, inbound bool) string {
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &header) && inbound:
		return "the peer does not speak TLS; let it use TLS, or the port of a TCP listener."
	case errors.As(err, &header):
		return "the peer does not speak TLS on this port; correct the port or the transport here, or set the peer up for TLS."
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "the peer did not complete the handshake in time; see whether it is overloaded, or waits for something itself."
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the peer closed the connection in the middle of the handshake; its own log may tell why."
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the peer closed the connection without saying why; its own log may tell. A load balancer that only tries whether the port is open does so too."
	}
	if op, ok := errors.AsType[*net.OpError](err); ok { // whose addresses stand elsewhere
		err = op.Err
		if number, ok := errors.AsType[syscall.Errno](op.Err); ok {
			err = number
		}
	}
	return misspoken(err.Error())
}

// misspoken is what crypto/tls says itself of what it received.
func misspoken(text string) string {
	_, fault, ok := strings.Cut(text, "tls: ")
	if !ok {
		return fmt.Sprintf("it ended with: %s.", clipError(text))
	}
	var length, most int
	if n, _ := fmt.Sscanf(fault, "handshake message of length %d bytes exceeds maximum of %d bytes", &length, &most); n == 2 {
		return fmt.Sprintf("the peer sends a message of %d bytes in the handshake, and %d are taken at most; let it show its own certificate and the CAs above it alone.", length, most)
	}
	return fmt.Sprintf("the peer broke the rules of TLS (%s); update the software there, or see whether something on the way changes what it sends.", clipError(fault))
}
