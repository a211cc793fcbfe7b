package federation

import (
	"fmt"
	"strconv"
	"strings"
)

// Routing modes (guide p.12-13).
const (
	RoutingBasic    = "basic"    // recipient not licensed here: to the Microsoft side
	RoutingAdvanced = "advanced" // as basic, and only when a user row holds the address as a Microsoft address
)

// IM address schemes (guide p.20-21).
const (
	SchemeUserID       = "user_id"       // <id>@<default domain>
	SchemeDirectoryURI = "directory_uri" // mail or Microsoft address
	SourceMail         = "mail"
	SourceMicrosoft    = "microsoft_address"
)

// Limit is a number per user; 0 means unlimited. Its text form is the number or "unlimited".
type Limit int

// Unlimited is the absence of a limit.
const Unlimited Limit = 0

// MarshalText writes the number or "unlimited".
func (l Limit) MarshalText() ([]byte, error) {
	if l == Unlimited {
		return []byte("unlimited"), nil
	}
	return strconv.AppendInt(nil, int64(l), 10), nil
}

// UnmarshalText reads a number from 1 to 1,000,000, or "unlimited".
func (l *Limit) UnmarshalText(b []byte) error {
	s := strings.ToLower(strings.TrimSpace(string(b)))
	if s == "unlimited" {
		*l = Unlimited
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1_000_000 {
		return fmt.Errorf("Enter a number from 1 to 1000000, or unlimited.")
	}
	*l = Limit(n)
	return nil
}

// MarshalYAML writes a number as a number.
func (l Limit) MarshalYAML() (any, error) {
	if l == Unlimited {
		return "unlimited", nil
	}
	return int(l), nil
}

func (l Limit) String() string {
	b, _ := l.MarshalText()
	return string(b)
}

// Settings are the values of which there is one for all nodes (guide p.51, 100, 118).
type Settings struct {
	PartitionedFederation  bool   `yaml:"partitioned_federation"`
	RoutingMode            string `yaml:"routing_mode" validate:"oneof=basic advanced"`
	EmailFederation        bool   `yaml:"email_federation"`
	RequirePeerCertificate bool   `yaml:"require_peer_certificate"` // from outside only over listeners with verify_client
	NodeTransport          string `yaml:"node_transport" validate:"oneof=tcp tls"`
	IMAddressScheme        string `yaml:"im_address_scheme" validate:"oneof=user_id directory_uri"`
	DirectoryURISource     string `yaml:"directory_uri_source" validate:"oneof=mail microsoft_address"`
	DefaultDomain          string `yaml:"default_domain" validate:"omitempty,domain"`
	MaxContacts            Limit  `yaml:"max_contacts" validate:"min=0"`
	MaxWatchers            Limit  `yaml:"max_watchers" validate:"min=0"`
	AutoAuthorize          bool   `yaml:"auto_authorize"`
}

// DefaultSettings are those of a new database.
func DefaultSettings() Settings {
	return Settings{RoutingMode: RoutingBasic, NodeTransport: TCP, IMAddressScheme: SchemeUserID, DirectoryURISource: SourceMail,
		MaxContacts: 200, MaxWatchers: 200, AutoAuthorize: true}
}

// Default makes the settings DefaultSettings.
func (s *Settings) Default() { *s = DefaultSettings() }

// Normalize brings the fields into canonical form.
func (s *Settings) Normalize() {
	for _, f := range []*string{&s.RoutingMode, &s.NodeTransport, &s.IMAddressScheme, &s.DirectoryURISource, &s.DefaultDomain} {
		*f = strings.ToLower(strings.TrimSpace(*f))
	}
	if d, err := ParseDomain(s.DefaultDomain); err == nil {
		s.DefaultDomain = d
	}
}

// Problems names what is wrong with the fields. Partitioned federation and e-mail addresses for federation exclude each
// other (guide p.51).
func (s *Settings) Problems() []Problem {
	list := check(s)
	if s.PartitionedFederation && s.EmailFederation {
		list = append(list, problem("email_federation",
			"Partitioned intradomain federation and e-mail addresses for interdomain federation exclude each other; turn one of them off."))
	}
	return list
}

// IMAddressOf is the address that the scheme gives a user, ignoring an address written by hand; "" when its source
// is empty or makes none.
func (s Settings) IMAddressOf(u User) string {
	switch {
	case s.IMAddressScheme == SchemeUserID && (s.DefaultDomain == "" || strings.Contains(u.UserID, "@")):
		return "" // a user part holds no @ (RFC 3261 section 25.1), so such an id makes no address
	case s.IMAddressScheme == SchemeUserID:
		return strings.ToLower(u.UserID) + "@" + s.DefaultDomain
	case s.DirectoryURISource == SourceMicrosoft:
		return u.MicrosoftAddress
	}
	return u.Mail
}
