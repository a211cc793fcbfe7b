package powershell

import (
	"embed"
	"net/netip"
	"slices"
	"strings"
	"text/template"
	"time"

	"isthmus/internal/federation"
)

//go:embed scripts/*.tmpl
var sources embed.FS

// templates write values through quote, list and code alone, and numbers as they are; a test holds them to it.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"quote": Quote, "list": list, "code": code, "number": func(n int) int { return n },
}).ParseFS(sources, "scripts/*.tmpl"))

// Ports of the trusted application and of OCS over TCP (guide p.71, 86).
const (
	portTLS = 5061
	portTCP = 5060
)

// values are what the templates see of a deployment.
type values struct {
	Name      string
	Answers   federation.Answers
	Nodes     []string // the routing node first
	Addresses map[string]string
	Fronted   []string // nodes to which the load balancer before them leads
	Shared    []string // MatchURIs that other deployments send to the same destination
	sharing
	head
}

// A head is what tells two writings of the same script apart.
type head struct {
	Product     string // the program that writes it
	Revision    int64
	Finished    string // when the wizard was
	By          string // and by whom
	Fingerprint string
}

func valuesOf(d federation.Deployment, s federation.Snapshot) values {
	v := values{Name: d.Name, Answers: d.Answers, Nodes: d.Nodes, Addresses: map[string]string{}}
	if len(v.Nodes) == 0 {
		v.Nodes = []string{d.Answers.RoutingNode}
	}
	for _, n := range s.Nodes {
		v.Addresses[n.Name] = n.Address
		if d.Answers.Fronts(n) {
			v.Fronted = append(v.Fronted, n.Name)
		}
	}
	v.Shared = v.shared(d, s)
	v.sharing = v.sharingOf(d, s)
	print := fingerprint(v)
	v.head = head{Product: product, Revision: d.Revision, Finished: d.CreatedAt.UTC().Format(time.DateTime) + " UTC", By: d.CreatedBy, Fingerprint: print}
	return v
}

// shared are those of the deployment's routes that other deployments want as well. Of a route in a global collection
// nobody can say whose it is.
func (v values) shared(d federation.Deployment, s federation.Snapshot) []string {
	var uris []string
	for _, other := range s.Deployments {
		o := values{Answers: other.Answers}
		if other.ID == d.ID || o.OCS() || o.Destination() != v.Destination() {
			continue
		}
		uris = append(uris, slices.DeleteFunc(o.MatchURIs(), func(uri string) bool { return !slices.Contains(v.MatchURIs(), uri) })...)
	}
	slices.Sort(uris)
	return slices.Compact(uris)
}

// check refuses what no script can be written for.
func (v values) check() error {
	if open := v.open(); open != "" {
		return federation.Refuse("The deployment %s has no %s, so its scripts cannot be written. Finish the wizard for it again.", v.Name, open)
	}
	if _, err := netip.ParseAddr(v.Destination()); err == nil && !v.TCP() {
		return federation.Refuse("A TLS route leads to a name and never to an address, so the scripts of %s cannot be written for %s (guide p.74). "+
			"Finish the wizard for it again with the server's FQDN.", v.Name, v.Destination())
	}
	if v.Answers.ChildDomains && v.ipv6() {
		return federation.Refuse("The Microsoft side takes no routes for child domains where IPv6 is used (guide p.69), so the scripts of %s cannot be written. "+
			"Finish the wizard for it again without child domains, or with IPv4 addresses.", v.Name)
	}
	return nil
}

// open names an answer that the scripts need and that was left open, "" when all are there.
func (v values) open() string {
	a := v.Answers
	needed := []struct{ name, value string }{{"routing_node", a.RoutingNode}, {"transport", a.Transport}, {"front_ends", strings.Join(v.FrontEnds(), "")}}
	if !v.OCS() {
		needed = append(needed, []struct{ name, value string }{{"registrar", a.Registrar}, {"site", a.Site},
			{"trusted_pool", a.TrustedPool}, {"application_id", a.ApplicationID}}...)
	}
	for _, n := range needed {
		if n.value == "" {
			return n.name
		}
	}
	return ""
}

// OCS reports whether the Microsoft side knows WMI classes in place of cmdlets.
func (v values) OCS() bool { return v.Answers.Platform == federation.OCS2007R2 }

// Calling reports whether requests go through an Expressway (guide p.14).
func (v values) Calling() bool {
	return v.Answers.Deployment == federation.ChatAndCalling && v.Answers.Expressway != nil
}

// Provider reports whether the Microsoft side needs a public provider for the Expressway: on Lync only (guide p.75).
func (v values) Provider() bool {
	return v.Calling() && (v.Answers.Platform == federation.Lync2013 || v.Answers.Platform == federation.Lync2010)
}

// Engine is the oldest PowerShell that the platform's servers may have: Windows Server 2008 R2 brings 2.0.
func (v values) Engine() string {
	if v.OCS() || v.Answers.Platform == federation.Lync2010 {
		return "2.0"
	}
	return "3.0"
}

// Modern reports whether the platform's servers have PowerShell 3.0 with its cmdlets.
func (v values) Modern() bool { return v.Engine() != "2.0" }

// Shell is the name of the platform's own PowerShell in the start menu.
func (v values) Shell() string {
	switch v.Answers.Platform {
	case federation.Lync2010, federation.Lync2013:
		return "Lync Server Management Shell"
	case federation.OCS2007R2:
		return "Windows PowerShell"
	}
	return "Skype for Business Server Management Shell"
}

// ApplicationPort is the port of the trusted application, the nodes' Peer Auth listener.
func (v values) ApplicationPort() int { return portTLS }

// TCP reports whether the two sides talk without TLS.
func (v values) TCP() bool { return v.Answers.Transport == federation.TCP }

// Wire is the transport as OCS's classes write it.
func (v values) Wire() string { return strings.ToUpper(v.Answers.Transport) }

// Backend is the database instance that holds OCS's routes: a fixed one on Standard Edition, the pool's own on
// Enterprise Edition, which only its administrator knows.
func (v values) Backend() string {
	if v.Answers.Edition == federation.EditionStandard {
		return `(local)\rtc`
	}
	return ""
}

// MatchURIs are the domains for which the Microsoft side gets a route; hosts under a domain need one of their own,
// because a route for a domain matches that domain only.
func (v values) MatchURIs() []string {
	var uris []string
	for _, d := range v.Answers.Domains {
		uris = append(uris, d)
		if v.Answers.ChildDomains {
			uris = append(uris, "*."+d)
		}
	}
	return uris
}
