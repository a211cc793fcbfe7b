package templates

import (
	"slices"

	"isthmus/internal/federation"
)

// ServiceName is what people call a service; the guide's name stands beside it on the page.
func ServiceName(service string) string {
	switch service {
	case federation.ServiceSIPProxy:
		return "SIP proxy"
	case federation.ServiceSIPFederation:
		return "SIP federation"
	}
	return service
}

// GuideServiceName is what the guide calls a service (guide p.50-51).
func GuideServiceName(service string) string {
	switch service {
	case federation.ServiceSIPProxy:
		return "Cisco SIP Proxy"
	case federation.ServiceSIPFederation:
		return "Cisco XCP SIP Federation Connection Manager"
	}
	return service
}

// ServiceOptions are all services as choices.
func ServiceOptions() []Option {
	return []Option{
		{federation.ServiceSIPProxy, "SIP proxy", "Cisco SIP Proxy: this node's listeners."},
		{federation.ServiceSIPFederation, "SIP federation", "Cisco XCP SIP Federation Connection Manager: this node's connector."},
	}
}

// A ServicesView is the page Services: what is activated where, what runs, and what Isthmus does not run.
type ServicesView struct {
	Bar       LiveBar
	Rows      []ServiceRow
	Controls  []ControlRow
	Rolling   *RollingView // the rolling restart that was started last, nil when there never was one
	MayChange bool
}

// A ServiceRow is one node under Service Activation.
type ServiceRow struct {
	Node   federation.Node
	Advice string // how it differs from what the guide activates on such a node, "" when it does not
}

// A ControlRow is one service in the Control Center, on one node or on all of them.
type ControlRow struct {
	Place   string // the node, or "All nodes"
	Service string
	State   State
	To      string  // where its orders are posted
	Orders  []Order // that can be given now
}

// An Order is a button of the Control Center.
type Order struct {
	Value string // as federation.ServiceOrder has it, or "rolling"
	Word  string
}

// A RollingView is a rolling restart as the page tells it.
type RollingView struct {
	Title     string
	State     State
	Total     int
	Done      int
	UnderWay  bool
	Abandoned bool // nobody has gone on with it for too long
}

// Cells are one for each node, full where the restart was ordered.
func (r RollingView) Cells() []bool {
	cells := make([]bool, r.Total)
	for i := range min(r.Done, r.Total) {
		cells[i] = true
	}
	return cells
}

// A ForeignService is a service of the guide that Isthmus does not run.
type ForeignService struct {
	Name    string
	Instead string // what takes its place
}

// ForeignServices are those that the guide names under Service Activation and in the Control Center (guide p.29-30, 49-50,
// 56-60, 64-65), without the two that Isthmus runs.
var ForeignServices = []ForeignService{
	{"Cisco XCP Router (network service)", "Nothing to start: messages between nodes go over SIP, by the setting Between nodes."},
	{"Cisco Presence Engine", "Presence stays with the IM and Presence servers behind the connector; Isthmus routes its requests."},
	{"Cisco XCP Text Conference Manager", "Group chat does not cross in partitioned federation."},
	{"Cisco XCP Web Connection Manager", "Clients sign in to the IM and Presence servers."},
	{"Cisco XCP Connection Manager", "Clients sign in to the IM and Presence servers."},
	{"Cisco XCP XMPP Federation Connection Manager", "Isthmus federates over SIP alone."},
	{"Cisco XCP Message Archiver", "Isthmus keeps no messages."},
	{"Cisco XCP Directory Service", "Users are found on the page Users."},
	{"Cisco XCP Authentication Service", "Clients sign in to the IM and Presence servers."},
	{"Cisco Bulk Provisioning Service", "Users are brought in by isthmus config apply."},
}

// RoutingServices is what the guide leaves on at a routing node (guide p.29-30, 49-50, 64).
var RoutingServices = []string{federation.ServiceSIPProxy}

// HomeServices is what the guide activates on every other node (guide p.50-51, 65).
var HomeServices = []string{federation.ServiceSIPFederation, federation.ServiceSIPProxy}

// NewServiceRow compares a node with what the guide activates on such a node.
func NewServiceRow(n federation.Node) ServiceRow {
	row := ServiceRow{Node: n}
	switch {
	case n.Routing && !slices.Equal(n.Services, RoutingServices):
		row.Advice = "A routing node runs the SIP proxy alone."
	case !n.Routing && !slices.Equal(n.Services, HomeServices):
		row.Advice = "A node with users needs both services, or federation does not reach them."
	}
	return row
}
