package certs

import (
	"crypto/tls"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Explain says of any failed handshake what a PeerError says of a certificate. inbound: the peer had connected to us.
// context is the name of the TLS context that decided, which is the one to change; "" when it has none.
func Explain(err error, inbound bool, context string) *PeerError {
	if peer := spoken(err); peer != nil {
		return peer
	}
	e := &PeerError{Reason: Reason(err)}
	switch e.Reason {
	case ReasonNone:
		e.Detail = showOne
	case ReasonNothing:
		e.Detail = nothingInCommon(err.Error(), strings.TrimSpace("the TLS context "+context))
	case ReasonRefusedOurs:
		_, alert, _ := strings.Cut(err.Error(), "remote error: tls: ")
		e.Detail = refusedOurs(alert)
	case ReasonUnreadable:
		e.Detail = unreadable(err.Error())
	default:
		e.Detail = broken(err, inbound)
	}
	return e
}

const showOne = "the peer has to show a certificate; assign it one for server and client authentication."

// nothingInCommon reads what crypto/tls prints of the other side's offer.
func nothingInCommon(text, context string) string {
	const suites = "no cipher suite supported by both client and server; client offered: "
	older := "; let it use a newer version, or allow an older one in " + context + " if it has none."
	if _, offer, ok := strings.Cut(text, "client offered only unsupported versions: "); ok {
		return "the peer offers " + named(numbers(offer), tls.VersionName) + " only" + older
	}
	if _, chosen, ok := strings.Cut(text, "server selected unsupported protocol version "); ok {
		return "the peer answers with " + named(numbers(chosen), tls.VersionName) + older
	}
	if _, offer, ok := strings.Cut(text, suites); ok {
		return noCipher(numbers(offer), context)
	}
	if strings.Contains(text, "protocol version") {
		return "the peer speaks none of the TLS versions that " + context + " allows; let it use a newer version, or allow an older one there if it has none."
	}
	return "the peer takes none of what " + context + " offers, has no certificate of its own, or wants another one of this node; compare its versions and ciphers with those of the context. A server that has only ciphers with DHE needs one with ECDHE or RSA."
}

// numbers reads what stands in brackets, without the numbers that only test whether unknown ones are ignored (RFC 8701).
func numbers(list string) (found []uint16) {
	for _, n := range strings.Fields(strings.Trim(list, "[]")) {
		id, err := strconv.ParseUint(n, 16, 16)
		if err == nil && (id&0x0f0f != 0x0a0a || id>>8 != id&0xff) {
			found = append(found, uint16(id))
		}
	}
	return found
}

// named turns numbers into names. A client may offer thousands.
func named(ids []uint16, name func(uint16) string) string {
	const most = 6
	var names []string
	for _, id := range ids[:min(len(ids), most)] {
		names = append(names, name(id))
	}
	list := strings.Join(names, ", ")
	if len(ids) > most {
		list += fmt.Sprintf(" and %d more", len(ids)-most)
	}
	if list == "" {
		return "nothing"
	}
	return list
}

// refusedOurs is the peer's side of it; what its alert means is written in RFC 8446 section 6.2.
func refusedOurs(alert string) string {
	switch alert {
	case "unknown certificate authority":
		return "the peer does not trust the CA of this node's certificate; import that CA there."
	case "expired certificate":
		return "the peer takes this node's certificate for expired; renew it, or correct the peer's clock."
	case "certificate required":
		return "the peer demands a certificate and accepts none that this node has; trust the CA of this node's certificate there."
	case "bad certificate", "unsupported certificate", "unknown certificate", "revoked certificate", "access denied":
		return fmt.Sprintf("the peer refused this node's certificate (%s); see there which name, usage and CA it expects.", alert)
	}
	return fmt.Sprintf("the peer ended the handshake (%s); its own log says why.", alert)
}

// How much of a name, and of an error with names in it, a sentence can hold, in characters.
const (
	nameLength  = 100
	errorLength = 350
)

// clip shortens a name that a stranger wrote.
func clip(s string) string { return atMost(nameLength, s) }

// clipError shortens an error about what a stranger wrote.
func clipError(s string) string { return atMost(errorLength, s) }

func atMost(n int, s string) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "..."
}
