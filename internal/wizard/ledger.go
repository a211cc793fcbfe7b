package wizard

import (
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// A ledger knows which objects runs of the wizard made, and who asks for them besides one deployment. An object goes
// when a run made it, that deployment has no use for it any more and nobody else has; what stood there before the wizard
// stays.
type ledger struct {
	s      federation.Snapshot
	before wants                        // of the deployment as it was finished last; of nothing when it never was
	own    map[federation.Made]bool     // what its runs made
	made   map[federation.Made]bool     // what runs for any deployment made
	others map[federation.Made][]string // deployments that ask for an object, by name
}

func newLedger(name string, s federation.Snapshot) ledger {
	l := ledger{s: s, before: wantsOf(federation.Answers{}), own: map[federation.Made]bool{}, made: map[federation.Made]bool{}, others: map[federation.Made][]string{}}
	for _, d := range s.Deployments {
		for _, object := range d.Made {
			l.made[object] = true
		}
		wanted := wantsOf(Defaults(d.Answers, s))
		if d.Name != name {
			for object := range wanted.objects {
				l.others[object] = append(l.others[object], d.Name)
			}
			continue
		}
		l.before = wanted
		for _, object := range d.Made {
			l.own[object] = true
		}
	}
	return l
}

// ours reports whether the deployment asked for an object or made it.
func (l ledger) ours(object federation.Made) bool { return l.own[object] || l.before.objects[object] }

// A leaving is what a deployment gives up, in the order of the configuration.
type leaving struct {
	routes   []federation.StaticRoute
	acl      []federation.ACLEntry
	subjects []federation.TLSPeerSubject
	stays    map[federation.Made]string // what it has no use for and what stays nevertheless, with the reason
}

// leaving compares what the deployment has with what it keeps.
func (l ledger) leaving(keep wants) leaving {
	out := leaving{stays: map[federation.Made]string{}}
	var foreign []federation.StaticRoute // that lead somewhere for reasons of their own
	for _, r := range l.s.StaticRoutes {
		object := madeRoute(r)
		switch {
		case l.gives(object, keep, &out) || l.moved(r, keep):
			out.routes = append(out.routes, r)
		case !keep.objects[object] && len(l.others[object]) == 0:
			foreign = append(foreign, r)
		}
	}
	for _, e := range l.s.ACL {
		if object := (federation.Made{Kind: kindACL, Key: e.Pattern}); l.gives(object, keep, &out) && !l.inUse(object, foreign, &out) {
			out.acl = append(out.acl, e)
		}
	}
	for _, t := range l.s.TLSPeerSubjects {
		if object := (federation.Made{Kind: kindSubject, Key: t.Name}); l.gives(object, keep, &out) && !l.inUse(object, foreign, &out) {
			out.subjects = append(out.subjects, t)
		}
	}
	return out
}

// gives reports whether an object goes; what is not kept and stays nevertheless is noted with its reason.
func (l ledger) gives(object federation.Made, keep wants, out *leaving) bool {
	switch others := l.others[object]; {
	case !l.ours(object) || keep.objects[object]:
		return false
	case len(others) > 0:
		out.stays[object] = usedBy(others)
	case !l.made[object]:
		out.stays[object] = beforeTheWizard(object.Kind)
	default:
		return true
	}
	return false
}

func usedBy(deployments []string) string {
	if len(deployments) == 1 {
		return "The deployment " + deployments[0] + " uses it too."
	}
	return "The deployments " + strings.Join(deployments, ", ") + " use it too."
}

func beforeTheWizard(kind string) string {
	if kind == kindSubject {
		return "It stood there before the wizard, or a run of before an upgrade made it. Certificates of this name are still accepted; delete it yourself if nothing else needs it."
	}
	return "It stood there before the wizard, or a run of before an upgrade made it; delete it yourself if nothing else needs it."
}

// inUse reports whether a route that stays leads to the server behind a name or address, and notes it: without its ACL
// entry and peer subject that server could neither be reached over TLS nor answer in a dialog.
func (l ledger) inUse(object federation.Made, foreign []federation.StaticRoute, out *leaving) bool {
	r := leadsTo(foreign, append(slices.Clone(l.before.server[object.Key]), object.Key)...)
	if r != nil {
		out.stays[object] = "The static route for " + r.Destination + " leads there; delete that route first if it is not needed."
	}
	return r != nil
}

// moved reports whether a route is kept and only its place among the next hops changed. A priority that somebody changed
// by hand is not the wizard's to change again.
func (l ledger) moved(r federation.StaticRoute, keep wants) bool {
	object := madeRoute(r)
	then, now := l.before.routes[r.Key()], keep.routes[r.Key()]
	if !l.made[object] || len(l.others[object]) > 0 || r.Priority != then.Priority || r.Priority == now.Priority {
		return false
	}
	r.Priority = now.Priority
	return routeDifference(r, now) == ""
}

// without is a configuration from which all of this is gone. A peer subject leaves every context with it.
func (out leaving) without(c federation.Configuration) federation.Configuration {
	gone := map[federation.Made]bool{}
	for _, r := range out.routes {
		gone[madeRoute(r)] = true
	}
	for _, e := range out.acl {
		gone[federation.Made{Kind: kindACL, Key: e.Pattern}] = true
	}
	for _, t := range out.subjects {
		gone[federation.Made{Kind: kindSubject, Key: t.Name}] = true
	}
	c = cloned(c)
	c.StaticRoutes = slices.DeleteFunc(c.StaticRoutes, func(r federation.StaticRoute) bool { return gone[madeRoute(r)] })
	c.ACL = slices.DeleteFunc(c.ACL, func(e federation.ACLEntry) bool { return gone[federation.Made{Kind: kindACL, Key: e.Pattern}] })
	subject := func(name string) bool { return gone[federation.Made{Kind: kindSubject, Key: name}] }
	c.TLSPeerSubjects = slices.DeleteFunc(c.TLSPeerSubjects, func(t federation.TLSPeerSubject) bool { return subject(t.Name) })
	for i := range c.TLSContexts {
		c.TLSContexts[i].PeerSubjects = slices.DeleteFunc(c.TLSContexts[i].PeerSubjects, subject)
	}
	return c
}

// changes are the lines of what goes.
func (out leaving) changes() []federation.Change {
	var list []federation.Change
	add := func(kind string, fields ...federation.KeyValue) {
		list = append(list, federation.Change{Verdict: federation.VerdictRemove, Kind: kind, Fields: fields})
	}
	for _, r := range out.routes {
		add(kindRoute, routeFields(r)...)
	}
	for _, e := range out.acl {
		add(kindACL, pair("pattern", e.Pattern))
	}
	for _, t := range out.subjects {
		add(kindSubject, pair("name", t.Name))
	}
	return list
}
