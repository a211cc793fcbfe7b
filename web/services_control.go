package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"isthmus/internal/federation"
	"isthmus/templates"
)

// rollingOrder is the order that is given to one node after the other.
const rollingOrder federation.ServiceOrder = "rolling"

// controls are the rows of the Control Center: the services on all nodes together, where there are several, then on each.
func (v serviceSight) controls() []templates.ControlRow {
	var rows []templates.ControlRow
	if len(v.Nodes) > 1 {
		for _, o := range templates.ServiceOptions() { // in the order of the pages
			rows = append(rows, v.controlOfAll(o.Value))
		}
	}
	for _, n := range v.Nodes {
		for _, o := range templates.ServiceOptions() { // in the order of the pages
			rows = append(rows, v.control(n, o.Value))
		}
	}
	return rows
}

func (v serviceSight) control(n federation.Node, service string) templates.ControlRow {
	row := templates.ControlRow{Place: n.Name, Service: service, To: fmt.Sprintf("%s/%d/control", servicesPath, n.ID), State: v.serviceState(n, service)}
	switch {
	case !n.Runs(service):
	case v.Runs(n.Name, service):
		row.Orders = []templates.Order{{Value: "stop", Word: "Stop"}, {Value: "restart", Word: "Restart"}}
	default:
		row.Orders = []templates.Order{{Value: "start", Word: "Start"}}
	}
	return row
}

// serviceState is what a service does on a node, by what was ordered and by what the node reports of it.
func (v serviceSight) serviceState(n federation.Node, service string) templates.State {
	status, ordered := statusOf(v.statuses, n.Name), v.ServiceState(n.Name, service)
	behind := ""
	if status != nil && behindOf(status, &v.Snapshot) {
		behind = fmt.Sprintf("the node still holds revision %d", status.AppliedRevision)
	}
	switch {
	case !n.Runs(service):
		return templates.State{Mark: templates.Off, Word: "Deactivated", Note: behind}
	case ordered.Stopped:
		return templates.State{Mark: templates.Part, Word: "Stopped", Note: joinNotes(v.orderedBy(ordered), behind)}
	case !v.fresh(status):
		return templates.State{Mark: templates.Unknown, Word: "Not known", Note: "the node does not report"}
	case behind != "":
		return templates.State{Mark: templates.Part, Word: "Running", Note: behind}
	case status.Restarted[service] < ordered.Restarts:
		return templates.State{Mark: templates.Part, Word: "Restarting", Note: v.orderedBy(ordered)}
	}
	if service == federation.ServiceSIPProxy {
		if state := listening(status); state.Mark != templates.Up {
			return state
		}
	}
	return templates.State{Mark: templates.Up, Word: "Running", Note: v.lastRestart(ordered)}
}

// silentAfter is how long after the newest report of all a node's own is old news: nodes report every 2 s. Both times are the
// database's.
const silentAfter = 10 * time.Second

// fresh reports whether what a node said last can be true of this moment.
func (v serviceSight) fresh(status *federation.NodeStatus) bool {
	if status == nil || !status.Live(v.now) {
		return false
	}
	for _, other := range v.statuses {
		if other.ReportedAt.Sub(status.ReportedAt) > silentAfter {
			return false
		}
	}
	return true
}

func joinNotes(notes ...string) string { return strings.Join(chosen(notes), "; ") }

func (v serviceSight) orderedBy(o federation.ServiceState) string {
	return "by " + o.OrderedBy + ", " + templates.Clock(o.OrderedAt, v.now)
}

func (v serviceSight) lastRestart(o federation.ServiceState) string {
	if o.OrderedBy == "" {
		return ""
	}
	return "last order " + v.orderedBy(o)
}

// behindOf reports whether a node has not yet what the database holds. Of a node that tells no era the revision counts.
func behindOf(status *federation.NodeStatus, s *federation.Snapshot) bool {
	if status.AppliedEra == 0 {
		return status.AppliedRevision < s.Revision
	}
	return status.Applied().Before(s.Point())
}

func (v serviceSight) controlOfAll(service string) templates.ControlRow {
	activated, running := v.activated(service), 0
	for _, name := range activated {
		if v.Runs(name, service) {
			running++
		}
	}
	row := templates.ControlRow{Place: "All nodes", Service: service, To: servicesPath + "/control"}
	row.State = templates.State{Mark: templates.Part, Word: fmt.Sprintf("%d of %d started", running, len(activated))}
	switch {
	case len(activated) == 0:
		row.State = templates.State{Mark: templates.Off, Word: "Deactivated"}
	case running == len(activated):
		row.State = templates.State{Mark: templates.Up, Word: "Started on " + counted(running, "node", "nodes")}
	default:
		row.Orders = append(row.Orders, templates.Order{Value: "start", Word: "Start"})
	}
	if running > 0 {
		row.Orders = append(row.Orders, templates.Order{Value: "stop", Word: "Stop"}, templates.Order{Value: "restart", Word: "Restart"})
	}
	if running > 1 {
		row.Orders = append(row.Orders, templates.Order{Value: string(rollingOrder), Word: "Rolling restart"})
	}
	return row
}

// A serviceOrder is what was asked of a service in the Control Center.
type serviceOrder struct {
	service string
	order   federation.ServiceOrder
	all     bool
	nodes   []string // that it concerns
	left    []string // where somebody stopped the service, and a restart of all leaves it so
	place   string
}

func (s *Server) controlNode(w http.ResponseWriter, r *http.Request) error {
	node, err := s.store.Node(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	return s.control(w, r, serviceOrder{service: r.PostForm.Get("service"), order: federation.ServiceOrder(r.PostForm.Get("order")), nodes: []string{node.Name}, place: node.Name})
}

// controlAll gives an order on every node on which the service is activated.
func (s *Server) controlAll(w http.ResponseWriter, r *http.Request) error {
	sight, err := s.serviceSight(r.Context())
	if err != nil {
		return err
	}
	return s.control(w, r, sight.orderOnAll(r.PostForm.Get("service"), federation.ServiceOrder(r.PostForm.Get("order"))))
}

// orderOnAll is an order to all nodes on which the service is activated; a restart is one to those of them where it runs.
func (v serviceSight) orderOnAll(service string, order federation.ServiceOrder) serviceOrder {
	o := serviceOrder{service: service, order: order, all: true, nodes: v.activated(service), place: "all nodes"}
	if !o.restarts() {
		return o
	}
	stopped := func(name string) bool { return !v.Runs(name, service) }
	for _, name := range o.nodes {
		if stopped(name) {
			o.left = append(o.left, name)
		}
	}
	o.nodes = slices.DeleteFunc(o.nodes, stopped)
	if order == rollingOrder || len(o.left) > 0 {
		o.place = counted(len(o.nodes), "node", "nodes")
	}
	return o
}

func (o serviceOrder) restarts() bool {
	return o.order == federation.RestartService || o.order == rollingOrder
}

// control gives an order to a service. The page's own buttons want to be asked, with the effect, before something ends.
func (s *Server) control(w http.ResponseWriter, r *http.Request, o serviceOrder) error {
	switch {
	case o.restarts() && len(o.nodes) == 0 && len(o.left) > 0:
		return federation.Refuse("%s is stopped on every node, so there is nothing to restart. Start it instead.", templates.GuideServiceName(o.service))
	case o.order == rollingOrder && len(o.nodes) < 2:
		return federation.Refuse("A rolling restart needs several nodes on which %s runs. Restart it on the one that there is.", templates.GuideServiceName(o.service))
	case r.PostForm.Has("ask") && o.order != federation.StartService:
		return s.askOrder(w, r, o)
	case o.order == rollingOrder:
		return s.startRolling(w, r, o.nodes, o.service)
	case o.all && o.restarts():
		return s.restartAll(w, r, o)
	}
	err := s.store.OrderService(r.Context(), o.nodes, o.service, o.order)
	return s.done(w, r, err, servicesPath, "Ordered. "+told(o)+".")
}

// restartAll leaves to the store where the service runs: somebody may stop it on a node at this moment.
func (s *Server) restartAll(w http.ResponseWriter, r *http.Request, o serviceOrder) error {
	activated := slices.Concat(o.nodes, o.left)
	left, err := s.store.RestartRunning(r.Context(), activated, o.service)
	if len(left) == 0 {
		o.place = "all nodes"
		return s.done(w, r, err, servicesPath, "Ordered. "+told(o)+".")
	}
	o.place = counted(len(activated)-len(left), "node", "nodes")
	return s.done(w, r, err, servicesPath, "Ordered. "+told(o)+"; it stays stopped on "+strings.Join(left, ", ")+".")
}

func told(o serviceOrder) string {
	does := map[federation.ServiceOrder]string{federation.StartService: "starts", federation.StopService: "stops", federation.RestartService: "restarts"}[o.order]
	return templates.GuideServiceName(o.service) + " " + does + " on " + o.place + " within a second"
}

func (s *Server) askOrder(w http.ResponseWriter, r *http.Request, o serviceOrder) error {
	sight, err := s.serviceSight(r.Context())
	if err != nil {
		return err
	}
	ask := templates.Confirm{}
	switch o.order {
	case federation.StopService:
		ask.Button = "Stop"
	case federation.RestartService:
		ask.Button = "Restart"
	case rollingOrder:
		ask.Button = "Restart one after the other"
		ask.Lede = "Each node is restarted when the one before it is ready again, so that never two are down by it. The first that does not come back ends it."
	default:
		return federation.Refuse("There is no order %q to a service; choose start, stop or restart.", o.order)
	}
	ask.Title = ask.Button + ": " + templates.GuideServiceName(o.service) + " on " + o.place + "?"
	ask.Effects = sight.effectsOf(o)
	return s.ask(w, r, ask)
}
