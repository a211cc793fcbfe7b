package routing

import (
	"bytes"
	"net/netip"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
)

// A Policy is one snapshot made ready for decisions on one node. It is immutable; requests share it.
type Policy struct {
	Revision int64

	self      *node
	nodes     map[string]*node     // by name
	hosts     map[string]nodeHost  // by every host that names a node or its connector
	addresses map[netip.Addr]*node // by address of the node itself
	homes     homes

	acl                acl
	subjects           map[string]subjects // of the listeners that verify clients, by listener name
	peerAuth           subjects            // of the context sip-proxy-peer-auth
	requireCertificate bool

	domains    map[string]bool // held here
	federated  map[string]bool // remote; the value: Direct Federation
	federation bool            // partitioned federation is on
	advanced   bool            // routing mode

	routes routeTable
	known  map[string][]entry // hosts of the Microsoft side
	paths  paths
	hops   []*Hop
	leads  map[string]bool // by key: every hop, known hosts with them
	byFQDN []*Hop          // those that are named by FQDN, known hosts with them
}

type subjects map[string]bool

// A node is one server of the cluster as decisions see it.
type node struct {
	federation.Node // its services are those that run
	address         netip.Addr
	connector       netip.AddrPort
	link            *Hop // from another node to this one's listener
	delivery        *Hop // from this node to its connector
}

// A nodeHost tells what a host name or address in a URI stands for.
type nodeHost struct {
	node      *node
	itself    bool // the node's name or address
	connector bool // the connector's address
}

// Node is the name of the node that the policy was made for.
func (p *Policy) Node() string { return p.self.Name }

// Serves reports whether the service sip_proxy runs on this node: else nobody who came to a listener is heard.
func (p *Policy) Serves() bool { return p.self.Runs(federation.ServiceSIPProxy) }

// HasNode reports whether an address is that of a node.
func (p *Policy) HasNode(a netip.Addr) bool { return p.addresses[a.Unmap()] != nil }

// Hops are all next hops that the configuration names: those of static routes, and the other nodes and the connector of
// this one. Hops with one Key are listed once.
func (p *Policy) Hops() []*Hop { return p.hops }

// Leads reports whether a request may be sent to the hop of that key.
func (p *Policy) Leads(key string) bool { return p.leads[key] }

// NamedHops are the hops that a request may be sent to and that are named by FQDN.
func (p *Policy) NamedHops() []*Hop { return p.byFQDN }

// part says what of a node a URI names.
type part uint8

const (
	nothing     part = iota
	theNode          // its listeners
	itConnector      // its connector
	strangePort      // its host, with a port that is none of ours
)

// named returns the node whose host a URI names.
func (p *Policy) named(u sip.URI) (*node, part) {
	h, ok := lookUp(p.hosts, u.Host)
	switch {
	case !ok:
		return nil, nothing
	case h.connector && (u.Port == int(h.node.connector.Port()) || u.Port == 0 && !h.itself):
		return h.node, itConnector
	case h.itself && (u.Port == 0 || p.paths.listens(u.Port)):
		return h.node, theNode
	}
	return h.node, strangePort
}

// namesSelf reports whether a Route value stands for this node. The port does not matter while it is not the
// connector's: a dialog outlives the move of a listener to another port.
func (p *Policy) namesSelf(u sip.URI) bool {
	n, what := p.named(u)
	return n == p.self && (what == theNode || what == strangePort)
}

// lookUp finds a host without case and without the dot at its end, and an IPv6 address in any spelling. It allocates
// nothing for names and IPv4.
func lookUp[V any](m map[string]V, host []byte) (v V, ok bool) {
	if bytes.IndexByte(host, ':') >= 0 {
		a, _ := netip.ParseAddr(string(host))
		v, ok = m[a.Unmap().String()]
		return v, ok
	}
	var space [256]byte
	v, ok = m[string(lowered(space[:0], host))]
	return v, ok
}

func lowered(dst, host []byte) []byte {
	host = bytes.TrimSuffix(host, []byte("."))
	for _, c := range host {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20 // a host has letters of ASCII only
		}
		dst = append(dst, c)
	}
	return dst
}
