package routing

import (
	"fmt"
	"net/netip"
	"slices"

	"isthmus/internal/federation"
)

// Compile makes a snapshot ready for decisions on the node of that name. The snapshot must be valid; the error names
// what is not.
func Compile(s federation.Snapshot, nodeName string) (*Policy, error) {
	p := &Policy{
		Revision:           s.Revision,
		requireCertificate: s.Settings.RequirePeerCertificate,
		federation:         s.Settings.PartitionedFederation,
		advanced:           s.Settings.RoutingMode == federation.RoutingAdvanced,
		domains:            map[string]bool{},
		federated:          map[string]bool{},
	}
	for _, d := range s.Domains {
		p.domains[d.Name] = true
	}
	for _, d := range s.FederatedDomains {
		p.federated[d.Name] = d.Direct
	}
	p.paths = newPaths(nodeName, s.Listeners, s.TLSContexts)
	if err := p.compileNodes(&s, nodeName); err != nil {
		return nil, err
	}
	var err error
	if p.acl, err = newACL(s.ACL); err != nil {
		return nil, err
	}
	p.compileSubjects(&s)
	routes := inService(s.StaticRoutes)
	p.routes = newRouteTable(routes)
	p.known = p.knownHosts(routes, s.Deployments)
	p.hops = p.allHops(routes)
	p.reach()
	return p, nil
}

func (p *Policy) compileNodes(s *federation.Snapshot, self string) error {
	p.nodes, p.hosts, p.addresses = map[string]*node{}, map[string]nodeHost{}, map[netip.Addr]*node{}
	for _, configured := range s.Nodes {
		n, err := p.newNode(s, configured)
		if err != nil {
			return err
		}
		p.nodes[n.Name], p.addresses[n.address] = n, n
	}
	if p.self = p.nodes[self]; p.self == nil {
		return fmt.Errorf("The configuration has no node %s; add it on the page Nodes, or start the node again so that it registers.", self)
	}
	for _, n := range p.nodes {
		ownAddress := n.connector.Addr() == n.address
		p.hosts[n.Name] = nodeHost{n, true, ownAddress}
		p.hosts[n.address.String()] = nodeHost{n, true, ownAddress}
	}
	for _, n := range p.nodes {
		host := n.connector.Addr().String()
		if _, taken := p.hosts[host]; !taken {
			p.hosts[host] = nodeHost{n, false, true}
		}
	}
	p.homes = p.newHomes()
	return nil
}

func (p *Policy) newNode(s *federation.Snapshot, configured federation.Node) (*node, error) {
	// A service that was stopped is as if it were not activated, wherever a decision depends on it.
	configured.Services = slices.DeleteFunc(slices.Clone(configured.Services), func(service string) bool { return !s.Runs(configured.Name, service) })
	n := &node{Node: configured}
	var err error
	if n.address, err = federation.ParseAddress(configured.Address); err != nil {
		return nil, fmt.Errorf("The node %s has the address %q: %w", configured.Name, configured.Address, err)
	}
	if n.connector, err = netip.ParseAddrPort(configured.Connector); err != nil {
		return nil, fmt.Errorf("The connector of the node %s is %q, which is no IP address and port; correct it on the page Nodes.", configured.Name, configured.Connector)
	}
	n.connector = netip.AddrPortFrom(n.connector.Addr().Unmap(), n.connector.Port())
	n.link = p.paths.linkTo(n, s.Settings.NodeTransport)
	n.delivery = connectorHop(n)
	return n, nil
}

// compileSubjects notes whom each verifying listener lets in, so that a subject taken off the list is refused on
// connections that are open already.
func (p *Policy) compileSubjects(s *federation.Snapshot) {
	p.subjects = map[string]subjects{}
	p.peerAuth = subjectsOf(s.TLSContext(federation.PeerAuthContext))
	for _, l := range s.Listeners {
		if c := s.TLSContext(l.TLSContext); c != nil && c.VerifyClient {
			p.subjects[l.Name] = subjectsOf(c)
		}
	}
}

// subjectsOf lists nobody for a context that is gone, as after somebody removed its row by hand.
func subjectsOf(c *federation.TLSContext) subjects {
	list := subjects{}
	if c == nil {
		return list
	}
	for _, name := range c.PeerSubjects {
		list[name] = true
	}
	return list
}

// allHops lists the hops of the routes in their order, then the other nodes in service and this node's connector.
func (p *Policy) allHops(routes []usedRoute) []*Hop {
	list := make([]*Hop, 0, len(routes)+len(p.nodes))
	seen := make(map[string]bool, len(routes))
	add := func(h *Hop) {
		if !seen[h.Key()] {
			seen[h.Key()] = true
			list = append(list, h)
		}
	}
	for _, r := range routes {
		if !r.Blocked {
			add(r.hop)
		}
	}
	for _, name := range sortedNames(p.nodes) {
		n := p.nodes[name]
		switch {
		case n == p.self && n.Runs(federation.ServiceSIPFederation):
			add(n.delivery)
		case n != p.self && n.Runs(federation.ServiceSIPProxy):
			add(n.link)
		}
	}
	return list
}

// reach notes the keys of all hops that a request may be sent to, and those that DNS has to find, which are named by FQDN:
// of the routes first, then of the known hosts.
func (p *Policy) reach() {
	p.leads = make(map[string]bool, len(p.hops))
	add := func(hops []*Hop) {
		for _, h := range hops {
			if !h.Addr.IsValid() && !p.leads[h.Key()] {
				p.byFQDN = append(p.byFQDN, h)
			}
			p.leads[h.Key()] = true
		}
	}
	add(p.hops)
	for _, host := range p.furtherHosts() {
		for _, e := range p.known[host] {
			for _, g := range e.ladder.groups {
				add(g)
			}
		}
	}
}

// furtherHosts are the known hosts with hops that are not among those of the routes, in their order.
func (p *Policy) furtherHosts() (list []string) {
	isNew := func(h *Hop) bool { return !p.leads[h.Key()] }
	for host, entries := range p.known {
		if slices.ContainsFunc(entries, func(e entry) bool {
			return slices.ContainsFunc(e.ladder.groups, func(g Group) bool { return slices.ContainsFunc(g, isNew) })
		}) {
			list = append(list, host)
		}
	}
	slices.Sort(list)
	return list
}
