package wizard

import (
	"fmt"
	"slices"

	"isthmus/internal/federation"
)

// neighbourWarnings are about deployments beside this one that have something in common with it.
func (p *planner) neighbourWarnings() []string {
	var list []string
	for _, d := range p.s.Deployments {
		if d.Name == p.a.DeploymentName() {
			continue
		}
		other := Defaults(d.Answers, p.s)
		if both := common(p.a.Domains, other.Domains); len(both) > 0 && other.FirstPriority < p.a.FirstPriority {
			list = append(list, fmt.Sprintf("%s is asked first for %s; this deployment is asked only when none of its servers answers.", d.Name, listed(both)))
		}
		if both := sharedServers(p.a, other); len(both) > 0 {
			list = append(list, fmt.Sprintf("%s stands in the deployment %s, too. If this is that deployment under a new name, remove %s afterwards.", listed(both), d.Name, d.Name))
		}
		if warning := trustWarning(p.a, other, d.Name); warning != "" {
			list = append(list, warning)
		}
	}
	return list
}

// sharedServers are names and addresses of front ends, pools and load balancers that two deployments have in common. An
// Expressway may serve both.
func sharedServers(a, b federation.Answers) []string {
	b.Expressway = nil
	mine := []string{a.Pool, a.LoadBalancer}
	for _, h := range a.FrontEnds {
		mine = append(mine, h.FQDN, h.Address)
	}
	return slices.DeleteFunc(mine, func(host string) bool { return !b.Holds(host) })
}

// trustWarning is about the rule that a node is a computer of one trusted application pool of a topology: two deployments
// in one topology have to share theirs.
func trustWarning(a, other federation.Answers, name string) string {
	switch {
	case isOCS(a) || isOCS(other):
		return ""
	case other.TrustedPool == a.Pool || a.TrustedPool == other.Pool:
		return fmt.Sprintf("The trusted application pool of one and the pool of the other have one name; no topology takes both. Give the trusted application pool of this deployment or of %s another name.", name)
	case other.TrustedPool != a.TrustedPool:
		return fmt.Sprintf("%s has the trusted application pool %s. If it is in the same topology as this deployment, choose the same one here: a node can be in one trusted application pool only.",
			name, other.TrustedPool)
	case other.ApplicationID != a.ApplicationID:
		return fmt.Sprintf("The trusted application pool %s is shared with %s, whose application is %s on the same port; choose that application id here, too, unless they are separate organizations.",
			a.TrustedPool, name, other.ApplicationID)
	}
	return fmt.Sprintf("The trusted application pool %s is shared with %s; that is right when both are in one topology, and its scripts leave there what the other needs.", a.TrustedPool, name)
}

// formerWarnings are about what the scripts of before made on the Microsoft side and the new ones know nothing of.
func (p *planner) formerWarnings() []string {
	if p.before == nil {
		return nil
	}
	was := Defaults(p.before.Answers, p.s)
	var left []string
	for _, d := range was.Domains {
		if !slices.Contains(p.a.Domains, d) {
			left = append(left, "the static route of "+d)
		}
	}
	if was.ChildDomains && !p.a.ChildDomains {
		left = append(left, "the static routes of child domains")
	}
	if was.Destination() != p.a.Destination() {
		left = append(left, "the static routes to "+was.Destination())
	}
	if !isOCS(was) {
		if was.TrustedPool != p.a.TrustedPool || isOCS(p.a) {
			left = append(left, "the trusted application pool "+was.TrustedPool)
		} else if was.ApplicationID != p.a.ApplicationID {
			left = append(left, "the trusted application "+was.ApplicationID)
		}
	}
	if len(left) == 0 {
		return nil
	}
	way := "Run the rollback.ps1 of today there before you finish; afterwards nothing writes it again."
	if isOCS(was) {
		way = "Take that back there by hand, as its checklist says."
	}
	return []string{fmt.Sprintf("The Microsoft side still holds %s, which the new scripts know nothing of. %s", listed(left), way)}
}
