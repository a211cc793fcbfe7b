package federation

import (
	"fmt"
	"strings"
)

// A Listener is a port on which every node with the service sip_proxy accepts SIP (guide p.55-56, Application
// Listeners).
type Listener struct {
	ID         int64  `yaml:"-"`
	Name       string `yaml:"name" validate:"required,text"`
	Transport  string `yaml:"transport" validate:"oneof=tcp udp tls"`
	Port       int    `yaml:"port" validate:"min=1,max=65535"`
	TLSContext string `yaml:"tls_context" validate:"text"` // with tls only
	Enabled    bool   `yaml:"enabled"`
}

// NewListener is a listener with every default.
func NewListener() Listener { return Listener{Transport: TCP, Port: 5060, Enabled: true} }

// Default makes the listener NewListener.
func (l *Listener) Default() { *l = NewListener() }

// Normalize trims the fields.
func (l *Listener) Normalize() {
	l.Name, l.TLSContext = strings.TrimSpace(l.Name), strings.TrimSpace(l.TLSContext)
	l.Transport = strings.ToLower(strings.TrimSpace(l.Transport))
}

// Problems names what is wrong with the fields.
func (l *Listener) Problems() []Problem {
	list := check(l)
	switch {
	case l.Transport == TLS && l.TLSContext == "":
		list = append(list, problem("tls_context", "A TLS listener needs a TLS context; choose one, such as %s.", PeerAuthContext))
	case l.Transport != TLS && l.TLSContext != "":
		list = append(list, problem("tls_context", "Only a TLS listener has a TLS context; choose the transport tls, or no context."))
	}
	return list
}

// Key is the name.
func (l *Listener) Key() string { return l.Name }

// String is "tls port 5061".
func (l Listener) String() string { return fmt.Sprintf("%s port %d", l.Transport, l.Port) }
