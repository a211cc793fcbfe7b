package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"isthmus/internal/federation"
	"isthmus/templates"
)

// A serviceSight is what the nodes are to run, and what they reported last.
type serviceSight struct {
	federation.Snapshot
	statuses []federation.NodeStatus
	now      time.Time
	asOf     time.Time // when the statuses were read, while the database is away; zero: just now
}

// effects are what follows from an order to a service on some nodes, measured by what these report: one for each node, then
// what is the same for all of them.
func (v serviceSight) effects(nodes []string, service string, order federation.ServiceOrder) []templates.Effect {
	var list []templates.Effect
	for _, name := range nodes {
		n := v.Node(name)
		if n == nil {
			continue
		}
		parts := []string{v.underWay(name, service), v.usersEffect(n, nodes, order)}
		if service == federation.ServiceSIPProxy {
			parts = append(parts, v.routingEffect(n, nodes))
		}
		list = append(list, templates.Effect{Name: name, Text: strings.Join(chosen(parts), " ")})
	}
	if len(list) > 0 {
		list = append(list, templates.Effect{Text: v.orderEffect(service, order)})
	}
	if text := v.lastProxy(nodes, service, order); text != "" {
		list = append(list, templates.Effect{Text: text})
	}
	return list
}

// underWay is what the node reports of the moment.
func (v serviceSight) underWay(node, service string) string {
	status := statusOf(v.statuses, node)
	switch {
	case !v.fresh(status):
		return "It does not report, so what is under way there is not known."
	case !v.Runs(node, service):
		return "It does not run there."
	case service != federation.ServiceSIPProxy && v.Usage.ByNode[node] == 0:
		return "Nobody is homed there."
	case service != federation.ServiceSIPProxy:
		return ""
	case status.Connections == 0 && status.Transactions == 0:
		return "No connection is open and nothing is under way."
	}
	return fmt.Sprintf("%s open and %s under way.", counted(status.Connections, "connection is", "connections are"), counted(status.Transactions, "transaction is", "transactions are"))
}

// orderEffect is what an order does wherever it is carried out.
func (v serviceSight) orderEffect(service string, order federation.ServiceOrder) string {
	restarts := order == federation.RestartService
	switch {
	case service != federation.ServiceSIPProxy && restarts:
		return "Connections with the connector are closed. Requests under way there are answered with 480; the next one connects anew."
	case service != federation.ServiceSIPProxy:
		return "The connector is used no longer."
	case restarts:
		return "Requests without an answer get 503, every connection is closed, and the listeners (" + v.openListeners() + ") open again within a second."
	}
	return "The listeners close (" + v.openListeners() + "). Requests under way get half a second for their answer; then their connections are closed."
}

func (v serviceSight) openListeners() string {
	var open []string
	for _, l := range v.Listeners {
		if l.Enabled {
			open = append(open, fmt.Sprintf("%s %d", strings.ToUpper(l.Transport), l.Port))
		}
	}
	return strings.Join(open, ", ")
}

// routingEffect: the Microsoft side sends its requests to the routing node.
func (v serviceSight) routingEffect(n *federation.Node, nodes []string) string {
	other := func(o federation.Node) bool {
		return o.Routing && !slices.Contains(nodes, o.Name) && v.Runs(o.Name, federation.ServiceSIPProxy)
	}
	if !n.Routing || slices.ContainsFunc(v.Nodes, other) {
		return ""
	}
	return "It is the routing node, to which the Microsoft side sends its requests, and no other one runs."
}

// usersEffect is who serves the users homed on a node meanwhile.
func (v serviceSight) usersEffect(n *federation.Node, nodes []string, order federation.ServiceOrder) string {
	users := v.Usage.ByNode[n.Name]
	if users == 0 {
		return ""
	}
	backup, whose := v.Node(n.Backup), counted(users, "user homed here", "users homed here")
	switch {
	case backup != nil && !slices.Contains(nodes, backup.Name) && v.Runs(backup.Name, federation.ServiceSIPProxy) && v.Runs(backup.Name, federation.ServiceSIPFederation):
		return "Its backup " + backup.Name + " serves the " + whose + " meanwhile."
	case order == federation.RestartService:
		return "No backup serves the " + whose + " during that second; requests for them are answered with 480."
	}
	return "No backup serves the " + whose + ": requests for them are answered with 480."
}

// lastProxy tells when no SIP proxy is left, and how a restart can do without that.
func (v serviceSight) lastProxy(nodes []string, service string, order federation.ServiceOrder) string {
	if service != federation.ServiceSIPProxy || len(nodes) == 0 {
		return ""
	}
	for _, n := range v.Nodes {
		if !slices.Contains(nodes, n.Name) && v.Runs(n.Name, service) {
			return ""
		}
	}
	switch {
	case order != federation.RestartService:
		return "The SIP proxy runs on no other node: then nothing is taken from either side until one is started."
	case len(nodes) > 1:
		return "For that second nothing is taken from either side. A rolling restart takes one node after the other."
	}
	return "The SIP proxy runs on no other node: for that second nothing is taken from either side."
}
