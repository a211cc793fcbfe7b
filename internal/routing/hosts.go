package routing

import (
	"slices"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
)

// An entry is one port of a known host: a host of the Microsoft side that Route headers and in-dialog requests may
// name.
type entry struct {
	port   int // 0: found by SRV
	ladder ladder
}

// fits reports whether a URI with that port means the entry. A host found by SRV is known by the default ports.
func (e entry) fits(port int) bool {
	return e.port == port || e.port == 0 && (port == sip.TCP.DefaultPort() || port == sip.TLS.DefaultPort())
}

// knownHost finds how a host of the Microsoft side is reached. Without a port the entry of the transport's default
// port is meant, else the first.
func (p *Policy) knownHost(u sip.URI) (ladder, bool) {
	entries, ok := lookUp(p.known, u.Host)
	if !ok {
		return ladder{}, false
	}
	port := u.Port
	if port == 0 {
		port = defaultPort(u)
	}
	for _, e := range entries {
		if e.fits(port) {
			return e.ladder, true
		}
	}
	if u.Port == 0 {
		return entries[0].ladder, true
	}
	return ladder{}, false
}

func defaultPort(u sip.URI) int {
	name, _ := u.Param("transport")
	t, _ := sip.ParseTransport(string(name))
	if u.IsSIPS() {
		t = sip.TLS
	}
	return t.DefaultPort()
}

// hostBook collects known hosts.
type hostBook struct {
	policy *Policy
	known  map[string][]entry
}

// knownHosts are the next hops of static routes, the hosts that domain routes name whole, and the servers of the
// wizard's deployments.
func (p *Policy) knownHosts(routes []usedRoute, deployments []federation.Deployment) map[string][]entry {
	b := hostBook{p, make(map[string][]entry, 2*len(routes))}
	for _, r := range routes {
		b.add(r.NextHop, r.Port, ladder{found: true, groups: []Group{{r.hop}}})
		b.add(r.Domain(), r.Port, ladder{})
	}
	for _, d := range deployments {
		b.addDeployment(d.Answers)
	}
	return b.known
}

func (b hostBook) addDeployment(a federation.Answers) {
	t := TransportOf(a.Transport)
	direct := func(hosts ...string) ladder {
		l := ladder{found: true}
		for _, h := range hosts {
			l.groups = append(l.groups, Group{newHop(MicrosoftHop, h, t.DefaultPort(), t, "")})
		}
		return l
	}
	var all []string
	if a.LoadBalancer != "" {
		b.add(a.LoadBalancer, t.DefaultPort(), direct(a.LoadBalancer))
		all = append(all, a.LoadBalancer)
	}
	for _, fe := range a.FrontEnds {
		b.add(fe.FQDN, t.DefaultPort(), direct(fe.Address))
		b.add(fe.Address, t.DefaultPort(), direct(fe.Address))
		all = append(all, fe.Address)
	}
	b.add(a.Pool, t.DefaultPort(), direct(all...))
	if e := a.Expressway; e != nil {
		port := e.Port
		if port == 0 {
			port = sip.TLS.DefaultPort()
		}
		l := ladder{found: true, groups: []Group{{newHop(MicrosoftHop, e.Address, port, sip.TLS, "")}}}
		b.add(e.FQDN, port, l)
		b.add(e.Address, port, l)
	}
}

// add makes a host known at a port. It is reached by the static routes of its own name, never by those of the domain
// above it, which lead to servers that do not know its dialogs; and by fallback when it has none. A domain of users is no
// host: its in-dialog requests are routed like the others.
func (b hostBook) add(host string, port int, fallback ladder) {
	_, remote := b.policy.federated[host]
	if host == "" || remote || b.policy.domains[host] || slices.ContainsFunc(b.known[host], func(e entry) bool { return e.port == port }) {
		return
	}
	l := fallback
	if p := b.policy.routes.domains[host]; p != nil {
		l = ladder{}
		l.climb(p.exact)
	}
	b.known[host] = append(b.known[host], entry{port, l})
}
