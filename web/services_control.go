package web

import (
	"fmt"
	"net/http"
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
	if running > 1 && running == len(activated) {
		row.Orders = append(row.Orders, templates.Order{Value: string(rollingOrder), Word: "Rolling restart"})
	}
	return row
}

// activated are the nodes on which a service is.
func (v serviceSight) activated(service string) []string {
	var names []string
	for _, n := range v.Nodes {
		if n.Runs(service) {
			names = append(names, n.Name)
		}
	}
	return names
}

func (s *Server) controlNode(w http.ResponseWriter, r *http.Request) error {
	node, err := s.store.Node(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	return s.control(w, r, []string{node.Name}, node.Name)
}

// controlAll gives an order on every node on which the service is activated.
func (s *Server) controlAll(w http.ResponseWriter, r *http.Request) error {
	sight, err := s.serviceSight(r.Context())
	if err != nil {
		return err
	}
	nodes := sight.activated(r.PostForm.Get("service"))
	return s.control(w, r, nodes, "all nodes")
}

// control gives an order to a service. The page's own buttons want to be asked, with the effect, before something ends.
func (s *Server) control(w http.ResponseWriter, r *http.Request, nodes []string, place string) error {
	service, order := r.PostForm.Get("service"), federation.ServiceOrder(r.PostForm.Get("order"))
	if order == rollingOrder && len(nodes) < 2 {
		return federation.Refuse("A rolling restart needs several nodes on which %s is activated. Restart it on the one that there is.", templates.GuideServiceName(service))
	}
	if r.PostForm.Has("ask") && order != federation.StartService {
		return s.askOrder(w, r, nodes, place, service, order)
	}
	if order == rollingOrder {
		return s.startRolling(w, r, nodes, service)
	}
	err := s.store.OrderService(r.Context(), nodes, service, order)
	return s.done(w, r, err, servicesPath, "Ordered. "+told(order, service, place))
}

func told(order federation.ServiceOrder, service, place string) string {
	does := map[federation.ServiceOrder]string{federation.StartService: "starts", federation.StopService: "stops", federation.RestartService: "restarts"}[order]
	return templates.GuideServiceName(service) + " " + does + " on " + place + " within a second."
}

func (s *Server) askOrder(w http.ResponseWriter, r *http.Request, nodes []string, place, service string, order federation.ServiceOrder) error {
	sight, err := s.serviceSight(r.Context())
	if err != nil {
		return err
	}
	ask := templates.Confirm{}
	switch order {
	case federation.StopService:
		ask.Button = "Stop"
	case federation.RestartService:
		ask.Button = "Restart"
	case rollingOrder:
		ask.Button, place = "Restart one after the other", counted(len(nodes), "node", "nodes")
		ask.Lede = "Each node is restarted when the one before it is ready again, so that never two are down. The first that does not come back ends it."
	default:
		return federation.Refuse("There is no order %q to a service; choose start, stop or restart.", order)
	}
	ask.Title = ask.Button + ": " + templates.GuideServiceName(service) + " on " + place + "?"
	if order == rollingOrder {
		for _, name := range nodes { // each alone, as they go down one by one
			ask.Effects = append(ask.Effects, sight.effects([]string{name}, service, federation.RestartService)[0])
		}
		ask.Effects = append(ask.Effects, templates.Effect{Text: sight.orderEffect(service, federation.RestartService)})
	} else {
		ask.Effects = sight.effects(nodes, service, order)
	}
	return s.ask(w, r, ask)
}
