package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Reasons why a peer's certificate is refused: short and stable, for logs, counters and status rows.
const (
	ReasonNotListed   = "TLS peer subject not listed"
	ReasonSubject     = "TLS peer certificate has no usable Common Name"
	ReasonUnknownCA   = "TLS peer certificate is from an unknown CA"
	ReasonSignature   = "TLS peer certificate is not signed by the CA it names"
	ReasonIssuer      = "TLS peer certificate is from an issuer that may not issue it"
	ReasonChain       = "TLS peer certificate cannot be verified"
	ReasonExpired     = "TLS peer certificate expired"
	ReasonNotYetValid = "TLS peer certificate is not yet valid"
	ReasonUsage       = "TLS peer certificate lacks a key usage"
	ReasonNone        = "TLS peer showed no certificate"
	ReasonRefusedOurs = "TLS peer refused our certificate or offer"
	ReasonNothing     = "no TLS version or cipher in common"
	ReasonForbidden   = "TLS version or cipher not allowed any more" // on an open connection
	ReasonUnreadable  = "TLS peer certificate cannot be used"
	ReasonSlow        = "TLS handshake not completed in time"
	ReasonTLSOnTCP    = "TLS on a TCP listener"
	ReasonHandshake   = "TLS handshake failed"
)

// A PeerError says why a peer's certificate was refused. Subject is its Common Name as shown, its whole subject when it has
// not exactly one, and only a claim unless the reason is ReasonNotListed; Detail has what the certificate says quoted and cut short.
type PeerError struct {
	Reason  string
	Subject string
	Detail  string            // whole sentence with the way out
	Leaf    *x509.Certificate // that was refused; nil when it is not a certificate that was
}

// Error leaves out the reason that says no more than what such an error is about.
func (e *PeerError) Error() string {
	if e.Reason == ReasonHandshake || e.Reason == ReasonSlow {
		return e.Detail
	}
	return e.Reason + ": " + e.Detail
}

// spoken is an error that has its reason in it: a PeerError, or this node's refusal of a handshake.
func spoken(err error) *PeerError {
	if peer, ok := errors.AsType[*PeerError](err); ok {
		return peer
	}
	refusal, ok := errors.AsType[interface {
		error
		Refusal() (reason, detail string)
	}](err)
	if !ok {
		return nil
	}
	reason, detail := refusal.Refusal()
	return &PeerError{Reason: reason, Detail: detail}
}

// Reason names the cause of a failed handshake. It never returns "".
func Reason(err error) string {
	if peer := spoken(err); peer != nil {
		return peer.Reason
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return ReasonSlow
	}
	// crypto/tls has no typed errors for these; a test holds its words.
	text := fmt.Sprint(err)
	for _, known := range []struct{ words, reason string }{
		{"didn't provide a certificate", ReasonNone},
		{"remote error: tls: unrecognized name", ReasonNone}, // no name is asked for, so it has a certificate for none
		{"remote error: tls: protocol version", ReasonNothing},
		{"remote error: tls: handshake failure", ReasonNothing},
		{"unsupported versions", ReasonNothing},
		{"no cipher suite supported", ReasonNothing},
		{"unsupported protocol version", ReasonNothing},
		{unparsedClient, ReasonUnreadable},
		{unparsedServer, ReasonUnreadable},
		{unproved, ReasonUnreadable},
		{"remote error: tls:", ReasonRefusedOurs},
	} {
		if strings.Contains(text, known.words) {
			return known.reason
		}
	}
	return ReasonHandshake
}

// clockSkew is how far clocks may be apart, as by a time zone, for that to be worth a look.
const clockSkew = time.Hour

func dateRefusal(c *x509.Certificate, now time.Time) (reason, detail string) {
	which := fmt.Sprintf("the certificate of %q (serial number %s)", clip(title(c)), clip(octets(c.SerialNumber.Bytes())))
	if now.Before(c.NotBefore) {
		way := "; show one that is valid already."
		if c.NotBefore.Sub(now) < clockSkew {
			way = ", in less than an hour; check the clocks of both machines."
		}
		return ReasonNotYetValid, fmt.Sprintf("%s is valid from %s on only%s", which, c.NotBefore.UTC().Format("2006-01-02 at 15:04 UTC"), way)
	}
	way := "; renew it."
	if now.Sub(c.NotAfter) < clockSkew {
		way = ", less than an hour ago; renew it, or check the clocks of both machines."
	}
	return ReasonExpired, fmt.Sprintf("%s expired on %s%s", which, c.NotAfter.UTC().Format("2006-01-02 at 15:04 UTC"), way)
}

// hint passes on why a certificate of the issuer's name, trusted or shown by the peer, does not vouch for this one: it may
// be signed with SHA-1, or be none of a CA.
func hint(err error) string {
	if _, rest, ok := strings.Cut(err.Error(), "possibly because of "); ok {
		return " A certificate of that name was tried, but " + plain(strings.TrimSuffix(rest, ")")) + "."
	}
	return ""
}
