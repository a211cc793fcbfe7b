package routing

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
)

// HopKind says what stands at the other end of a hop.
type HopKind uint8

// Kinds of hops.
const (
	MicrosoftHop HopKind = iota // a server of the Microsoft side
	NodeHop                     // another node of the cluster
	ConnectorHop                // this node's SIP Federation Connection Manager
)

// A Hop is one place that a request can be sent to.
type Hop struct {
	Kind      HopKind
	Host      string         // as configured: an IP address or an FQDN
	Addr      netip.AddrPort // of an IP address; invalid for an FQDN, which DNS resolves
	Port      int            // 0 with an FQDN: SRV
	Transport sip.Transport
	Node      string // name of the node or of the connector's node
	Weight    int    // share among hops of one priority

	key      string
	services string // those that run on the node
}

// A Group is the hops of one priority, which share by weight.
type Group []*Hop

// Key identifies the hop: two hops with one key are one place, with one state and one connection.
func (h *Hop) Key() string { return h.key }

// Config changes when the configuration of the place itself does; a mark "down" is cleared then.
func (h *Hop) Config() string { return h.key + h.services }

// String is what people read: 10.1.20.21:5061.
func (h *Hop) String() string {
	if h.Port == 0 {
		return h.Host
	}
	return net.JoinHostPort(h.Host, strconv.Itoa(h.Port))
}

// Identity is what a connection to this hop was opened to: node:NAME, connector:NAME or hop.
func (h *Hop) Identity() string {
	switch h.Kind {
	case NodeHop:
		return "node:" + h.Node
	case ConnectorHop:
		return "connector:" + h.Node
	}
	return "hop"
}

func newHop(kind HopKind, host string, port int, transport sip.Transport, node string) *Hop {
	h := &Hop{Kind: kind, Host: host, Port: port, Transport: transport, Node: node, Weight: 1}
	a, _ := federation.ParseAddress(host) // an FQDN is none
	h.Addr = netip.AddrPortFrom(a, uint16(port))
	h.key = h.Identity() + " " + h.String() + ";transport=" + transport.Param()
	return h
}

// Back is the hop by which an answer reaches a node or connector whose connection is gone, nil for who is outside.
func (p *Policy) Back(peer Peer) *Hop {
	if !p.internal(peer) {
		return nil
	}
	n := p.addresses[peer.Addr.Unmap()]
	if _, name, opened := strings.Cut(peer.OpenedTo, ":"); opened {
		n = p.nodes[name]
	}
	if n == p.self {
		return n.delivery
	}
	return n.link
}

func routeHop(r *federation.StaticRoute) *Hop {
	h := newHop(MicrosoftHop, r.NextHop, r.Port, TransportOf(r.Transport), "")
	h.Weight = r.Weight
	return h
}

func connectorHop(n *node) *Hop {
	h := newHop(ConnectorHop, n.connector.Addr().String(), int(n.connector.Port()), sip.TCP, n.Name)
	h.services = fmt.Sprint(n.Services)
	return h
}

// linkTo is the hop to another node: to its first TCP listener, or with node_transport tls to its first listener that
// verifies clients.
func (p *paths) linkTo(n *node, transport string) *Hop {
	out := TransportOf(transport)
	h := newHop(NodeHop, n.address.String(), p.outgoing(out), out, n.Name)
	h.services = fmt.Sprint(n.Services)
	return h
}

// TransportOf is a transport by its configured name; the snapshot's rules let no other than udp, tcp and tls pass.
func TransportOf(name string) sip.Transport {
	t, _ := sip.ParseTransport(name)
	return t
}

func sortedNames(nodes map[string]*node) []string { return slices.Sorted(maps.Keys(nodes)) }
