package wizard

import (
	"fmt"
	"slices"

	"isthmus/internal/federation"
)

// Removal says what goes when a deployment is removed: what runs of the wizard made and nobody else asks for. Behind
// it stands, as existing and with the reason, what stays: objects of others or from before the wizard, and settings, TLS
// contexts and listeners, which are everybody's.
func Removal(d federation.Deployment, s federation.Snapshot) federation.Changes {
	s.Deployments = withDeployment(s.Deployments, d)
	l := newLedger(d.Name, s)
	out := l.leaving(wantsOf(federation.Answers{}))
	a := Defaults(d.Answers, s)
	target := out.without(s.Configuration)
	p := planner{a: a, s: s, target: target, before: &d}
	p.staying(out)
	p.shared()
	warnings := p.unroutedWarnings()
	if advice := p.versionAdvice(); advice != "" {
		warnings = append(warnings, advice)
	}
	return federation.Changes{List: append(out.changes(), p.list...), Warnings: warnings, Target: target}
}

// withDeployment is the list with d in the place of the row of its name.
func withDeployment(list []federation.Deployment, d federation.Deployment) []federation.Deployment {
	list = slices.DeleteFunc(slices.Clone(list), func(known federation.Deployment) bool { return known.Name == d.Name })
	return append(list, d)
}

// staying lists the objects of the deployment that stay, with the reason.
func (p *planner) staying(out leaving) {
	stay := func(object federation.Made, fields ...federation.KeyValue) {
		if reason, stays := out.stays[object]; stays {
			p.keep(object.Kind, reason, fields...)
		}
	}
	for _, r := range p.s.StaticRoutes {
		stay(madeRoute(r), routeFields(r)...)
	}
	for _, e := range p.s.ACL {
		stay(federation.Made{Kind: kindACL, Key: e.Pattern}, pair("pattern", e.Pattern))
	}
	for _, t := range p.s.TLSPeerSubjects {
		stay(federation.Made{Kind: kindSubject, Key: t.Name}, pair("name", t.Name))
	}
}

// shared lists what every deployment needs and none owns.
func (p *planner) shared() {
	reason := "Settings stay as they are; change them in Settings when no other deployment needs them."
	t := p.s.Settings
	p.keep("setting", reason, pair("partitioned_federation", t.PartitionedFederation))
	p.keep("setting", reason, pair("routing_mode", t.RoutingMode))
	p.keep("setting", reason, pair("require_peer_certificate", t.RequirePeerCertificate))
	for _, name := range []string{federation.PeerAuthContext, federation.ServerAuthContext} {
		if c := p.s.TLSContext(name); c != nil {
			p.keep("tls_context", "TLS contexts stay; only the peer subjects that go are taken out.", pair("name", c.Name), pair("min_version", c.MinVersion))
		}
	}
	for _, wanted := range federation.DefaultConfiguration().Listeners {
		for _, l := range p.s.Listeners {
			if l.Name == wanted.Name {
				p.keep("listener", "The default listeners stay.", listenerFields(l)...)
			}
		}
	}
}

func (p *planner) keep(kind, reason string, fields ...federation.KeyValue) {
	p.list = append(p.list, federation.Change{Verdict: federation.VerdictExists, Kind: kind, Fields: fields, Reason: reason})
}

// unroutedWarnings are about users whom nobody finds any more.
func (p *planner) unroutedWarnings() []string {
	var list []string
	for _, d := range p.unrouted() {
		list = append(list, fmt.Sprintf("No static route in service is left for %s; who is not licensed here is not found there any more (404).", printable(d)))
	}
	return list
}

// unrouted are the domains that the deployment had and that no route in service leads to any more.
func (p *planner) unrouted() []string {
	if p.before == nil {
		return nil
	}
	routed := map[string]bool{}
	for _, r := range p.target.StaticRoutes {
		if r.InService {
			routed[r.Destination] = true
		}
	}
	var list []string
	for _, d := range p.before.Answers.Domains {
		if p.s.HasDomain(d) && !routed[federation.Reverse(d)] {
			list = append(list, d)
		}
	}
	return list
}
