package wizard

import (
	"fmt"
	"slices"

	"isthmus/internal/federation"
)

// maxPriority is the last priority that a route can have.
const maxPriority = 65535

// A hop is one server to which a destination's requests go.
type hop struct{ name, address string }

// nextHops are the servers that every domain is routed to: the load balancer first when there is one, then the front ends
// in the order in which they were given (guide p.12, 52-53).
func nextHops(a federation.Answers) []hop {
	var list []hop
	if a.LoadBalancer != "" {
		list = append(list, hop{"load balancer of " + a.DeploymentName(), a.LoadBalancer})
	}
	for _, h := range a.FrontEnds {
		list = append(list, hop{h.FQDN, h.Address})
	}
	return list
}

// lastFirstPriority is the highest priority with which that many next hops can begin.
func lastFirstPriority(hops int) int { return maxPriority + 1 - max(hops, 1) }

// routesOf leads the domains and the pool's own name to every hop, and each front end's own name to it alone: by that
// name the requests inside a dialog return to the front end that holds it (guide p.53).
func routesOf(a federation.Answers) []federation.StaticRoute {
	var list []federation.StaticRoute
	to := func(name string, hops []hop) {
		for i, h := range hops {
			r := federation.NewStaticRoute()
			r.Destination, r.Type = federation.Reverse(name), federation.RouteDomain
			r.NextHop, r.Port, r.Transport = h.address, sipPort(a), a.Transport
			r.Priority, r.Description = a.FirstPriority+i, h.name
			list = append(list, r)
		}
	}
	for _, d := range a.Domains {
		to(d, nextHops(a))
	}
	if a.Pool != "" {
		to(a.Pool, nextHops(a))
	}
	for _, h := range a.FrontEnds {
		to(h.FQDN, []hop{{h.FQDN, h.Address}})
	}
	return list
}

// routes wants every route of the answers.
func (p *planner) routes() {
	wanted := routesOf(p.a)
	standing := p.standing(wanted)
	for _, r := range wanted {
		exists, reason := standing.compare(r)
		if isNew(p.want(kindRoute, exists, reason, routeFields(r)...)) {
			p.target.StaticRoutes = append(p.target.StaticRoutes, r)
		}
	}
}

func routeFields(r federation.StaticRoute) []federation.KeyValue {
	return []federation.KeyValue{pair("destination", r.Destination), pair("type", r.Type), pair("next_hop", r.NextHop), pair("port", r.Port),
		pair("transport", r.Transport), pair("priority", r.Priority)}
}

// A place is what two routes cannot both hold without sharing their requests.
type place struct {
	destination string
	priority    int
}

// standing are the routes of a snapshot as wanted ones are compared with them.
type standing struct {
	byKey  map[string]federation.StaticRoute
	holder map[place]federation.StaticRoute // the first that holds it
	behind string                           // see wayBehind
}

func (p *planner) standing(wanted []federation.StaticRoute) standing {
	s := standing{byKey: map[string]federation.StaticRoute{}, holder: map[place]federation.StaticRoute{}, behind: p.wayBehind(wanted)}
	for _, r := range p.s.StaticRoutes {
		s.byKey[r.Key()] = r
		if _, held := s.holder[place{r.Destination, r.Priority}]; !held {
			s.holder[place{r.Destination, r.Priority}] = r
		}
	}
	return s
}

// compare holds a wanted route against those that stand. What an administrator wrote as a description is no difference.
func (s standing) compare(r federation.StaticRoute) (exists bool, reason string) {
	if old, ok := s.byKey[r.Key()]; ok {
		return true, routeDifference(old, r)
	}
	if old, held := s.holder[place{r.Destination, r.Priority}]; held {
		return false, fmt.Sprintf("The route for %s with priority %d leads to %s port %d over %s; give that route another priority, or delete it%s.",
			old.Destination, old.Priority, old.NextHop, old.Port, old.Transport, s.behind)
	}
	return false, ""
}

// wayBehind is the part of a sentence that tells Behind; "" when no number is left.
func (p *planner) wayBehind(wanted []federation.StaticRoute) string {
	first := behind(p.a, p.s.StaticRoutes, wanted)
	if first == 0 {
		return ""
	}
	return fmt.Sprintf(", or begin behind it with first_priority: %d", first)
}

// Behind is the first priority with which a whole deployment stands behind whatever is routed to its destinations
// already and stays; 0 when no number is left.
func Behind(a federation.Answers, s federation.Snapshot) int {
	a = Defaults(a, s)
	left := newLedger(a.DeploymentName(), s).leaving(wantsOf(a)).without(s.Configuration)
	return behind(a, left.StaticRoutes, routesOf(a))
}

func behind(a federation.Answers, standing, wanted []federation.StaticRoute) int {
	destinations, own, last := map[string]bool{}, map[string]bool{}, 0
	for _, r := range wanted {
		destinations[r.Destination], own[r.Key()] = true, true
	}
	for _, old := range standing {
		if destinations[old.Destination] && !own[old.Key()] {
			last = max(last, old.Priority)
		}
	}
	if last+1 > lastFirstPriority(len(nextHops(a))) {
		return 0
	}
	return last + 1
}

func routeDifference(old, r federation.StaticRoute) string {
	switch {
	case old.Blocked:
		return "This route is blocked; unblock it, or delete it."
	case !old.InService:
		return "This route is out of service; put it into service, or delete it."
	case old.Type != r.Type:
		return fmt.Sprintf("This route has the type %s; change it to %s, or delete it.", old.Type, r.Type)
	case old.Priority != r.Priority:
		return fmt.Sprintf("This route has priority %d; change it to %d, or delete it.", old.Priority, r.Priority)
	case old.Weight != r.Weight:
		return fmt.Sprintf("This route has weight %d; change it to %d, or delete it.", old.Weight, r.Weight)
	case old.AllowLessSpecific != r.AllowLessSpecific:
		return "This route does not fall back to a shorter pattern; allow less specific routes, or delete it."
	}
	return ""
}

// leadsTo reports whether one of the routes has one of these names and addresses as its next hop.
func leadsTo(routes []federation.StaticRoute, hosts ...string) *federation.StaticRoute {
	i := slices.IndexFunc(routes, func(r federation.StaticRoute) bool { return slices.Contains(hosts, r.NextHop) })
	if i < 0 {
		return nil
	}
	return &routes[i]
}
