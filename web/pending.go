package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
	"isthmus/internal/store"
	"isthmus/templates"
)

const pendingPath = "/pending"

// Of the audit log's newest rows so many are read, and of those that a node lacks so many are shown.
const (
	pendingRead  = 100
	pendingShown = 10
)

func (s *Server) pendingRoutes(r chi.Router) {
	r.Get(pendingPath, s.may(auth.Read, s.showPending))
	r.Post(pendingPath+"/accept", s.may(auth.Administer, s.acceptRestored))
}

func (s *Server) showPending(w http.ResponseWriter, r *http.Request) error {
	sight, rows, err := s.pendingSight(r.Context())
	if err != nil {
		return err
	}
	view := templates.PendingView{Bar: s.bar(sight), Revision: sight.Revision, Stopped: sight.stopped(), MayChange: may(r, auth.Change), MayAccept: mayAccept(r)}
	if held, nodes := sight.newerThan(); len(nodes) > 0 {
		view.Restored = &templates.RestoredView{Held: held.Revision, Now: sight.Revision, Nodes: capital(counted(len(nodes), "node has", "nodes have"))}
	}
	for _, n := range sight.Nodes {
		if status := statusOf(sight.statuses, n.Name); status != nil && behindOf(status, &sight.Snapshot) {
			view.Behind = append(view.Behind, sight.behindNode(n, status, rows))
		}
	}
	if view.Restored == nil { // else nodes have in force what the database does not even know
		view.Kinds = sight.kinds(rows)
	}
	return s.render(w, r, http.StatusOK, templates.PendingPage(s.frame(r, "Pending actions", pendingPath), view))
}

// pendingSight is what the nodes report, with the newest rows of the audit log.
func (s *Server) pendingSight(ctx context.Context) (serviceSight, []store.AuditRow, error) {
	sight, err := s.serviceSight(ctx)
	if err != nil {
		return sight, nil, err
	}
	page, err := s.store.Audit(ctx, listing.Query{Rows: pendingRead}.Normalized())
	return sight, page.Items, err
}

// newerThan is the newest state that nodes which run have in force and the database lost, with what these nodes report.
func (v serviceSight) newerThan() (newest federation.Point, nodes []federation.NodeStatus) {
	for _, status := range v.statuses {
		if !status.Live(v.now) || !v.Point().Before(status.Applied()) {
			continue
		}
		nodes = append(nodes, status)
		if newest.Before(status.Applied()) {
			newest = status.Applied()
		}
	}
	return newest, nodes
}

// stopped are the services that somebody stopped, as the Control Center has them.
func (v serviceSight) stopped() []templates.ControlRow {
	var rows []templates.ControlRow
	for _, n := range v.Nodes {
		for _, o := range templates.ServiceOptions() { // in the order of the pages
			if n.Runs(o.Value) && !v.Runs(n.Name, o.Value) {
				rows = append(rows, v.control(n, o.Value))
			}
		}
	}
	return rows
}

func (v serviceSight) behindNode(n federation.Node, status *federation.NodeStatus, rows []store.AuditRow) templates.BehindNode {
	b := templates.BehindNode{Name: n.Name, Href: fmt.Sprintf("/nodes/%d", n.ID)}
	b.State, b.Way = v.whyBehind(status)
	lacks := lacking(status, rows)
	if len(lacks) > 0 && len(lacks) < len(rows) {
		b.Since = templates.Clock(lacks[len(lacks)-1].At, v.now)
	}
	for _, row := range lacks[:min(len(lacks), pendingShown)] {
		b.Changes = append(b.Changes, templates.PendingChange{When: templates.Clock(row.At, v.now), Who: row.Actor, What: row.Action})
	}
	b.More = len(lacks) > pendingShown
	return b
}

// whyBehind tells why a node does not have the newest state, and what to do.
func (v serviceSight) whyBehind(status *federation.NodeStatus) (templates.State, string) {
	holds := "It goes on with revision " + revisionHeld(status.AppliedRevision, v.Revision) + "."
	switch {
	case !v.fresh(status):
		return templates.State{Mark: templates.Down, Word: "Does not report", Note: "last heard " + templates.Ago(status.ReportedAt, v.now)},
			holds + " Start isthmus serve there, or see to its way to the database; it follows by itself then."
	case status.Error != "":
		return templates.State{Mark: templates.Down, Word: "Cannot apply it", Note: status.Error}, holds + " Mend what the reason names; the node tries the next change."
	case status.Database != "" && !answers(status.Database):
		return templates.State{Mark: templates.Part, Word: "Does not read the database", Note: status.Database}, holds + " It follows by itself when the database answers it."
	}
	return templates.State{Mark: templates.Part, Word: "Behind", Note: "heard " + templates.Ago(status.ReportedAt, v.now)}, holds + " It follows within a second; if it does not, see to its log."
}

// revisionHeld is what a node has in force beside what the database has, which may be less after a restore.
func revisionHeld(node, database int64) string {
	if node > database {
		return fmt.Sprintf("%d, which the restored database does not know: it has %d", node, database)
	}
	return fmt.Sprintf("%d of %d", node, database)
}

// lacking are the rows of changes that a node does not have in force, the newest first. Administrators are nothing that
// nodes follow.
func lacking(status *federation.NodeStatus, rows []store.AuditRow) []store.AuditRow {
	var list []store.AuditRow
	for _, row := range rows {
		followed := func(c store.AuditChange) bool { return c.Kind != "administrator" && c.Kind != "certificate_request" }
		if row.Revision > status.AppliedRevision && slices.ContainsFunc(row.Changes, followed) {
			list = append(list, row)
		}
	}
	return list
}

// A changeKind is what the guide restarts for one kind of change (guide p.51-60, 101).
type changeKind struct {
	name, guide string
	kinds       []string // as the audit log has them
	settings    []string
}

var changeKinds = []changeKind{
	{"Listeners, incoming ACL, TLS peer subjects, TLS contexts, certificates, certificates that peers must show", "Restart the Cisco SIP Proxy.",
		[]string{"listener", "acl", "tls_peer_subject", "tls_context", "certificate"}, []string{"require_peer_certificate"}},
	{"Partitioned federation, routing mode", "The Cisco SIP Proxy restarts by itself; restart the Cisco XCP Router on all nodes.",
		nil, []string{"partitioned_federation", "routing_mode"}},
	{"Federated domains, IM address scheme, default domain, between nodes", "Restart the Cisco XCP Router.",
		[]string{"federated_domain"}, []string{"email_federation", "im_address_scheme", "directory_uri_source", "default_domain", "node_transport"}},
	{"Contact list size, watchers, approval", "Restart the Cisco XCP Router on all nodes.",
		nil, []string{"max_contacts", "max_watchers", "auto_authorize"}},
	{"Static routes, domains, users", "No restart.", []string{"static_route", "domain", "user"}, nil},
	{"Nodes, services", "Service Activation and Control Center.", []string{"node", "service"}, nil},
}

func (k changeKind) has(c store.AuditChange) bool {
	if c.Kind == "setting" {
		return slices.Contains(k.settings, c.Key)
	}
	return slices.Contains(k.kinds, c.Kind)
}

// kinds count for each kind of change the nodes that have the last one in force. A node that has never run is none.
func (v serviceSight) kinds(rows []store.AuditRow) []templates.KindRow {
	list := make([]templates.KindRow, len(changeKinds))
	for i, kind := range changeKinds {
		list[i] = templates.KindRow{Name: kind.name, Guide: kind.guide, State: v.inForce(kind, rows)}
	}
	return list
}

func (v serviceSight) inForce(kind changeKind, rows []store.AuditRow) templates.State {
	nodes, hold := 0, 0
	var last time.Time
	touches := func(row store.AuditRow) bool { return slices.ContainsFunc(row.Changes, kind.has) }
	if i := slices.IndexFunc(rows, touches); i >= 0 {
		last = rows[i].At
	}
	for _, n := range v.Nodes {
		status := statusOf(v.statuses, n.Name)
		if status == nil {
			continue
		}
		nodes++
		lacks := behindOf(status, &v.Snapshot) && slices.ContainsFunc(lacking(status, rows), touches)
		if !lacks {
			hold++
		}
	}
	state := templates.State{Mark: templates.Up, Word: "In force on " + counted(nodes, "node", "nodes")}
	switch {
	case nodes == 0:
		state = templates.State{Mark: templates.Unknown, Word: "No node has run yet"}
	case hold < nodes:
		state = templates.State{Mark: templates.Part, Word: fmt.Sprintf("In force on %d of %d nodes", hold, nodes)}
	}
	if !last.IsZero() {
		state.Note = "last changed " + templates.Clock(last, v.now)
	}
	return state
}

// restoredNotice is the warning on every page while a restored database waits to be accepted.
func restoredNotice(a templates.Applied) *templates.Notice {
	if a.Lost == 0 {
		return nil
	}
	return &templates.Notice{Mark: templates.Down, Strong: fmt.Sprintf("The database went back from revision %d to %d.", a.Lost, a.Revision),
		Text: "Pages show what the database has now; nodes hold on to what they have, which may differ, and nothing can be changed.", Href: pendingPath, Link: "Pending actions"}
}

// mayAccept reports whether the reader may accept a restored database, which is the one change that it takes.
func mayAccept(r *http.Request) bool {
	return has(r, auth.Administer) && reachOf(r.Context()).writable()
}

// acceptRestored makes the state of a restored database the newest. The page's own button wants to be asked, and the answer
// accepts the state that the question showed, no other: the database may be restored once more in between. A script that
// names no state means the one there is.
func (s *Server) acceptRestored(w http.ResponseWriter, r *http.Request) error {
	const accepted = "Accepted. Every node takes the database's state within a second."
	asked := r.PostForm.Has("ask")
	if !asked && !r.PostForm.Has("was") {
		return s.done(w, r, s.store.AcceptRestored(r.Context()), pendingPath, accepted)
	}
	sight, err := s.serviceSight(r.Context())
	if err != nil {
		return err
	}
	_, nodes := sight.newerThan()
	switch other := r.PostForm.Get("was") != placeOf(sight.Point()); {
	case len(nodes) > 0 && asked:
		return s.askToAccept(w, r, http.StatusOK, acceptance(sight.Point(), nodes))
	case len(nodes) > 0 && other:
		c := acceptance(sight.Point(), nodes)
		c.Lede = fmt.Sprintf("Nothing was accepted: the database has gone to another state since you were asked, and has revision %d now. %s", sight.Revision, c.Lede)
		return s.askToAccept(w, r, http.StatusConflict, c)
	}
	err = s.store.AcceptRestoredAt(r.Context(), sight.Point())
	if errors.Is(err, store.ErrOvertaken) { // since it was judged: judge it again
		return s.acceptRestored(w, r)
	}
	return s.done(w, r, err, pendingPath, accepted)
}

func (s *Server) askToAccept(w http.ResponseWriter, r *http.Request, status int, c templates.Confirm) error {
	c.To, c.Back = r.URL.Path, pendingPath
	return s.render(w, r, status, templates.ConfirmPage(s.frame(r, templates.PageName(c.Back), c.Back), c))
}

// placeOf names a state of the database in a form.
func placeOf(p federation.Point) string { return fmt.Sprintf("%d.%d", p.Era, p.Revision) }

func acceptance(now federation.Point, nodes []federation.NodeStatus) templates.Confirm {
	c := templates.Confirm{Title: "Accept the restored database?", Button: "Accept revision " + fmt.Sprint(now.Revision), Fields: url.Values{"was": {placeOf(now)}},
		Lede: "What was changed after that backup is gone from the database. Nodes give it up too; it has to be made again."}
	for _, n := range nodes {
		c.Effects = append(c.Effects, templates.Effect{Name: n.Node, Text: fmt.Sprintf("Revision %d there gives way to what the database has as revision %d.", n.AppliedRevision, now.Revision)})
	}
	return c
}
