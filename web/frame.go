package web

import (
	"context"
	"net/http"
	"strings"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/templates"
)

// frame is what stands around a page: who reads it, and how far the newest revision has come.
func (s *Server) frame(r *http.Request, title, path string) templates.Frame {
	f := templates.Frame{Title: title, Path: path, Guide: templates.GuideName(path), Version: s.Version, Request: requestID(r)}
	who := signedIn(r)
	if who == nil {
		return f
	}
	f.User, f.Role, f.MayChange, f.Node = who.Name, string(who.Role), who.Role.May(auth.Change), s.Node
	f.Applied = s.applied(r.Context())
	if n := s.outage(r); n != nil {
		f.Notice = n
		return f
	}
	if f.Applied.Known {
		f.Notice = s.standing.at(r.Context(), f.Applied.Revision, s.snapshot)
	}
	if lost := restoredNotice(f.Applied); lost != nil && path != pendingPath {
		f.Notice = oneBanner(f.Notice, lost)
		f.Notice.Mark, f.Notice.Href, f.Notice.Link = lost.Mark, lost.Href, lost.Link
	}
	if text := s.notice(r); text != "" {
		f.Notice = oneBanner(f.Notice, saidBy(text, f.Applied))
	}
	return f
}

// applied counts the nodes that have the newest revision in force.
func (s *Server) applied(ctx context.Context) templates.Applied {
	snapshot, err := s.snapshot(ctx)
	if err != nil || reachOf(ctx).away() != nil {
		return templates.Applied{}
	}
	statuses, asOf, err := s.statuses(ctx)
	if err != nil || !asOf.IsZero() {
		reachOf(ctx).miss(err)
		return templates.Applied{ReadOnly: reachOf(ctx).onlyRead()}
	}
	newest := snapshot.Point()
	a := templates.Applied{Known: true, Revision: newest.Revision, Nodes: len(snapshot.Nodes)}
	for _, status := range statuses {
		if holds(status, newest.Revision) {
			a.Holding++
		}
		if status.Live(s.Now()) && newest.Before(status.Applied()) {
			a.Lost = max(a.Lost, status.AppliedRevision)
		}
	}
	return a
}

func holds(status federation.NodeStatus, revision int64) bool {
	return status.AppliedRevision >= revision && status.Error == ""
}

// saidBy turns "Saved. The rest." into a notice, and says where a change is not in force yet.
func saidBy(text string, a templates.Applied) *templates.Notice {
	strong, rest, _ := strings.Cut(text, ". ")
	if rest != "" || !strings.HasSuffix(strong, ".") {
		strong += "."
	}
	n := &templates.Notice{Mark: templates.Up, Strong: strong, Text: rest}
	if a.Known && a.Behind() > 0 {
		n.Text = strings.TrimSpace(n.Text + " It is in force within a second on every node that reaches the database.")
	}
	return n
}
