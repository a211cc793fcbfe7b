package web

import (
	"isthmus/internal/federation"
	"isthmus/templates"
)

// begin is where the reader goes on: to the wizard, but for the domain, which it asks for and does not make.
func (sc scene) begin(draft bool) templates.PageLink {
	switch {
	case draft:
		return templates.PageLink{Name: "Continue in the wizard", Href: "/wizard"}
	case len(sc.Domains) == 0:
		return templates.PageLink{Name: "Add the domain", Href: "/domains/new"}
	}
	return templates.PageLink{Name: "Open the wizard", Href: "/wizard"}
}

// tasks is the guide's task flow with what is done already, shown until the federation is on and has a route. After the
// domain it is one step for whoever may use the wizard; the steps after that are what it does.
func (sc scene) tasks(mayChange bool) []templates.Task {
	if sc.Settings.PartitionedFederation && len(sc.StaticRoutes) > 0 && len(sc.Domains) > 0 {
		return nil
	}
	domain := templates.Task{Done: len(sc.Domains) > 0, Text: "Add the domain that both sides share", Href: "/domains"}
	steps := []templates.Task{
		{Done: sc.Settings.PartitionedFederation, Text: "Turn on partitioned intradomain federation", Href: "/settings"},
		{Done: len(sc.StaticRoutes) > 0, Text: "Add a static route to each front end", Href: "/static-routes"},
		{Done: len(sc.ACL) > 0, Text: "Let the front ends in with the incoming ACL", Href: "/acl"},
		{Done: len(sc.TLSPeerSubjects) > 0, Text: "Add the front ends' certificate names as TLS peer subjects", Href: "/tls-peer-subjects"},
		{Done: len(unmapped(sc.Snapshot)) == 0 && len(sc.TLSPeerSubjects) > 0, Text: "Select them in the TLS context " + federation.PeerAuthContext, Href: "/tls-contexts"},
		{Done: halfSwapped(sc.Configuration) == "", Text: "Put peer authentication on port 5061", Href: "/listeners"},
	}
	if !mayChange {
		return append([]templates.Task{domain}, steps...)
	}
	for i := range steps {
		steps[i].Note = "The wizard does this"
	}
	wizard := templates.Task{Done: len(sc.Deployments) > 0, Text: "Go through the wizard, which does the rest", Href: "/wizard"}
	return append([]templates.Task{domain, wizard}, steps...)
}
