package wizard

import (
	"strings"

	"isthmus/internal/federation"
)

// Defaults returns the answers in canonical form, with what was left open filled in from the other answers and the
// snapshot. What cannot be told stays empty, and what is no name or address stays as typed, for Check to name.
func Defaults(a federation.Answers, s federation.Snapshot) federation.Answers {
	a = canonical(a)
	fill(&a.Deployment, federation.ChatOnly)
	fill(&a.Transport, federation.TLS)
	fill(&a.Registrar, a.DeploymentName())
	fill(&a.RoutingNode, routingNode(s))
	fill(&a.ApplicationID, DefaultApplicationID)
	if len(a.Domains) > 0 && isName(a.Domains[0]) {
		fill(&a.TrustedPool, "trustedpool."+a.Domains[0])
	}
	if a.Expressway != nil && a.Expressway.Port == 0 {
		a.Expressway.Port = ExpresswayPort
	}
	if a.FirstPriority == 0 {
		a.FirstPriority = 1
	}
	return a
}

func isName(s string) bool {
	_, err := federation.ParseFQDN(s)
	return err == nil
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// routingNode is the node that the wizard proposes: one marked as the routing node goes before others without users,
// these in the order of the list; the only node is proposed even with users. Else it is for the administrator to choose.
func routingNode(s federation.Snapshot) string {
	proposal := ""
	for _, n := range s.Nodes {
		if s.Usage.ByNode[n.Name] > 0 {
			continue
		}
		if n.Routing {
			return n.Name
		}
		fill(&proposal, n.Name)
	}
	if len(s.Nodes) == 1 {
		return s.Nodes[0].Name
	}
	return proposal
}

// canonical brings every answer into the form in which it is compared and stored. It copies what it changes.
func canonical(a federation.Answers) federation.Answers {
	for _, word := range []*string{&a.Platform, &a.Deployment, &a.Edition, &a.Transport} {
		*word = strings.ToLower(strings.TrimSpace(*word))
	}
	a.Site, a.ApplicationID = strings.TrimSpace(a.Site), strings.TrimSpace(a.ApplicationID)
	a.Registrar = withoutRole(a.Registrar)
	for _, name := range []*string{&a.Pool, &a.Registrar, &a.RoutingNode, &a.FrontName, &a.TrustedPool} {
		*name = canonicalName(*name)
	}
	a.LoadBalancer = canonicalAddress(a.LoadBalancer)
	a.FrontEnds = canonicalHosts(a.FrontEnds)
	a.Domains = canonicalDomains(a.Domains)
	if a.MicrosoftDomains = canonicalDomains(a.MicrosoftDomains); len(a.MicrosoftDomains) == 0 {
		a.MicrosoftDomains = nil // none and not known are the same answer
	}
	if a.Expressway != nil {
		e := canonicalHosts([]federation.Host{*a.Expressway})[0]
		a.Expressway = &e
	}
	return a
}

// withoutRole drops Registrar: before a name, as Get-CsService prints it: the scripts need the pool's name alone.
func withoutRole(s string) string {
	const role = "registrar:"
	s = strings.TrimSpace(s)
	if len(s) > len(role) && strings.EqualFold(s[:len(role)], role) {
		return s[len(role):]
	}
	return s
}

func canonicalHosts(hosts []federation.Host) []federation.Host {
	out := []federation.Host{}
	for _, h := range hosts {
		h.FQDN, h.Address = canonicalName(h.FQDN), canonicalAddress(h.Address)
		out = append(out, h)
	}
	return out
}

func canonicalDomains(domains []string) []string {
	out := []string{}
	for _, d := range domains {
		d = strings.TrimSpace(d)
		if name, err := federation.ParseDomain(d); err == nil {
			d = name
		}
		out = append(out, d)
	}
	return out
}

func canonicalName(s string) string {
	if name, err := federation.ParseFQDN(s); err == nil {
		return name
	}
	return strings.TrimSpace(s)
}

func canonicalAddress(s string) string {
	if a, err := federation.ParseAddress(s); err == nil {
		return a.String()
	}
	return strings.TrimSpace(s)
}
