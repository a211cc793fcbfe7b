package routing

import (
	"cmp"
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// A routeTable finds the static routes of a destination (guide p.52-53): by domain, label by label, and by user part.
type routeTable struct {
	domains map[string]*pattern
	users   userPatterns
}

// A pattern is the routes of one destination. Routes out of service are not there at all.
type pattern struct {
	text  string
	rank  int  // among those for user parts: the place of the most specific is 0
	exact rung // for the destination itself
	under rung // for hosts under it: the routes that allow less specific matches
}

// A rung is what one pattern offers.
type rung struct {
	groups  []Group // by priority, without blocked routes; empty: the pattern offers nothing
	blocked bool    // the routes of the best priority are all blocked
	passes  bool    // when all of its hops failed, a shorter pattern may be tried
}

func (r rung) empty() bool { return len(r.groups) == 0 && !r.blocked }

// A usedRoute is a static route in service with its hop, which all that is made of the route shares.
type usedRoute struct {
	*federation.StaticRoute
	hop *Hop
}

func inService(configured []federation.StaticRoute) []usedRoute {
	routes := make([]usedRoute, 0, len(configured))
	for i := range configured {
		if r := &configured[i]; r.InService {
			routes = append(routes, usedRoute{r, routeHop(r)})
		}
	}
	return routes
}

func newRouteTable(inService []usedRoute) routeTable {
	t := routeTable{domains: make(map[string]*pattern, len(inService))}
	type key struct{ kind, destination string }
	byPattern := make(map[key][]usedRoute, len(inService))
	for _, r := range inService {
		k := key{r.Type, r.Destination}
		byPattern[k] = append(byPattern[k], r)
	}
	for _, routes := range byPattern {
		p := newPattern(routes)
		if domain := routes[0].Domain(); domain != "" {
			t.domains[domain] = p
		} else {
			t.users = append(t.users, p)
		}
	}
	t.users.order()
	return t
}

func newPattern(routes []usedRoute) *pattern {
	slices.SortStableFunc(routes, func(a, b usedRoute) int { return cmp.Compare(a.Priority, b.Priority) })
	p := &pattern{text: routes[0].Destination, exact: newRung(routes)}
	narrow := func(r usedRoute) bool { return !r.AllowLessSpecific }
	p.exact.passes = !slices.ContainsFunc(routes, narrow)
	if p.exact.passes {
		p.under = p.exact
		return p
	}
	p.under = newRung(slices.DeleteFunc(slices.Clone(routes), narrow))
	return p
}

// newRung groups routes that are sorted by priority.
func newRung(routes []usedRoute) rung {
	var r rung
	for i := 0; i < len(routes); {
		end := i
		var group Group
		for ; end < len(routes) && routes[end].Priority == routes[i].Priority; end++ {
			if !routes[end].Blocked {
				group = append(group, routes[end].hop)
			}
		}
		if i == 0 && group == nil {
			return rung{blocked: true}
		}
		if group != nil {
			r.groups = append(r.groups, group)
		}
		i = end
	}
	return r
}

// A ladder is what a request may be sent to, best first.
type ladder struct {
	found   bool // some route fits
	blocked bool // and the best one is blocked
	groups  []Group
}

// ladder collects the routes for a user part and a domain. A user route is more specific than every domain; among
// domains the longest pattern comes first.
func (t *routeTable) ladder(user, domain string) ladder {
	var l ladder
	var space [4]*pattern
	for _, p := range t.users.fitting(space[:0], user) {
		if !l.climb(p.exact) {
			return l
		}
	}
	if p := t.domains[domain]; p != nil && !l.climb(p.exact) {
		return l
	}
	for name := parent(domain); name != ""; name = parent(name) {
		if p := t.domains[name]; p != nil && !l.climb(p.under) {
			return l
		}
	}
	return l
}

// climb adds a pattern's rung and reports whether a shorter pattern is to be looked for.
func (l *ladder) climb(r rung) (more bool) {
	switch {
	case r.empty():
		return true
	case l.found && r.blocked:
		return false
	case l.found:
		l.groups = l.with(r.groups)
	default:
		*l = ladder{found: true, blocked: r.blocked, groups: r.groups}
	}
	return r.passes
}

// with adds groups without the hops that the ladder has already, which would only fail again.
func (l *ladder) with(more []Group) []Group {
	had := map[string]bool{}
	for _, g := range l.groups {
		for _, h := range g {
			had[h.Key()] = true
		}
	}
	groups := slices.Clip(l.groups)
	for _, g := range more {
		fresh := slices.DeleteFunc(slices.Clone(g), func(h *Hop) bool { return had[h.Key()] })
		if len(fresh) > 0 {
			groups = append(groups, fresh)
		}
	}
	return groups
}

func parent(domain string) string {
	_, rest, _ := strings.Cut(domain, ".")
	return rest
}
