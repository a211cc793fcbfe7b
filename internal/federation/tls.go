package federation

import (
	"errors"
	"slices"
	"strings"
)

// A TLSPeerSubject is the Subject Common Name of a peer's certificate (guide p.56-57). SANs are not consulted.
type TLSPeerSubject struct {
	ID          int64  `yaml:"-"`
	Name        string `yaml:"name" validate:"subject"`
	Description string `yaml:"description" validate:"text"`
}

// Normalize lowers the name, because subjects are compared without case, and takes the Common Name out of a whole subject.
func (s *TLSPeerSubject) Normalize() {
	s.Name, s.Description = strings.ToLower(strings.TrimSpace(s.Name)), strings.TrimSpace(s.Description)
	if names, whole := commonNames(s.Name); whole && len(names) == 1 {
		s.Name = names[0]
	}
	if name, err := ParseFQDN(s.Name); err == nil {
		s.Name = name
	}
}

// Problems names what is wrong with the fields.
func (s *TLSPeerSubject) Problems() []Problem { return check(s) }

// Key is the name.
func (s *TLSPeerSubject) Key() string { return s.Name }

// checkSubject allows what a Common Name of a server may be: a name, never an URL or a wildcard.
func checkSubject(s string) error {
	names, whole := commonNames(s)
	switch {
	case whole && len(names) > 1:
		return errors.New("This subject has two Common Names or more, and whoever shows such a certificate is refused; have it reissued with one.")
	case whole:
		return errors.New("This subject has no CN=, by which peers are known; enter the Common Name of the certificate, such as pool.synergy.com.")
	case s == "":
		return errors.New("Enter the Subject Common Name of the peer's certificate, such as pool.synergy.com.")
	case strings.HasPrefix(s, "*"):
		return errors.New("A peer subject is one whole name, no wildcard; enter the Common Name that the certificate shows.")
	case strings.Contains(s, "/"):
		return errors.New("Enter the Common Name alone, such as pool.synergy.com, not an URL.")
	case strings.ContainsAny(s, "=,"):
		return errors.New("Enter the Common Name alone, such as pool.synergy.com: what stands after CN= in the certificate's subject.")
	}
	_, err := ParseFQDN(s)
	return err
}

// Names of the default TLS contexts.
const (
	PeerAuthContext   = "sip-proxy-peer-auth"
	ServerAuthContext = "sip-proxy-server-auth"
)

// A TLSContext is what a TLS listener demands and offers (guide p.58).
type TLSContext struct {
	ID           int64    `yaml:"-"`
	Name         string   `yaml:"name" validate:"required,text"`
	VerifyClient bool     `yaml:"verify_client"`
	MinVersion   string   `yaml:"min_version" validate:"oneof=1.0 1.1 1.2 1.3"`
	Ciphers      []string `yaml:"ciphers" validate:"dive,cipher"` // IANA names; empty: the default list
	PeerSubjects []string `yaml:"peer_subjects" validate:"dive,subject"`
}

// NewTLSContext is a context with every default.
func NewTLSContext() TLSContext {
	return TLSContext{MinVersion: "1.2", Ciphers: []string{}, PeerSubjects: []string{}}
}

// Default makes the context NewTLSContext.
func (c *TLSContext) Default() { *c = NewTLSContext() }

// Normalize lowers the subjects and sorts them; ciphers keep their order.
func (c *TLSContext) Normalize() {
	c.Name, c.MinVersion = strings.TrimSpace(c.Name), strings.TrimSpace(c.MinVersion)
	subjects := []string{}
	for _, s := range c.PeerSubjects {
		subject := TLSPeerSubject{Name: s}
		subject.Normalize()
		subjects = append(subjects, subject.Name)
	}
	slices.Sort(subjects)
	c.PeerSubjects = slices.Compact(subjects)
	if c.Ciphers == nil {
		c.Ciphers = []string{}
	}
}

// Problems names what is wrong with the fields. A list of elliptic-curve ciphers alone is refused, because Lync offers
// none of them (guide p.58). Where TLS 1.3 is demanded, no list has any effect.
func (c *TLSContext) Problems() []Problem {
	list := check(c)
	if c.MinVersion != "1.3" && len(c.Ciphers) > 0 && !slices.ContainsFunc(c.Ciphers, func(name string) bool { return !EllipticCurve(name) }) {
		list = append(list, problem("ciphers", "Lync offers no elliptic-curve cipher; add one whose name begins with TLS_RSA_, or leave the list empty for the default."))
	}
	return list
}

// Key is the name.
func (c *TLSContext) Key() string { return c.Name }

// Legacy reports whether TLS 1.0 or 1.1 is let in, which RFC 8996 forbids and old servers need.
func (c *TLSContext) Legacy() bool { return c.MinVersion == "1.0" || c.MinVersion == "1.1" }

// LegacyContexts are the contexts in use that let TLS 1.0 or 1.1 in.
func (c *Configuration) LegacyContexts() []TLSContext {
	return c.contextsInUse(func(context TLSContext) bool { return context.Legacy() })
}

// WeakContexts are the contexts in use whose selected ciphers are all weak.
func (c *Configuration) WeakContexts() []TLSContext {
	return c.contextsInUse(func(context TLSContext) bool { what, _ := context.WeakOnly(); return what != "" })
}

// RSAContexts are the names of the contexts of enabled listeners in which no cipher fits an ECDSA key. Towards next hops
// it is the other side's key that counts.
func (c *Configuration) RSAContexts() []string {
	var names []string
	for _, context := range c.TLSContexts {
		if context.RSAKeysOnly() && slices.ContainsFunc(c.Listeners, func(l Listener) bool { return l.Enabled && l.TLSContext == context.Name }) {
			names = append(names, context.Name)
		}
	}
	return names
}

// contextsInUse are those of enabled listeners, and the one whose rules hold towards next hops.
func (c *Configuration) contextsInUse(wanted func(TLSContext) bool) []TLSContext {
	used := map[string]bool{PeerAuthContext: true}
	for _, l := range c.Listeners {
		used[l.TLSContext] = used[l.TLSContext] || l.Enabled
	}
	return slices.DeleteFunc(slices.Clone(c.TLSContexts), func(context TLSContext) bool { return !used[context.Name] || !wanted(context) })
}
