package web

import (
	"fmt"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/wizard"
)

// cautions are what may work and deserves a second look, each with the field that it arises at. The plan's warnings say it
// again at the end, for the whole.
func cautions(a federation.Answers, s federation.Snapshot) federation.Invalid {
	var list federation.Invalid
	add := func(path, format string, args ...any) {
		list = append(list, federation.Problem{Path: path, Text: fmt.Sprintf(format, args...)})
	}
	local := func(path string, h federation.Host) {
		if wizard.IsLoopback(h.Address) {
			add(path+".address", "No other machine can reach the loopback address %s.", h.Address)
		}
		if strings.HasSuffix(strings.ToLower(h.FQDN), ".localdomain") {
			add(path+".fqdn", "No other machine can look up a name under .localdomain.")
		}
	}
	if a.LoadBalancer != "" {
		add("load_balancer", "The guide does not support a load balancer between the two sides (p.18). It is tried first, and the front ends stand behind it as backups.")
	}
	if wizard.IsLoopback(a.LoadBalancer) {
		add("load_balancer", "No other machine can reach the loopback address %s.", a.LoadBalancer)
	}
	for i, h := range a.FrontEnds {
		local(fmt.Sprintf("front_ends[%d]", i), h)
	}
	if a.Expressway != nil {
		local("expressway", *a.Expressway)
	}
	for _, d := range onlyHere(a) {
		add("domains", "%s is not among the domains of the Microsoft side, so nobody there has an address in it.", d)
	}
	if users := s.Usage.ByNode[a.RoutingNode]; users > 0 {
		add("routing_node", "%s on %s would share it with all that the Microsoft side sends; a node without users is better.",
			capital(counted(users, "user", "users")), a.RoutingNode)
	}
	return list
}

// onlyHere are the chosen domains that the Microsoft side does not know, none while its domains are not known.
func onlyHere(a federation.Answers) []string {
	there := map[string]bool{}
	for _, d := range a.MicrosoftDomains {
		there[d] = true
	}
	var list []string
	for _, d := range a.Domains {
		if len(there) > 0 && !there[d] {
			list = append(list, d)
		}
	}
	return list
}
