package federation

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A RefusedHandshake is a TLS connection that came to nothing in its handshake, whichever end refused it, as one node
// remembers it. Attempts that failed alike are one, and counted.
type RefusedHandshake struct {
	Outbound bool      `json:"outbound,omitempty"` // this node opened the connection
	Peer     string    `json:"peer"`               // IP address; outbound the next hop as in its static route, or a node's address
	Port     int       `json:"port,omitempty"`     // outbound only; 0: by SRV
	Address  string    `json:"address,omitempty"`  // outbound only: IP:port of the last attempt
	Subject  string    `json:"subject,omitempty"`  // Common Name in the peer's certificate, its whole subject when that has not exactly one, "" when none was seen
	Verified bool      `json:"verified,omitempty"` // the chain is trusted, so that Subject is more than a claim
	Reason   string    `json:"reason"`             // short and stable, as in the log and in metrics
	Detail   string    `json:"detail"`             // whole sentence with the way out
	Listener string    `json:"listener,omitempty"` // inbound only: name of the listener
	Unlisted bool      `json:"unlisted,omitempty"` // inbound only: this node did not go on with it, as little is spent on addresses that are not listed
	Context  string    `json:"context,omitempty"`  // name of the TLS context that decided
	Count    int64     `json:"count"`              // attempts, at least 1
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`

	// More of the certificate that has Subject; all are zero when none was seen.
	Issuer      string    `json:"issuer,omitempty"`      // Common Name, else the whole name
	Serial      string    `json:"serial,omitempty"`      // hexadecimal octets, such as ab:01
	Fingerprint string    `json:"fingerprint,omitempty"` // SHA-256 of its DER, lower-case hexadecimal
	NotBefore   time.Time `json:"not_before,omitzero"`   // UTC
	NotAfter    time.Time `json:"not_after,omitzero"`    // UTC
}

// Bounds of the refused handshakes that a node remembers.
const (
	HandshakesKept    = 200
	HandshakesPerPeer = 8 // different ones of one address, or one next hop; one that fails by turns in two ways hides neither
)

// Bounds of what a node remembers of a stranger's certificate, in characters.
const (
	subjectLimit = 255 // no peer subject is longer
	detailLimit  = 600
)

// Tame makes what a stranger wrote fit to be stored and shown: what does not print, or turns or overlays the text around
// it, stands there by its number, and what is too long is cut. A database takes no NUL, and one that a stranger sent must
// not cost the node its whole report.
func (h *RefusedHandshake) Tame() {
	h.Subject, h.Detail = tame(h.Subject, subjectLimit), tame(h.Detail, detailLimit)
	h.Issuer, h.Serial = tame(h.Issuer, subjectLimit), tame(h.Serial, subjectLimit)
	h.Reason, h.Peer, h.Address = tame(h.Reason, subjectLimit), tame(h.Peer, subjectLimit), tame(h.Address, subjectLimit)
	h.NotBefore, h.NotAfter = TameDate(h.NotBefore), TameDate(h.NotAfter)
}

// noExpiration is what a certificate says that never ends, in RFC 5280 section 4.1.2.5.
var noExpiration = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// TameDate makes of a certificate's date one in UTC that JSON and a database hold. An offset from UTC reaches years beyond
// the four digits that there are for them. What is before the year 1 is told as no date.
func TameDate(t time.Time) time.Time {
	switch t = t.UTC(); {
	case t.Year() < 1:
		return time.Time{}
	case t.After(noExpiration):
		return noExpiration
	}
	return t
}

// Legible is a text of a certificate as pages and terminals can show it, like those of refused handshakes, and whole.
func Legible(s string) string { return tame(s, len(s)) }

func tame(s string, limit int) string {
	var b strings.Builder
	n := 0
	for i, r := range s {
		if n++; n > limit {
			return b.String() + "..."
		}
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r) && !unicode.IsMark(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
