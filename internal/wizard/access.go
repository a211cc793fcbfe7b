package wizard

import (
	"slices"

	"isthmus/internal/federation"
)

// A party is a name or address of the Microsoft side that may connect, and whose it is.
type party struct{ pattern, of string }

// acl wants every server of the Microsoft side admitted, by address and by name (guide p.54-55).
func (p *planner) acl() {
	for _, peer := range letIn(p.a) {
		known := slices.ContainsFunc(p.s.ACL, func(e federation.ACLEntry) bool { return e.Pattern == peer.pattern })
		if isNew(p.want(kindACL, known, "", pair("pattern", peer.pattern))) {
			p.target.ACL = append(p.target.ACL, federation.ACLEntry{Pattern: peer.pattern, Description: peer.of})
		}
	}
}

// letIn are the names and addresses that the ACL needs: those of the Microsoft side, and that of the load balancer before
// the routing nodes, from whose address all of it then connects.
func letIn(a federation.Answers) []party {
	list := admitted(a)
	if a.FrontName != "" {
		list = append(list, party{a.FrontName, "Load balancer before the routing nodes"})
	}
	return list
}

// admitted are the names and addresses from which the Microsoft side connects.
func admitted(a federation.Answers) []party {
	var list []party
	add := func(pattern, of string) {
		if pattern != "" {
			list = append(list, party{pattern, of})
		}
	}
	for _, h := range a.FrontEnds {
		add(h.Address, "Front end "+h.FQDN)
		add(h.FQDN, "Front end "+h.FQDN)
	}
	add(a.Pool, "Pool "+a.Pool)
	add(a.LoadBalancer, "Load balancer of "+a.DeploymentName())
	if callsToo(a) && a.Expressway != nil {
		add(a.Expressway.FQDN, "Expressway "+a.Expressway.FQDN)
		add(a.Expressway.Address, "Expressway "+a.Expressway.FQDN)
	}
	return list
}

// peerSubjects wants the names that the Microsoft side's certificates carry as their Common Name (guide p.56-57). Over
// TCP nobody presents a certificate.
func (p *planner) peerSubjects() {
	for _, peer := range presenting(p.a) {
		known := p.s.HasPeerSubject(peer.pattern)
		if isNew(p.want(kindSubject, known, "", pair("name", peer.pattern))) {
			p.target.TLSPeerSubjects = append(p.target.TLSPeerSubjects, federation.TLSPeerSubject{Name: peer.pattern, Description: peer.of})
		}
	}
}

// presenting are those of them that a certificate can carry.
func presenting(a federation.Answers) []party {
	if overTCP(a) {
		return nil
	}
	return slices.DeleteFunc(admitted(a), func(peer party) bool { return federation.IsAddress(peer.pattern) })
}
