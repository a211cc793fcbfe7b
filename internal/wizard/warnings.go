package wizard

import (
	"fmt"
	"strings"

	"isthmus/internal/federation"
)

// warnings are whole sentences about what works, or may work, and still deserves a second look.
func (p *planner) warnings() []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if p.a.LoadBalancer != "" {
		add("A load balancer between the two sides is not supported by the guide (p.18); the front ends stand behind it as backups.")
	}
	if p.a.Expressway != nil && !callsToo(p.a) {
		add("Chat only uses no Expressway; %s is left out of the plan.", printable(p.a.Expressway.FQDN))
	}
	if users := p.s.Usage.ByNode[p.a.RoutingNode]; users > 0 {
		add("Users are homed on the routing node %s (%d) and share it with everything that the Microsoft side sends; a node without users is better.",
			p.a.RoutingNode, users)
	}
	if text := p.frontWarning(); text != "" {
		list = append(list, text)
	}
	if p.a.ChildDomains && WithIPv6(p.a, p.s) != "" {
		add("Routes for child domains do not work over IPv6 on the Microsoft side (p.69), so no script can be written for them; leave child_domains off, or use IPv4 addresses.")
	}
	if advice := p.versionAdvice(p.a); advice != "" {
		list = append(list, advice)
	} else if v := p.target.TLSContext(federation.PeerAuthContext); v != nil && !overTCP(p.a) && v.MinVersion < versionNew {
		add("The context %s admits TLS %s, because that is all that Lync and OCS offer; every peer of this context may use it.", v.Name, v.MinVersion)
	}
	for _, more := range [][]string{p.domainWarnings(), p.neighbourWarnings(), p.formerWarnings(), p.transportWarnings(), p.localWarnings()} {
		list = append(list, more...)
	}
	return list
}

// frontWarning is about a load balancer that has nobody to turn to when the routing node is away.
func (p *planner) frontWarning() string {
	behind := 0
	for _, n := range p.s.Nodes {
		if p.a.Fronts(n) {
			behind++
		}
	}
	if p.a.FrontName == "" || behind > 1 {
		return ""
	}
	return fmt.Sprintf("Behind the load balancer %s stands %s alone; mark a second node as a routing node, so that there is one to turn to.", p.a.FrontName, p.a.RoutingNode)
}

// transportWarnings are about certificates that one deployment presents and another cannot.
func (p *planner) transportWarnings() []string {
	if overTCP(p.a) {
		if !p.s.Settings.RequirePeerCertificate {
			return nil
		}
		return []string{"Requests from outside need a certificate today, so this deployment's requests over TCP are refused with 403; turn require_peer_certificate off in Settings, or choose tls."}
	}
	var list []string
	for _, d := range p.s.Deployments {
		if overTCP(d.Answers) && !p.s.Settings.RequirePeerCertificate {
			list = append(list, fmt.Sprintf("From now on requests from outside need a certificate, so those of %s over TCP are refused with 403.", d.Name))
		}
	}
	return list
}

// localWarnings are about names and addresses that mean something on one machine only.
func (p *planner) localWarnings() []string {
	var list []string
	add := func(who, name, address string) {
		if IsLoopback(address) {
			list = append(list, fmt.Sprintf("%s %s has the loopback address %s, which no other machine can reach.", who, name, address))
		}
		if strings.HasSuffix(name, ".localdomain") {
			list = append(list, fmt.Sprintf("%s %s has a name under .localdomain, which no other machine can look up.", who, name))
		}
	}
	for _, n := range p.s.Nodes {
		add("The node", n.Name, n.Address)
	}
	for _, h := range p.a.FrontEnds {
		add("The front end", h.FQDN, h.Address)
	}
	for _, h := range nextHops(p.a) {
		if isNetwork(h.address) {
			list = append(list, fmt.Sprintf("%s is the address of a network or its broadcast address in most networks; check that %s has it.", h.address, h.name))
		}
	}
	if IsLoopback(p.a.LoadBalancer) {
		list = append(list, fmt.Sprintf("The load balancer has the loopback address %s, which no other machine can reach.", p.a.LoadBalancer))
	}
	if callsToo(p.a) {
		add("The Expressway", p.a.Expressway.FQDN, p.a.Expressway.Address)
	}
	return list
}
