package federation

import (
	"errors"
	"net/netip"
	"strings"
)

// An ACLEntry lets a peer send requests to this side (guide p.54-55, Incoming ACL).
type ACLEntry struct {
	ID          int64  `yaml:"-"`
	Pattern     string `yaml:"pattern" validate:"pattern"` // all, an IP address, a CIDR, an FQDN or a domain
	Description string `yaml:"description" validate:"text"`
}

// ACLAll is the pattern that lets everybody in.
const ACLAll = "all"

// ParseACLPattern returns the canonical form of an address pattern: all, an IP address, a CIDR with its host bits
// cleared, or a name. "Allow from" before it, as the guide prints it, is dropped (guide p.54).
func ParseACLPattern(s string) (string, error) {
	s = strings.TrimSpace(s)
	if len(s) > 11 && strings.EqualFold(s[:11], "allow from ") {
		s = strings.TrimSpace(s[11:])
	}
	if strings.EqualFold(s, ACLAll) {
		return ACLAll, nil
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		if p.Addr().Is4In6() && p.Bits() < 96 {
			return "", errors.New("Enter the range as IPv4, such as 10.1.20.0/24.")
		}
		return canonicalPrefix(p), nil
	}
	if a, err := ParseAddress(s); err == nil {
		return a.String(), nil
	}
	if rest, ok := strings.CutPrefix(s, "*."); ok {
		return "", errors.New("Enter the domain without a star: " + rest + " admits every host under it.")
	}
	name, err := ParseFQDN(s)
	if err != nil {
		return "", errors.New("Enter an IP address, a domain such as foo.com, or All.")
	}
	return name, nil
}

// canonicalPrefix clears the host bits and unmaps IPv4 in IPv6; a prefix of one address is that address.
func canonicalPrefix(p netip.Prefix) string {
	bits := p.Bits()
	if p.Addr().Is4In6() {
		bits -= 96
	}
	p = netip.PrefixFrom(p.Addr().Unmap(), bits).Masked()
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// Normalize brings the pattern into canonical form; a pattern that is none stays as typed.
func (e *ACLEntry) Normalize() {
	e.Pattern, e.Description = strings.TrimSpace(e.Pattern), strings.TrimSpace(e.Description)
	if p, err := ParseACLPattern(e.Pattern); err == nil {
		e.Pattern = p
	}
}

// Problems names what is wrong with the fields.
func (e *ACLEntry) Problems() []Problem { return check(e) }

// Key is the pattern.
func (e *ACLEntry) Key() string { return e.Pattern }

// IsName reports whether the pattern is an FQDN or a domain, which admits by name and not by address.
func (e *ACLEntry) IsName() bool {
	if e.Pattern == ACLAll || IsAddress(e.Pattern) {
		return false
	}
	_, err := netip.ParsePrefix(e.Pattern)
	return err != nil
}

// AdmitsEverybody reports whether the pattern leaves nobody out: all, or every address of IPv4 or of IPv6.
func (e *ACLEntry) AdmitsEverybody() bool {
	p, err := netip.ParsePrefix(e.Pattern)
	return e.Pattern == ACLAll || err == nil && p.Bits() == 0
}
