package wizard

import (
	"fmt"

	"isthmus/internal/federation"
)

// A hop is one server to which a destination's requests go.
type hop struct{ name, address string }

// hops are the servers that every domain is routed to: the load balancer first when there is one, then the front ends
// in the order in which they were given (guide p.12, 52-53).
func (p *planner) hops() []hop {
	var list []hop
	if p.a.LoadBalancer != "" {
		list = append(list, hop{"load balancer of " + DeploymentName(p.a), p.a.LoadBalancer})
	}
	for _, h := range p.a.FrontEnds {
		list = append(list, hop{h.FQDN, h.Address})
	}
	return list
}

// routes wants the domains and the pool's own name routed to every hop, and each front end's own name to it alone: by
// that name the requests inside a dialog return to the front end that holds it (guide p.53).
func (p *planner) routes() {
	for _, d := range p.a.Domains {
		p.routesTo(d, p.hops())
	}
	if p.a.Pool != "" {
		p.routesTo(p.a.Pool, p.hops())
	}
	for _, h := range p.a.FrontEnds {
		p.routesTo(h.FQDN, []hop{{h.FQDN, h.Address}})
	}
}

func (p *planner) routesTo(name string, hops []hop) {
	for i, h := range hops {
		r := federation.NewStaticRoute()
		r.Destination, r.Type = federation.Reverse(name), federation.RouteDomain
		r.NextHop, r.Port, r.Transport = h.address, sipPort(p.a), p.a.Transport
		r.Priority, r.Description = i+1, h.name
		p.route(r)
	}
}

func (p *planner) route(r federation.StaticRoute) {
	exists, reason := p.routeStanding(r)
	c := p.want("static_route", exists, reason,
		pair("destination", r.Destination), pair("type", r.Type), pair("next_hop", r.NextHop), pair("port", r.Port),
		pair("transport", r.Transport), pair("priority", r.Priority))
	if isNew(c) {
		p.target.StaticRoutes = append(p.target.StaticRoutes, r)
	}
}

// routeStanding compares a wanted route with those of the snapshot. What an administrator wrote as a description is no
// difference.
func (p *planner) routeStanding(r federation.StaticRoute) (exists bool, reason string) {
	for _, old := range p.s.StaticRoutes {
		if old.Key() == r.Key() {
			return true, routeDifference(old, r)
		}
	}
	for _, old := range p.s.StaticRoutes {
		if old.Destination == r.Destination && old.Priority == r.Priority {
			return false, fmt.Sprintf("The route for %s with priority %d leads to %s port %d over %s; give that route another priority, or delete it.",
				old.Destination, old.Priority, old.NextHop, old.Port, old.Transport)
		}
	}
	return false, ""
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
