package routing

import "isthmus/internal/federation"

// homes are the ways to the users of each node, by its name: made once, as every request to an own user takes one.
type homes map[string]home

// A home is where the users of one node are reached.
type home struct{ ways, passed []Group }

// ways lists the ways to the users of a node, the node's own first. A request that has passed another node ends at this
// node's connector if this node is one of the two: the other node tries the next itself.
func (p *Policy) ways(node string, passed bool) []Group {
	if passed {
		return p.homes[node].passed
	}
	return p.homes[node].ways
}

func (p *Policy) newHomes() homes {
	all := make(homes, len(p.nodes))
	for name, n := range p.nodes {
		backup := p.nodes[n.Backup]
		h := home{ways: p.deliverers(n, backup)}
		h.passed = h.ways
		if n == p.self || backup == p.self {
			h.passed = p.deliverers(p.self)
		}
		all[name] = h
	}
	return all
}

func (p *Policy) deliverers(nodes ...*node) (groups []Group) {
	for _, n := range nodes {
		if h := p.deliverer(n); h != nil {
			groups = append(groups, Group{h})
		}
	}
	return groups
}

// deliverer is the hop by which a node's connector is reached, nil while it is not in service.
func (p *Policy) deliverer(n *node) *Hop {
	switch {
	case n == nil || !n.Runs(federation.ServiceSIPFederation):
		return nil
	case n == p.self:
		return n.delivery
	case !n.Runs(federation.ServiceSIPProxy):
		return nil
	}
	return n.link
}
