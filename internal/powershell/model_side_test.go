package powershell

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/pstest"
)

// servers are the deployments whose Microsoft side has cmdlets; OCS has none.
func servers() map[string]federation.Deployment {
	list := deployments()
	maps.DeleteFunc(list, func(_ string, d federation.Deployment) bool { return d.Answers.Platform == federation.OCS2007R2 })
	return list
}

// each runs a check for every deployment with cmdlets.
func each(t *testing.T, check func(t *testing.T, d federation.Deployment)) {
	t.Helper()
	all := servers()
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		t.Run(kind, func(t *testing.T) { check(t, all[kind]) })
	}
}

// fresh is the deployment's Microsoft side before the first run, with things of others on it: a route, a trusted pool,
// a provider and a second pool of users.
func fresh(d federation.Deployment) *pstest.Microsoft {
	a := d.Answers
	state := pstest.State{
		SIPDomains: append([]string{"elsewhere.example.com"}, a.Domains...),
		Sites:      []pstest.Site{{ID: a.Site, Name: "Redmond"}, {ID: "77", Name: "Dublin"}},
		Registrars: []string{a.Registrar, "other.example.com"},
		Collections: []pstest.Collection{{Identity: "Global", Routes: []pstest.Route{
			{MatchURI: "video.example.com", Destination: "vcs.example.com", Port: 5061, TLS: true}}}},
		TrustedPools: []pstest.TrustedPool{{FQDN: "voice.example.com", Registrar: "other.example.com", Site: "77", TreatAsAuthenticated: true,
			Computers: []string{"voice1.example.com"}, Applications: []pstest.Application{{ID: "voice", Port: 5061}}}},
		Providers: []pstest.Provider{{Identity: "Elsewhere", ProxyFQDN: "proxy.example.com", Enabled: true, Verification: "AlwaysVerifiable"}},
		Policies:  []pstest.Policy{{Identity: "Global"}},
	}
	for _, h := range a.FrontEnds {
		state.FrontEnds = append(state.FrontEnds, pstest.FrontEnd{FQDN: h.FQDN, Running: []string{"RTCSRV", "RTCATS"}})
	}
	m := pstest.NewMicrosoft(state, map[string]string{
		federation.SkypeForBusiness2019: "SkypeForBusiness", federation.SkypeForBusiness2015: "SkypeForBusiness",
		federation.Lync2013: "Lync", federation.Lync2010: "Lync"}[a.Platform])
	if a.Platform == federation.Lync2010 {
		m.OnServer2008()
	}
	m.Names = addresses(d)
	m.Lag = 2
	return m
}

// addresses are what the names of a deployment resolve to.
func addresses(d federation.Deployment) map[string][]string {
	names := map[string][]string{}
	for _, n := range snapshot().Nodes {
		names[n.Name] = []string{n.Address}
	}
	for _, h := range d.Answers.FrontEnds {
		names[h.FQDN] = []string{h.Address}
	}
	if e := d.Answers.Expressway; e != nil {
		names[e.FQDN] = []string{e.Address}
	}
	return names
}

// texts are files that were written before: a kind of deployment, with or without a load balancer, has one answer to
// everything that they hold.
var texts sync.Map

// text is a file of a deployment, its own pages' files among them.
func text(t *testing.T, d federation.Deployment, file string) string {
	t.Helper()
	a := d.Answers
	key := strings.Join([]string{a.Platform, a.Edition, a.Deployment, a.Transport, a.FrontName, file}, " ")
	if known, ok := texts.Load(key); ok {
		return known.(string)
	}
	pages, err := Pages(d, snapshot())
	if err != nil {
		t.Fatal(err)
	}
	step, ok := File(append(script(t, d), PageSteps(pages)...), file)
	if !ok {
		t.Fatalf("there is no %s", file)
	}
	texts.Store(key, step.Text)
	return step.Text
}

// ran runs a file of the deployment and wants an exit code.
func ran(t *testing.T, m *pstest.Microsoft, d federation.Deployment, code int, file string, arguments ...string) pstest.Result {
	t.Helper()
	result, err := m.Run(text(t, d, file), arguments...)
	if err != nil {
		t.Fatalf("%s %v: %v", file, arguments, err)
	}
	if result.Code != code || result.Uncaught != "" {
		t.Fatalf("%s %v ends with code %d, want %d\n%s", file, arguments, result.Code, code, told(result))
	}
	return result
}

func told(r pstest.Result) string {
	return fmt.Sprintf("uncaught: %s\nerrors: %v\nwarnings: %v\nchanges: %v\n%s", r.Uncaught, r.Errors, r.Warnings, r.Changes, strings.Join(r.Host, "\n"))
}

// sameState compares without the order in which things were added.
func sameState(t *testing.T, what string, got, want pstest.State) {
	t.Helper()
	if g, w := sorted(got).Text(), sorted(want).Text(); g != w {
		t.Errorf("%s: %s", what, firstDifference(g, w))
	}
}

func sorted(s pstest.State) pstest.State {
	s = s.Clone()
	for _, c := range s.Collections {
		slices.SortFunc(c.Routes, func(a, b pstest.Route) int { return strings.Compare(a.MatchURI, b.MatchURI) })
	}
	for _, p := range s.TrustedPools {
		slices.Sort(p.Computers)
	}
	return s
}

// wanted are the changes that configure.ps1 has to make on a fresh Microsoft side whose routes belong into a collection.
func wanted(d federation.Deployment, collection string) []string {
	a := d.Answers
	destination, port := a.RoutingNode, 5061
	if a.Deployment == federation.ChatAndCalling {
		destination, port = a.Expressway.FQDN, a.Expressway.Port
	}
	var list []string
	for _, domain := range a.Domains {
		list = append(list, fmt.Sprintf("add the route for %s to %s:%d in %s", domain, destination, port, collection))
		if a.ChildDomains {
			list = append(list, fmt.Sprintf("add the route for *.%s to %s:%d in %s", domain, destination, port, collection))
		}
	}
	list = append(list, "create the trusted application pool "+a.TrustedPool+" with "+a.RoutingNode)
	for _, node := range d.Nodes {
		if node != a.RoutingNode {
			list = append(list, "add the computer "+node+" to "+a.TrustedPool)
		}
	}
	list = append(list, "add the trusted application "+a.ApplicationID+" on port 5061 to "+a.TrustedPool)
	if a.Deployment == federation.ChatAndCalling && strings.HasPrefix(a.Platform, "lync") {
		list = append(list, "add the public provider "+a.ApplicationID+" for "+destination)
	}
	return append(list, "enable the topology")
}
