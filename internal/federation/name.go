package federation

import (
	"errors"
	"net/netip"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

const (
	maxDomain = 128 // octets of a presence domain (guide p.47)
	maxFQDN   = 253 // octets of a DNS name (RFC 1035 2.3.4)
	maxLabel  = 63
)

// ParseFQDN returns the canonical form of a fully qualified domain name: lower case, A-labels, no trailing dot, two
// labels or more. The error is a whole sentence.
func ParseFQDN(s string) (string, error) {
	return parseName(strings.TrimSuffix(strings.TrimSpace(s), "."), maxFQDN)
}

// ParseDomain returns the canonical form of a presence domain. It is stricter than ParseFQDN: at most 128 octets and no
// trailing dot (guide p.47).
func ParseDomain(s string) (string, error) {
	return parseName(strings.TrimSpace(s), maxDomain)
}

func parseName(s string, limit int) (string, error) {
	if s == "" {
		return "", errors.New("Enter a fully qualified name such as imp1.synergy.com.")
	}
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return "", errors.New("This is an IP address; enter a name such as imp1.synergy.com.")
	}
	ascii := strings.ToLower(s)
	if !isASCII(s) {
		var err error
		if ascii, err = idna.Lookup.ToASCII(s); err != nil || strings.ContainsFunc(s, notInNames) {
			return "", errors.New("This name holds characters that no domain name may hold; enter a name such as imp1.synergy.com.")
		}
	}
	if len(ascii) > limit {
		return "", errors.New("This name is too long; a presence domain has at most 128 characters, a host name 253.")
	}
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		if err := checkLabel(label); err != nil {
			return "", err
		}
	}
	if len(labels) < 2 {
		return "", errors.New("This is a single label; enter the fully qualified name, such as imp1.synergy.com.")
	}
	if digitsOnly(labels[len(labels)-1]) {
		return "", errors.New("The last label of a domain name is never a number; enter a name such as imp1.synergy.com.")
	}
	return ascii, nil
}

func checkLabel(label string) error {
	switch {
	case label == "":
		return errors.New("A dot stands at the start, at the end or twice in a row; enter a name such as imp1.synergy.com.")
	case len(label) > maxLabel:
		return errors.New("A label between two dots has at most 63 characters; shorten it.")
	case label[0] == '-' || label[len(label)-1] == '-':
		return errors.New("A label neither starts nor ends with a hyphen; enter a name such as imp1.synergy.com.")
	}
	for _, c := range []byte(label) {
		if !isNameByte(c) {
			return errors.New("Use letters, digits, hyphens and dots only, such as imp1.synergy.com.")
		}
	}
	return nil
}

// notInNames holds what IDNA lets through but no administrator means: typographic quotes and other symbols.
func notInNames(r rune) bool {
	return r != '.' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func digitsOnly(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// ParseAddress returns the canonical form of an IPv4 or IPv6 address. IPv4-mapped IPv6 becomes IPv4; a zone is refused,
// because it means something on one machine only.
func ParseAddress(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(strings.TrimSpace(s))
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, errors.New("Enter an IP address such as 10.1.20.21.")
	}
	return a.Unmap(), nil
}

// IsOneHost reports whether an address, as ParseAddress returns it, can be that of one machine: not unspecified, multicast
// or broadcast.
func IsOneHost(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// IsAddress reports whether s is an IP address and not a name.
func IsAddress(s string) bool {
	_, err := ParseAddress(s)
	return err == nil
}

// canonicalHost lowers a name and prints an address in its canonical form; what is neither stays as typed, for the
// field's rule to name.
func canonicalHost(s string) string {
	s = strings.TrimSpace(s)
	if a, err := ParseAddress(s); err == nil {
		return a.String()
	}
	if name, err := ParseFQDN(s); err == nil {
		return name
	}
	return s
}
