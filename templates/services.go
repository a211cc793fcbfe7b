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

// ServiceOptions are all services as choices.
func ServiceOptions() []Option {
	return []Option{
		{federation.ServiceSIPProxy, "SIP proxy", "Cisco SIP Proxy: this node's listeners."},
		{federation.ServiceSIPFederation, "SIP federation", "Cisco XCP SIP Federation Connection Manager: this node's connector."},
	}
}

// A ServiceRow is one node on the services page.
type ServiceRow struct {
	Node   federation.Node
	Advice string // how it differs from what the guide activates on such a node, "" when it does not
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

// stopEffect is what follows when a service stops.
func stopEffect(service string) string {
	if service == federation.ServiceSIPProxy {
		return "Its listeners close, and the Microsoft side reaches this node no longer."
	}
	return "Requests for users homed here are answered with 480."
}
