package federation

import (
	"fmt"
	"net/netip"
	"strings"
)

// MaxRoutesPerPattern is the number of routes that may share one destination (Cisco's static route field table).
const MaxRoutesPerPattern = 100

// Validate names every problem of the configuration: of each field, and between things. What cannot run cannot be saved.
// usage counts the users where c.Users does not hold them all; pass the zero value when it does.
func (c *Configuration) Validate(usage Usage) []Problem {
	list := c.fieldProblems()
	for _, rule := range []func(Usage) []Problem{
		c.checkNodes, c.checkRoutes, c.checkTLS, c.checkListeners, c.checkDomains, c.checkUsers,
	} {
		list = append(list, rule(usage)...)
	}
	return list
}

// Validate names every problem of the snapshot.
func (s *Snapshot) Validate() []Problem {
	return append(s.Configuration.Validate(s.Usage), s.checkMicrosofts()...)
}

// checkMicrosofts refuses a node with the name or the address of a server of a deployment (guide p.74).
func (s *Snapshot) checkMicrosofts() []Problem {
	var list []Problem
	for i, n := range s.Nodes {
		for _, d := range s.Deployments {
			if d.Answers.Holds(n.Name) {
				list = append(list, problem(at(SectionNodes, i, "name"), "%s is a server of the Microsoft side, in the deployment %s; a node needs a name of its own.", n.Name, d.Name))
			}
			if d.Answers.Holds(n.Address) {
				list = append(list, problem(at(SectionNodes, i, "address"), "%s is a server of the Microsoft side, in the deployment %s; a node needs an address of its own.", n.Address, d.Name))
			}
		}
	}
	return list
}

func at(section string, i int, field string) string {
	return fmt.Sprintf("%s[%d].%s", section, i, field)
}

func (c *Configuration) checkNodes(usage Usage) []Problem {
	var list []Problem
	owner := map[string]string{}
	for i, n := range c.Nodes {
		if other, taken := owner[n.Address]; taken {
			list = append(list, problem(at(SectionNodes, i, "address"),
				"%s has this address already; two nodes cannot share one, because requests from it are taken as from inside.", other))
		}
		owner[n.Address] = n.Name
		if n.Backup != "" && c.Node(n.Backup) == nil {
			list = append(list, problem(at(SectionNodes, i, "backup"), "There is no node %s; choose an existing node, or none.", n.Backup))
		}
		if users := c.homed(n.Name, usage); n.Routing && users > 0 {
			list = append(list, problem(at(SectionNodes, i, "routing"),
				"Users are homed on %s (%d), and a routing node homes nobody; move them to another node first.", n.Name, users))
		}
		if c.HasDomain(n.Name) {
			list = append(list, problem(at(SectionNodes, i, "name"), "%s is one of the domains; a node needs a name of its own.", n.Name))
		}
	}
	for name, users := range usage.ByNode {
		if users > 0 && c.Node(name) == nil {
			list = append(list, problem(SectionNodes, "Users are homed on %s (%d); move them to another node before you remove it.", name, users))
		}
	}
	return list
}

// homed counts the licensed users of a node, in the configuration or, where it holds none, by usage.
func (c *Configuration) homed(node string, usage Usage) int {
	if c.Users == nil {
		return usage.ByNode[node]
	}
	count := 0
	for _, u := range c.Users {
		if u.Licensed && u.Node == node {
			count++
		}
	}
	return count
}

// nodeAddresses are all addresses and names by which nodes are known.
func (c *Configuration) nodeAddresses() map[string]string {
	known := map[string]string{}
	for _, n := range c.Nodes {
		known[n.Address], known[n.Name] = n.Name, n.Name
	}
	return known
}

func (c *Configuration) checkRoutes(Usage) []Problem {
	var list []Problem
	nodes, count := c.nodeAddresses(), map[string]int{}
	for i, r := range c.StaticRoutes {
		if node, ours := nodes[r.NextHop]; ours {
			list = append(list, problem(at(SectionStaticRoutes, i, "next_hop"),
				"%s belongs to the node %s; a static route leads to the Microsoft side, never back to a node.", r.NextHop, node))
		}
		if count[r.Destination]++; count[r.Destination] == MaxRoutesPerPattern+1 {
			list = append(list, problem(at(SectionStaticRoutes, i, "destination"),
				"%s has %d routes already, which is the limit; delete one first.", r.Destination, MaxRoutesPerPattern))
		}
	}
	return list
}

func (c *Configuration) checkTLS(Usage) []Problem {
	var list []Problem
	for i, context := range c.TLSContexts {
		for n, subject := range context.PeerSubjects {
			if !c.HasPeerSubject(subject) {
				list = append(list, problem(at(SectionTLSContexts, i, fmt.Sprintf("peer_subjects[%d]", n)),
					"%s is not in TLS peer subjects; add it there first, or take it out of the context %s.", subject, context.Name))
			}
		}
	}
	if c.TLSContext(PeerAuthContext) == nil {
		list = append(list, problem(SectionTLSContexts, "The context %s holds the peer subjects of next hops and cannot be removed.", PeerAuthContext))
	}
	return list
}

func (c *Configuration) checkListeners(Usage) []Problem {
	var list []Problem
	taken := map[string]string{}
	for i, l := range c.Listeners {
		// TCP and TLS share the port space of the kernel's TCP.
		space := strings.Replace(l.Transport, TLS, TCP, 1)
		key := fmt.Sprintf("%s %d", space, l.Port)
		if other, used := taken[key]; used {
			list = append(list, problem(at(SectionListeners, i, "port"),
				"Port %d is taken by the listener %q. Choose another port, or move that listener first.", l.Port, other))
		} else {
			taken[key] = l.Name
		}
		if l.Transport == TLS && l.TLSContext != "" && c.TLSContext(l.TLSContext) == nil {
			list = append(list, problem(at(SectionListeners, i, "tls_context"),
				"There is no TLS context %s; choose an existing one, or add it first.", l.TLSContext))
		}
	}
	return append(list, c.checkConnectors()...)
}

// checkConnectors refuses a connector on a port where a listener of the same node would open.
func (c *Configuration) checkConnectors() []Problem {
	var list []Problem
	for i, n := range c.Nodes {
		ap, err := netip.ParseAddrPort(n.Connector)
		if err != nil || ap.Addr().String() != n.Address {
			continue
		}
		for _, l := range c.Listeners {
			if l.Port == int(ap.Port()) && l.Transport != UDP {
				list = append(list, problem(at(SectionNodes, i, "connector"),
					"The listener %q opens port %d on this address; give the connector another port.", l.Name, l.Port))
			}
		}
	}
	return list
}

func (c *Configuration) checkDomains(usage Usage) []Problem {
	var list []Problem
	if d := c.Settings.DefaultDomain; d != "" && !c.HasDomain(d) {
		list = append(list, problem("settings.default_domain", "%s is not among the domains; add it there first, or choose another default domain.", d))
	}
	for i, f := range c.FederatedDomains {
		if c.HasDomain(f.Name) {
			list = append(list, problem(at(SectionFederatedDomains, i, "name"),
				"%s is a domain of this side; a federated domain is a remote one.", f.Name))
		}
	}
	for name, users := range usage.ByDomain {
		if users > 0 && !c.HasDomain(name) {
			list = append(list, problem(SectionDomains, "Users have addresses in %s (%d), which would be none of the domains; keep or add that domain, or change these addresses first.", name, users))
		}
	}
	return list
}

// checkUsers holds the references and the uniqueness of the users in the configuration, none of which a snapshot has.
func (c *Configuration) checkUsers(Usage) []Problem {
	var list []Problem
	holder := map[string]string{}
	for i, u := range c.Users {
		list = append(list, c.checkUser(i, u)...)
		address := u.Address(c.Settings)
		if address == "" || !u.Licensed { // who is not licensed here is not reached by this address
			continue
		}
		if other, taken := holder[address]; taken {
			list = append(list, problem(at(SectionUsers, i, "im_address"),
				"%s has the address %s already; every address belongs to one user.", other, address))
		}
		holder[address] = u.UserID
	}
	return list
}

func (c *Configuration) checkUser(i int, u User) []Problem {
	list := under(fmt.Sprintf("%s[%d]", SectionUsers, i), c.UserProblems(u))
	return list
}

// UserProblems are the problems between one user and the rest of the configuration.
func (c *Configuration) UserProblems(u User) []Problem {
	var list []Problem
	switch n := c.Node(u.Node); {
	case u.Node != "" && n == nil:
		list = append(list, problem("node", "There is no node %s; choose an existing one.", u.Node))
	case u.Node != "" && n.Routing && u.Licensed:
		list = append(list, problem("node", "%s is a routing node, which homes nobody; choose another node.", u.Node))
	}
	address := u.Address(c.Settings)
	if u.Licensed && address == "" {
		list = append(list, problem("im_address", "The IM address scheme gives this user no address, because there is no default domain, the id holds an @, or the source is empty; enter the address."))
	}
	if address != "" && u.Licensed && !c.HasDomain(AddressDomain(address)) {
		list = append(list, problem("im_address", "%s is not among the domains; add the domain first, or enter another address.", AddressDomain(address)))
	}
	return list
}
