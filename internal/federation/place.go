package federation

import (
	"cmp"
	"net"
	"strconv"
)

// A Place is a port of a server of the Microsoft side, as the configuration names it.
type Place struct {
	Host      string // IP address or FQDN
	Port      int
	Addresses []string // where an FQDN is, when the configuration says so; none: DNS says it
	Role      string   // what it is, for people: "front end of pool.synergy.com"
}

// String is host:port, an IPv6 address in brackets.
func (p Place) String() string { return net.JoinHostPort(p.Host, strconv.Itoa(p.Port)) }

// Usual ports of SIP (RFC 3261 section 19.1.2).
const (
	portSIP  = 5060
	portSIPS = 5061
)

// Places are the ports that a check of the Microsoft side may connect to, each once: those of the deployments' servers,
// then the next hops of static routes. One that is found by SRV counts with its transport's usual port. UDP has no place:
// nothing can be connected to there.
func (s *Snapshot) Places() []Place {
	var list []Place
	known := map[string]bool{}
	add := func(p Place) {
		if at := p.String(); p.Host != "" && !known[at] {
			known[at], list = true, append(list, p)
		}
	}
	for _, d := range s.Deployments {
		for _, p := range placesOf(d) {
			add(p)
		}
	}
	for _, r := range s.StaticRoutes {
		if r.Transport != UDP {
			add(Place{Host: r.NextHop, Port: cmp.Or(r.Port, usualPort(r.Transport)), Role: "next hop of a static route"})
		}
	}
	return list
}

func usualPort(transport string) int {
	if transport == TCP {
		return portSIP
	}
	return portSIPS
}

func placesOf(d Deployment) []Place {
	a, of := d.Answers, " of "+d.Name
	port := usualPort(a.Transport)
	pool := Place{Host: a.Pool, Port: port, Role: "pool"}
	if a.LoadBalancer != "" {
		pool.Addresses = append(pool.Addresses, a.LoadBalancer)
	}
	var list []Place
	for _, fe := range a.FrontEnds {
		pool.Addresses = append(pool.Addresses, fe.Address)
		list = append(list, Place{fe.FQDN, port, []string{fe.Address}, "front end" + of}, Place{Host: fe.Address, Port: port, Role: "front end" + of})
	}
	list = append(list, pool, Place{Host: a.LoadBalancer, Port: port, Role: "load balancer" + of})
	if e := a.Expressway; e != nil {
		p := cmp.Or(e.Port, portSIPS)
		list = append(list, Place{e.FQDN, p, []string{e.Address}, "Expressway" + of}, Place{Host: e.Address, Port: p, Role: "Expressway" + of})
	}
	return list
}
