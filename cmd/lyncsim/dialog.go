package main

import (
	"strings"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// dialog is what a station remembers of a conversation or a subscription.
type dialog struct {
	*siptest.Dialog
	user string // the station's own, user@domain
	key  string
	link *link // the connection it began on
}

// offered is the dialog that a request to one of our users makes once it is answered.
func offered(l *link, m *sip.Message) *dialog {
	return &dialog{siptest.Callee(m), addressOf(m.To().URI), string(m.CallID()) + " " + siptest.ToTag(m), l}
}

// addressOf is user@domain of a URI, in lower case.
func addressOf(uri []byte) string {
	u, err := sip.ParseURI(uri)
	if err != nil {
		return strings.ToLower(string(uri))
	}
	return u.Address()
}

// addressOfValue is user@domain of a From or To value.
func addressOfValue(value string) string {
	n, err := sip.ParseNameAddr([]byte(value))
	if err != nil {
		return value
	}
	return addressOf(n.URI)
}

// remember keeps a dialog for the requests that come in it.
func (s *station) remember(d *dialog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialogs[d.key] = d
}

// known is the dialog that a request in one names, nil when there is none.
func (s *station) known(m *sip.Message) *dialog {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialogs[keyOf(m)]
}

func keyOf(m *sip.Message) string { return string(m.CallID()) + " " + string(m.To().Tag()) }

func (s *station) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dialogs, key)
}

// next is a dialog's next request, whoever asks for it.
func (s *station) next(d *dialog, method string, lines ...string) siptest.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return d.Request(method, lines...)
}

// linkOf is the connection a dialog began on, or the one to the node when that has ended.
func (s *station) linkOf(d *dialog) *link {
	if trunk := s.currentTrunk(); d.link.ended() && trunk != nil {
		return trunk
	}
	return d.link
}
