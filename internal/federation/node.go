package federation

import (
	"net/netip"
	"slices"
	"strings"
)

// Services that a node can have activated, by the guide's names in lower case (guide p.30, 49-50).
const (
	ServiceSIPProxy      = "sip_proxy"      // Cisco SIP Proxy: this node's listeners
	ServiceSIPFederation = "sip_federation" // Cisco XCP SIP Federation Connection Manager: this node's connector
)

// Services are all services that Isthmus knows, in the order in which pages show them.
var Services = []string{ServiceSIPProxy, ServiceSIPFederation}

// A Node is one server of the cluster (guide: Presence Topology).
type Node struct {
	ID        int64    `yaml:"-"`
	Name      string   `yaml:"name" validate:"name"`
	Address   string   `yaml:"address" validate:"address"`                              // its SIP listeners bind it; requests from it are from inside
	Connector string   `yaml:"connector" validate:"omitempty,hostport"`                 // IP:port of its SIP Federation Connection Manager, TCP
	Routing   bool     `yaml:"routing"`                                                 // the routing node: nobody is homed on it
	Backup    string   `yaml:"backup" validate:"omitempty,name"`                        // node that takes its users while it is down, or empty
	Services  []string `yaml:"services" validate:"dive,oneof=sip_proxy sip_federation"` // activated ones
}

// Default activates every service, as serve does for a node that it registers.
func (n *Node) Default() { *n = Node{Services: slices.Clone(Services)} }

// Normalize brings names and addresses into canonical form and fills the connector's default, <address>:5080.
func (n *Node) Normalize() {
	n.Name, n.Address, n.Backup = canonicalHost(n.Name), canonicalHost(n.Address), canonicalHost(n.Backup)
	n.Connector = strings.TrimSpace(n.Connector)
	if a, err := ParseAddress(n.Address); err == nil && n.Connector == "" {
		n.Connector = netip.AddrPortFrom(a, 5080).String()
	}
	if ap, err := netip.ParseAddrPort(n.Connector); err == nil {
		n.Connector = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()).String()
	}
	n.Services = slices.Compact(slices.Sorted(slices.Values(n.Services))) // the caller's list may be shared
	if n.Services == nil {
		n.Services = []string{}
	}
}

// Problems names what is wrong with the fields.
func (n *Node) Problems() []Problem {
	list := check(n)
	if n.Backup != "" && n.Backup == n.Name {
		list = append(list, problem("backup", "A node cannot be its own backup; choose another node, or none."))
	}
	if a, err := ParseAddress(n.Address); err == nil && !IsOneHost(a) {
		list = append(list, problem("address", "Listeners need one address of this node; enter it, such as 10.1.10.11."))
	}
	return list
}

// Key is the name.
func (n *Node) Key() string { return n.Name }

// Runs reports whether a service is activated on the node.
func (n *Node) Runs(service string) bool { return slices.Contains(n.Services, service) }
