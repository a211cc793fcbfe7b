package federation

import (
	"errors"
	"slices"
	"strings"
)

// Reverse turns a domain into a destination pattern and back: synergy.com is .com.synergy (guide p.53).
func Reverse(domain string) string {
	labels := strings.Split(domain, ".")
	slices.Reverse(labels)
	return "." + strings.Join(labels, ".")
}

// PatternDomain returns the domain that a domain-type destination pattern stands for, or "" when it stands for none.
func PatternDomain(pattern string) string {
	if !strings.HasPrefix(pattern, ".") {
		return ""
	}
	labels := strings.Split(pattern[1:], ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}

// canonicalDestination accepts what people type for a domain route: a domain, or the pattern itself. A name with a
// leading dot is a pattern, everything else a domain.
func canonicalDestination(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" || strings.HasPrefix(s, ".") {
		return s
	}
	if name, err := ParseFQDN(s); err == nil {
		return Reverse(name)
	}
	return s
}

func checkDomainPattern(pattern string) error {
	domain := PatternDomain(pattern)
	if domain == "" {
		return errors.New("Enter a domain such as synergy.com, or its pattern .com.synergy.")
	}
	if _, err := parseName(domain, maxFQDN); err != nil {
		return errors.New("A destination pattern is the domain reversed with a leading dot, such as .com.synergy; enter the domain synergy.com and Isthmus turns it round.")
	}
	return nil
}

// checkUserPattern holds the grammar of a user-type destination: digits and plus, a dot for any one character, hyphens,
// and a star at the end for any number of them.
func checkUserPattern(pattern string) error {
	if pattern == "" {
		return errors.New("Enter the digits of a user part, such as 4420. or 4420*.")
	}
	for i := 0; i < len(pattern); i++ {
		if c := pattern[i]; strings.IndexByte("0123456789+.-", c) < 0 && !(c == '*' && i == len(pattern)-1) {
			return errors.New("A user pattern holds digits, a dot for one character and a star at its end; choose the type domain to route a domain.")
		}
	}
	return nil
}
