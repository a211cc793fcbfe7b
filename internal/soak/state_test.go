package soak

import (
	"fmt"
	"slices"

	"isthmus/internal/federation"
)

// A state is a configuration as far as anybody's traffic depends on it, and what else is configured. Every revision has
// one: what is allowed to happen to a request follows from those that were in force while it lived.
type state struct {
	revision int64

	// Routes.
	prefer  int  // front end that the domain's requests go to: 1, 2, or 0 for both by weight
	blocked bool // the best of these routes
	gone    bool // there are none
	roam    int  // number of the next hop of roam.example

	// Who is let in.
	visitorACL, visitorSubject, visitorCA bool // what a visitor with a certificate needs
	demand                                bool // a certificate of everybody outside
	hopSubject                            bool // the name of the third front end

	// Listeners.
	tcpPort, tlsPort int
	extraPort        int // 0: there is none
	extraTLS         bool

	// The rest of what decides.
	imp2Proxy, imp2Federation bool
	nodeTLS                   bool
	partitioned, advanced     bool
	direct, federated         bool // direct.example: Direct Federation, and whether it is there
	partner                   bool // partner.example is a domain of this side
	dora                      string
	certificate               int

	spare []spare // what is configured and decides nothing here
}

// A spare is an object that no request of the test meets.
type spare struct {
	kind   string
	number int
	detail int // changes with each edit
}

// firstState lets everybody in and everything through.
func firstState() state {
	return state{
		prefer: 1, visitorACL: true, visitorSubject: true, visitorCA: true, hopSubject: true, tcpPort: 5060, tlsPort: 5061,
		imp2Proxy: true, imp2Federation: true, partitioned: true, direct: true, federated: true, partner: true, dora: imp1,
	}
}

// Names and the last numbers of addresses.
const (
	imp1, imp2 = "imp1.synergy.com", "imp2.synergy.com"
	visitor    = "visitor.synergy.com"

	imp1Host, imp2Host                    = 11, 12
	fe1Host, fe2Host, fe3Host             = 21, 22, 23
	visitorHost, plainHost, extraPeerHost = 31, 32, 33
	roamHost                              = 41
	connectorPort                         = 5080
)

// snapshot is the configuration of a state, as the database would hold it.
func (w *world) snapshot(s state) federation.Snapshot {
	c := federation.DefaultConfiguration()
	w.settings(&c, s)
	w.routes(&c, s)
	w.access(&c, s)
	listeners(&c, s)
	for _, x := range s.spare {
		x.add(&c)
	}
	c.Normalize()
	out := federation.Snapshot{Revision: s.revision, Configuration: c}
	out.Certificates = append(out.Certificates, w.own[s.certificate], w.trusted[0])
	if s.visitorCA {
		out.Certificates = append(out.Certificates, w.trusted[1])
	}
	return out
}

func (w *world) settings(c *federation.Configuration, s state) {
	c.Settings.PartitionedFederation, c.Settings.RequirePeerCertificate = s.partitioned, s.demand
	c.Settings.DefaultDomain = "synergy.com"
	if s.advanced {
		c.Settings.RoutingMode = federation.RoutingAdvanced
	}
	if s.nodeTLS {
		c.Settings.NodeTransport = federation.TLS
	}
	c.Domains = []federation.Domain{{Name: "synergy.com"}}
	if s.partner {
		c.Domains = append(c.Domains, federation.Domain{Name: "partner.example"})
	}
	c.FederatedDomains = []federation.FederatedDomain{{Name: "roam.example", Direct: true}}
	if s.federated {
		c.FederatedDomains = append(c.FederatedDomains, federation.FederatedDomain{Name: "direct.example", Direct: s.direct})
	}
	second := federation.Node{Name: imp2, Address: w.address(imp2Host)}
	if s.imp2Proxy {
		second.Services = append(second.Services, federation.ServiceSIPProxy)
	}
	if s.imp2Federation {
		second.Services = append(second.Services, federation.ServiceSIPFederation)
	}
	c.Nodes = []federation.Node{{Name: imp1, Address: w.address(imp1Host), Services: slices.Clone(federation.Services)}, second}
}

func (w *world) routes(c *federation.Configuration, s state) {
	add := func(domain string, host, port int) *federation.StaticRoute {
		r := federation.NewStaticRoute()
		r.Type, r.Destination, r.NextHop, r.Port, r.Transport = federation.RouteDomain, domain, w.address(host), port, federation.TLS
		c.StaticRoutes = append(c.StaticRoutes, r)
		return &c.StaticRoutes[len(c.StaticRoutes)-1]
	}
	// What dialogs name stays reachable by its own name.
	add("fe1.synergy.com", fe1Host, 5061)
	add("fe2.synergy.com", fe2Host, 5061)
	add("direct.example", fe3Host, 5061)
	roam := add("roam.example", roamHost, w.roamPort(s.roam))
	roam.Transport = federation.TCP
	if s.gone {
		return
	}
	for i, host := range []int{fe1Host, fe2Host} {
		r := add("synergy.com", host, 5061)
		r.Priority = 5
		if i+1 == s.prefer {
			r.Priority = 1
		}
		r.Blocked = s.blocked && (s.prefer == 0 || i+1 == s.prefer)
	}
}

func (w *world) access(c *federation.Configuration, s state) {
	hosts := []int{fe1Host, fe2Host, fe3Host, plainHost, extraPeerHost}
	if s.visitorACL {
		hosts = append(hosts, visitorHost)
	}
	for _, host := range hosts {
		c.ACL = append(c.ACL, federation.ACLEntry{Pattern: w.address(host)})
	}
	subjects := []string{"fe1.synergy.com", "fe2.synergy.com"}
	if s.hopSubject {
		subjects = append(subjects, "fe3.synergy.com")
	}
	if s.visitorSubject {
		subjects = append(subjects, visitor)
	}
	for _, name := range subjects {
		c.TLSPeerSubjects = append(c.TLSPeerSubjects, federation.TLSPeerSubject{Name: name})
	}
	c.TLSContext(federation.PeerAuthContext).PeerSubjects = subjects
}

func listeners(c *federation.Configuration, s state) {
	c.Listeners[0].Port, c.Listeners[3].Port = s.tcpPort, s.tlsPort
	if s.extraPort == 0 {
		return
	}
	l := federation.Listener{Name: "Extra", Transport: federation.TCP, Port: s.extraPort, Enabled: true}
	if s.extraTLS {
		l.Transport, l.TLSContext = federation.TLS, federation.ServerAuthContext
	}
	c.Listeners = append(c.Listeners, l)
}

// add puts a spare object where objects of its kind are.
func (x spare) add(c *federation.Configuration) {
	n, text := x.number, fmt.Sprintf("edit %d", x.detail)
	switch x.kind {
	case "route":
		r := federation.NewStaticRoute()
		r.Type, r.Destination, r.Description = federation.RouteDomain, fmt.Sprintf("d%d.example", n%50), text
		r.NextHop, r.Priority, r.Blocked, r.InService = fmt.Sprintf("10.9.%d.%d", n/200, 1+n%200), 1+x.detail%9, x.detail%3 == 1, x.detail%4 != 1
		c.StaticRoutes = append(c.StaticRoutes, r)
	case "user route":
		r := federation.NewStaticRoute()
		r.Destination, r.NextHop, r.Weight = fmt.Sprintf("+49%d*", 1000+n), fmt.Sprintf("10.8.0.%d", 1+n%200), 1+x.detail%9
		c.StaticRoutes = append(c.StaticRoutes, r)
	case "ACL entry":
		c.ACL = append(c.ACL, federation.ACLEntry{Pattern: fmt.Sprintf("10.7.%d.%d", n/200, 1+n%200), Description: text},
			federation.ACLEntry{Pattern: fmt.Sprintf("10.%d.0.0/16", 20+n%200)})
	case "peer subject":
		name := fmt.Sprintf("peer%d.synergy.com", n)
		c.TLSPeerSubjects = append(c.TLSPeerSubjects, federation.TLSPeerSubject{Name: name, Description: text})
		context := c.TLSContext(federation.PeerAuthContext)
		context.PeerSubjects = append(slices.Clone(context.PeerSubjects), name)
	case "TLS context":
		t := federation.NewTLSContext()
		t.Name, t.VerifyClient, t.MinVersion = fmt.Sprint("context ", n), x.detail%2 == 0, []string{"1.0", "1.2", "1.3"}[x.detail%3]
		c.TLSContexts = append(c.TLSContexts, t)
	case "offer": // of the contexts that are in use
		c.TLSContext(federation.PeerAuthContext).MinVersion = []string{"1.2", "1.3"}[x.detail%2]
		c.TLSContext(federation.ServerAuthContext).MinVersion = []string{"1.0", "1.2"}[x.detail%2]
	case "listener":
		l := federation.Listener{Name: fmt.Sprint("Spare ", n), Transport: []string{federation.TCP, federation.UDP}[n%2], Port: 6100 + n%100, Enabled: x.detail%3 != 1}
		c.Listeners = append(c.Listeners, l)
	case "node":
		c.Nodes = append(c.Nodes, federation.Node{Name: fmt.Sprintf("spare%d.synergy.com", n), Address: fmt.Sprintf("10.6.%d.%d", n/200, 1+n%200),
			Services: slices.Clone(federation.Services[:x.detail%3]), Backup: imp1})
	case "domain":
		c.Domains = append(c.Domains, federation.Domain{Name: fmt.Sprintf("spare%d.example", n)})
	case "federated domain":
		c.FederatedDomains = append(c.FederatedDomains, federation.FederatedDomain{Name: fmt.Sprintf("far%d.example", n), Direct: x.detail%2 == 0})
	case "settings":
		c.Settings.MaxContacts, c.Settings.AutoAuthorize = federation.Limit(1+x.detail), x.detail%2 == 0
	}
}
