package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/templates"
)

// Ports of the two default TLS listeners once Microsoft front ends connect (guide p.55-56).
const (
	peerAuthPort   = 5061
	serverAuthPort = 5062
)

func (s *Server) listeners() pages {
	return resource[federation.Listener, *federation.Listener]{
		s: s, path: "/listeners", one: "listener", many: "listeners", title: "Listeners", change: auth.Change,
		lede:  "Ports on which every node with the service SIP proxy accepts SIP. A change opens and closes ports within a second, without a restart.",
		empty: "No port is open, so nobody can reach this side. Add a listener.",
		cols: []templates.Column{{Name: "name", Label: "Name"}, {Name: "transport", Label: "Protocol"}, {Name: "port", Label: "Port", Num: true},
			{Name: "tls_context", Label: "TLS context"}, {Label: "State"}},
		list: s.store.ListListeners, get: s.store.Listener, save: s.store.SaveListener, remove: s.store.DeleteListeners,
		id:      func(l federation.Listener) int64 { return l.ID },
		rows:    s.listenerRows,
		form:    s.listenerForm,
		page:    s.listenerPage,
		prepare: usualPort,
		effects: s.listenerEffects,
		saved:   func(_ context.Context, l federation.Listener, _ url.Values) string { return listenerSaved(l) },
	}
}

func (s *Server) listenerRows(ctx context.Context, listeners []federation.Listener) ([]templates.Row, error) {
	statuses, now, err := s.reported(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]templates.Row, len(listeners))
	for i, l := range listeners {
		state := listenerState(l, statuses, now)
		rows[i] = templates.Row{ID: l.ID, Href: fmt.Sprintf("/listeners/%d", l.ID), Label: l.Name, Cells: []templates.Cell{
			{Text: l.Name}, {Text: strings.ToUpper(l.Transport)}, {Text: fmt.Sprint(l.Port), Num: true}, {Text: l.TLSContext}, {State: &state},
		}}
	}
	return rows, nil
}

// listenerState joins what the nodes report of one listener.
func listenerState(l federation.Listener, statuses []federation.NodeStatus, now time.Time) templates.State {
	if !l.Enabled {
		return templates.State{Mark: templates.Off, Word: "Off"}
	}
	open, shut, reason := 0, 0, ""
	for _, status := range statuses {
		if !status.Live(now) {
			continue
		}
		for _, report := range status.Listeners {
			switch {
			case report.Name != l.Name:
			case report.Open:
				open++
			case report.Error != "":
				shut, reason = shut+1, status.Node+": "+report.Error
			}
		}
	}
	switch {
	case shut > 0:
		return templates.State{Mark: templates.Down, Word: "Not open", Note: reason}
	case open > 0:
		return templates.State{Mark: templates.Up, Word: "Open", Note: "on " + counted(open, "node", "nodes")}
	}
	return templates.State{Mark: templates.Unknown, Word: "Not reported"}
}

func (s *Server) listenerForm(ctx context.Context, f templates.Frame, form templates.Form) (templ.Component, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	var contexts []string
	for _, c := range snapshot.TLSContexts {
		contexts = append(contexts, c.Name)
	}
	return templates.ListenerForm(f, form, contexts), nil
}

func (s *Server) listenerPage(ctx context.Context, f templates.Frame, l templates.List) (templ.Component, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return templates.ListenerList(f, l, halfSwapped(snapshot.Configuration), l.Add != ""), nil
}

// halfSwapped tells when peer authentication does not answer on the port that Microsoft front ends connect to.
func halfSwapped(c federation.Configuration) string {
	for _, l := range c.Listeners {
		if l.Transport == federation.TLS && l.TLSContext == federation.PeerAuthContext && l.Port == peerAuthPort {
			if l.Enabled {
				return ""
			}
			return fmt.Sprintf("%s is off, and Microsoft front ends connect to port %d with their certificates.", l.Name, peerAuthPort)
		}
	}
	return fmt.Sprintf("No listener with the TLS context %s is on port %d, to which Microsoft front ends connect with their certificates.", federation.PeerAuthContext, peerAuthPort)
}

// swapListeners brings the two default TLS listeners to the ports that the guide reaches by three saves, in one
// transaction: an end state, so that doing it twice changes nothing.
func (s *Server) swapListeners(w http.ResponseWriter, r *http.Request) error {
	_, err := s.store.Apply(r.Context(), "put peer authentication on port 5061", func(c federation.Configuration) (federation.Configuration, error) {
		peer, server := byContext(c.Listeners, federation.PeerAuthContext), byContext(c.Listeners, federation.ServerAuthContext)
		if peer == nil {
			return c, federation.Refuse("No listener has the TLS context %s. Add one on port %d.", federation.PeerAuthContext, peerAuthPort)
		}
		peer.Port, peer.Enabled = peerAuthPort, true
		if server != nil {
			server.Port = serverAuthPort
		}
		return c, nil
	})
	return s.done(w, r, err, "/listeners", "Saved. Peer authentication answers on port 5061, server authentication on 5062.")
}

// byContext is the first listener with a TLS context, nil when there is none.
func byContext(listeners []federation.Listener, context string) *federation.Listener {
	for i := range listeners {
		if listeners[i].TLSContext == context {
			return &listeners[i]
		}
	}
	return nil
}

// listenerEffects refuses to delete the last open listener of its kind: other nodes come by TCP, front ends by the one
// that verifies clients. It is switched off first, so that nobody is cut off by a tick too many.
func (s *Server) listenerEffects(ctx context.Context, going []federation.Listener) ([]string, bool, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, false, err
	}
	leave := map[int64]bool{}
	for _, l := range going {
		leave[l.ID] = true
	}
	var open []string
	for _, l := range going {
		if !l.Enabled {
			continue
		}
		if !slices.ContainsFunc(snapshot.Listeners, func(other federation.Listener) bool { return !leave[other.ID] && sameKind(other, l) }) {
			return []string{fmt.Sprintf("%q is the last open listener of its kind, so it cannot be deleted. Add another, or switch it off on its page first.", l.Name)}, true, nil
		}
		open = append(open, fmt.Sprintf("%q closes port %d on every node. Connections that came over it live on.", l.Name, l.Port))
	}
	if open == nil {
		open = []string{"What is deleted here is switched off, so no connection ends."}
	}
	return open, false, nil
}

// sameKind: open for the same transport, and with the same TLS context.
func sameKind(a, b federation.Listener) bool {
	return a.Enabled && a.Transport == b.Transport && a.TLSContext == b.TLSContext
}

func listenerSaved(l federation.Listener) string {
	if !l.Enabled {
		return fmt.Sprintf("%s is off, and its port is closed on every node.", l.Name)
	}
	return fmt.Sprintf("%s opens on port %d of every node with the service SIP proxy.", l.Name, l.Port)
}
