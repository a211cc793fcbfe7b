package powershell

import (
	"embed"
	"errors"
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
	Name        string
	Answers     federation.Answers
	Nodes       []string // the routing node first
	Addresses   map[string]string
	Revision    int64
	Finished    string
	Fingerprint string
}

func valuesOf(d federation.Deployment, s federation.Snapshot) values {
	v := values{Name: d.Name, Answers: d.Answers, Nodes: d.Nodes, Addresses: map[string]string{}, Revision: d.Revision,
		Finished: d.CreatedAt.UTC().Format(time.DateTime) + " UTC", Fingerprint: Fingerprint(d)}
	if len(v.Nodes) == 0 {
		v.Nodes = []string{d.Answers.RoutingNode}
	}
	for _, n := range s.Nodes {
		v.Addresses[n.Name] = n.Address
	}
	return v
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
	if v.Answers.Platform == federation.Lync2010 {
		return "2.0"
	}
	return "3.0"
}

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

// Destination is the host to which the Microsoft side sends everything.
func (v values) Destination() string {
	if v.Calling() {
		return v.Answers.Expressway.FQDN
	}
	return v.Answers.RoutingNode
}

// DestinationPort is the port on it.
func (v values) DestinationPort() int {
	switch {
	case v.Calling():
		return v.Answers.Expressway.Port
	case v.TCP():
		return portTCP
	}
	return portTLS
}

// DestinationAddress is what its name should resolve to, "" when that is not known or means nothing elsewhere.
func (v values) DestinationAddress() string {
	address := v.Addresses[v.Answers.RoutingNode]
	if v.Calling() {
		address = v.Answers.Expressway.Address
	}
	if a, err := netip.ParseAddr(address); err != nil || a.IsLoopback() {
		return ""
	}
	return address
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

// Pools are the names under which the pool's own collection of routes can stand.
func (v values) Pools() []string {
	pools := []string{v.Answers.Registrar}
	if v.Name != v.Answers.Registrar {
		pools = append(pools, v.Name)
	}
	return pools
}

// FrontEnds are the names of the front ends.
func (v values) FrontEnds() []string {
	var names []string
	for _, h := range v.Answers.FrontEnds {
		names = append(names, h.FQDN)
	}
	return names
}

// NextHop is how OCS names the routing node: by address over TCP, by name over TLS (guide p.88-89).
func (v values) NextHop() (string, error) {
	if !v.TCP() {
		return v.Answers.RoutingNode, nil
	}
	if address := v.Addresses[v.Answers.RoutingNode]; address != "" {
		return address, nil
	}
	return "", federation.Refuse("There is no node %s any more.", v.Answers.RoutingNode)
}

// AuthorizedHosts are the entries of OCS's host authorization: each node by address, over TLS also by name (guide p.89-90).
func (v values) AuthorizedHosts() []string {
	var hosts []string
	for _, n := range v.Nodes {
		if !v.TCP() {
			hosts = append(hosts, n)
		}
		if address := v.Addresses[n]; address != "" {
			hosts = append(hosts, address)
		}
	}
	return hosts
}

// list is a PowerShell array of quoted values.
func list(items []string) (string, error) {
	quoted := make([]string, len(items))
	for i, item := range items {
		q, err := Quote(item)
		if err != nil {
			return "", err
		}
		quoted[i] = q
	}
	return "@(" + strings.Join(quoted, ", ") + ")", nil
}

// code is a value as a Markdown code span, whose fence is longer than any run of backticks in it.
func code(value string) (string, error) {
	if strings.ContainsFunc(value, unwritable) {
		return "", federation.Refuse("A value holds a line break or a control character.")
	}
	if !strings.Contains(value, "`") {
		return "`" + value + "`", nil
	}
	runs := strings.FieldsFunc(value, func(r rune) bool { return r != '`' })
	longest := slices.MaxFunc(runs, func(a, b string) int { return len(a) - len(b) })
	fence := longest + "`"
	return fence + " " + value + " " + fence, nil
}

// cause is the sentence of a function that a template called, without the template's place.
func cause(err error) error {
	var refusal federation.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return err
}
