package main

import (
	"context"
	"slices"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// talk lets one user after the other turn to one contact after the other, a pair at a time. It begins after one interval,
// so that programs started together are all there by then: a node leaves a hop alone that was not there at first.
func (s *station) talk(ctx context.Context, users, contacts []string, every time.Duration) {
	if len(users) == 0 || len(contacts) == 0 {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	watching := map[[2]string]*siptest.Dialog{}
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		from, to := users[turn%len(users)], contacts[turn/len(users)%len(contacts)]
		if trunk := s.currentTrunk(); trunk != nil {
			pair := [2]string{from, to}
			watching[pair] = s.watch(ctx, trunk, from, to, watching[pair])
			_, _ = s.ask(ctx, trunk, siptest.Message(from, to, "Are you there?")) // the log says what became of it
			s.converse(ctx, trunk, from, to)
		}
	}
}

// watch subscribes to a contact's presence, or refreshes the subscription; nil is returned when that failed, so that the
// next turn subscribes anew.
func (s *station) watch(ctx context.Context, l *link, from, to string, d *siptest.Dialog) *siptest.Dialog {
	lines := []string{"Event: presence", "Accept: application/pidf+xml", "Expires: " + longest, "Contact: " + s.dialect.contact(from)}
	r := siptest.NewRequest("SUBSCRIBE", from, to, lines...)
	if d != nil {
		r = d.Request("SUBSCRIBE", lines...)
	}
	m, err := s.ask(ctx, l, r)
	switch {
	case err != nil || m.Status() >= 300:
		return nil
	case d != nil:
		return d
	}
	return s.caller(m, to)
}

// caller is the dialog that an answer made, as it leaves the station: what names the station itself in the route set has
// been followed by then. One without a Contact is reached at the address it was sent to.
func (s *station) caller(m *sip.Message, to string) *siptest.Dialog {
	d := siptest.Caller(m)
	d.Routes = slices.DeleteFunc(d.Routes, s.dialect.owns)
	if d.Target == "" {
		d.Target = "sip:" + to
	}
	return d
}

// typing is what a Microsoft client tells while somebody writes.
const typing = "<?xml version=\"1.0\"?>\r\n<KeyboardActivity>\r\n  <status status=\"type\" />\r\n</KeyboardActivity>\r\n"

// converse invites a contact to a conversation, says something in it, and leaves.
func (s *station) converse(ctx context.Context, l *link, from, to string) {
	m, err := s.ask(ctx, l, s.invite(from, to))
	if err != nil || m.Status() >= 300 {
		return
	}
	d := s.caller(m, to)
	s.write(l, s.raw(l, d.Request("ACK")))
	for _, r := range []siptest.Request{
		d.Request("INFO").WithBody("application/xml", typing),
		d.Request("MESSAGE").WithBody("text/plain; charset=UTF-8", "Shall we have lunch?"),
		d.Request("BYE"),
	} {
		if _, err := s.ask(ctx, l, r); err != nil {
			return
		}
	}
}

func (s *station) invite(from, to string) siptest.Request {
	r := siptest.Invite(from, to)
	r.Lines = []string{"Contact: " + s.dialect.contact(from)}
	return r
}

// negotiate asks for compression, which a Microsoft server does first on every connection (MS-SIPCOMP). Any answer but 200
// leaves the connection as it is.
func (s *station) negotiate(l *link) {
	r := siptest.Negotiate(l.RemoteAddr().String())
	r.SentBy, r.Transport = l.LocalAddr().String(), l.Transport()
	_, err := s.send(l, r.String(), func(m *sip.Message) {
		s.log.Info("answered", "method", "NEGOTIATE", "status", m.Status(), "remote", l.RemoteAddr())
	})
	if err != nil {
		s.log.Warn("not sent", "method", "NEGOTIATE", "reason", err)
	}
}
