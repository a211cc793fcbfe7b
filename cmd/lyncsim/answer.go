package main

import (
	"context"
	"slices"
	"strings"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// handlers answer the methods that more than a plain 200 belongs to.
var handlers = map[string]func(*station, *link, *sip.Message){
	"INVITE":    (*station).invited,
	"SUBSCRIBE": (*station).subscribed,
	"BYE":       (*station).left,
}

// served are the methods that are not refused. CANCEL is one that is simply answered with 200: an INVITE is accepted at
// once here, so that there is never anything left to cancel.
var served = []string{"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "MESSAGE", "INFO", "SUBSCRIBE", "NOTIFY", "BENOTIFY", "UPDATE"}

// serveRequest answers a request. ACK and BENOTIFY are never answered.
func (s *station) serveRequest(l *link, m *sip.Message) {
	s.log.Info("received", "method", m.Method(), "from", addressOf(m.From().URI), "to", addressOf(m.To().URI), "uri", string(m.RequestURI()),
		"call_id", string(m.CallID()), "remote", l.RemoteAddr())
	switch handle, special := handlers[m.Method()]; {
	case m.Method() == "ACK" || m.Method() == "BENOTIFY":
	case !slices.Contains(served, m.Method()):
		s.say(l, m, answer{status: 405, lines: []string{"Allow: " + strings.Join(served, ", ")}})
	case m.To().Tag() == nil && !s.isFor(m):
		s.stranger(l, m)
	case special:
		handle(s, l, m)
	default:
		s.say(l, m, answer{status: 200})
	}
}

// isFor reports whether a request is for one of the station's users, or for the station itself.
func (s *station) isFor(m *sip.Message) bool {
	u, err := sip.ParseURI(m.RequestURI())
	return err == nil && (!u.HasUser || s.users[u.Address()])
}

func (s *station) say(l *link, m *sip.Message, a answer) {
	s.write(l, s.dialect.answer(l, m, a))
}

// invited takes an invitation at once. A new invitation in a dialog changes nothing in it.
func (s *station) invited(l *link, m *sip.Message) {
	if m.To().Tag() == nil {
		s.remember(offered(l, m))
	}
	contact := []string{"Contact: " + s.dialect.contact(addressOf(m.To().URI))}
	for _, status := range s.dialect.progress() {
		s.say(l, m, answer{status: status, lines: contact})
	}
	s.say(l, m, answer{status: 200, lines: contact, contentType: "application/sdp", body: siptest.Invite("", "").Body})
}

const longest = "7446" // seconds of a subscription whose request names none

// subscribed takes a subscription and tells the user's presence. A refresh of one that is not known, as after a restart, is
// refused, so that the watcher subscribes anew.
func (s *station) subscribed(l *link, m *sip.Message) {
	d := s.known(m)
	switch {
	case m.To().Tag() == nil:
		d = offered(l, m)
		s.remember(d)
	case d == nil:
		s.say(l, m, answer{status: 481})
		return
	}
	expires := longest
	if value, ok := m.HeaderValue("Expires"); ok {
		expires = string(value)
	}
	s.say(l, m, answer{status: 200, lines: []string{"Contact: " + s.dialect.contact(d.user), "Expires: " + expires}})
	go s.notify(d, expires)
}

func (s *station) notify(d *dialog, expires string) {
	state := "active;expires=" + expires
	if expires == "0" {
		state = "terminated;reason=timeout"
		s.forget(d.key)
	}
	r := s.next(d, "NOTIFY", "Event: presence", "Subscription-State: "+state, "Contact: "+s.dialect.contact(d.user))
	m, err := s.ask(context.Background(), s.linkOf(d), r.WithBody("application/pidf+xml", s.dialect.presence(d.user)))
	if err != nil || m.Status() >= 300 {
		s.forget(d.key)
	}
}

func (s *station) left(l *link, m *sip.Message) {
	s.forget(keyOf(m))
	s.say(l, m, answer{status: 200})
}

// stranger answers for somebody who is no user here: 404, or whatever the node says to whom a pool's static route sends it.
func (s *station) stranger(l *link, m *sip.Message) {
	trunk := s.currentTrunk()
	hops, counted := m.MaxForwards()
	switch {
	case !s.returnUnknown || trunk == nil:
		s.say(l, m, answer{status: 404})
	case counted && hops == 0:
		s.say(l, m, answer{status: 483})
	case counted:
		s.sendBack(l, trunk, m, hops-1)
	default:
		s.sendBack(l, trunk, m, 70)
	}
}

func (s *station) sendBack(l, trunk *link, m *sip.Message, hops int) {
	log := s.log.With("method", m.Method(), "to", addressOf(m.To().URI), "call_id", string(m.CallID()))
	log.Info("returned to the node")
	f := s.dialect.passes(trunk)
	f.MaxForwards = hops
	_, err := s.send(trunk, string(m.AppendForward(nil, f)), func(a *sip.Message) {
		log.Info("answered", "status", a.Status(), "reason", string(a.Reason()))
		s.write(l, string(a.AppendUpstream(nil)))
	})
	if err != nil {
		s.say(l, m, answer{status: 503})
	}
}
