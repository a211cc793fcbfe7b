package wizard

import (
	"fmt"
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// planner builds one plan: the list of what it wants beside what there is, and the configuration that follows.
type planner struct {
	a      federation.Answers
	s      federation.Snapshot    // without what the deployment gives up
	before *federation.Deployment // as it was finished last; nil when it never was
	list   []federation.Change
	target federation.Configuration
}

// Plan says what these answers ask for: each object as new, as existing, or as standing in conflict with another, in the
// document's order; what an earlier run for the same deployment made and these answers have no use for, to be removed;
// the configuration after it; and warnings. It fills in defaults, changes nothing, and gives the same plan for the same
// input. The error is a federation.Invalid: of the answers, or, when nothing is in conflict, of the configuration that
// would follow.
func Plan(a federation.Answers, s federation.Snapshot) (federation.Changes, error) {
	a = Defaults(a, s)
	if err := Check(a, s).Err(); err != nil {
		return federation.Changes{}, err
	}
	name := a.DeploymentName()
	out := newLedger(name, s).leaving(wantsOf(a))
	s.Configuration = out.without(s.Configuration)
	p := planner{a: a, s: s, before: deployment(name, s), target: cloned(s.Configuration)}
	p.settings()
	p.routes()
	p.acl()
	p.peerSubjects()
	p.contexts()
	p.listeners()
	changes := federation.Changes{List: append(p.list, out.changes()...), Warnings: p.warnings(), Target: p.target}
	if len(changes.Conflicts()) > 0 {
		return changes, nil
	}
	return changes, federation.Invalid(p.target.Validate(s.Usage)).Err()
}

// deployment is the finished run of that name, nil when there is none.
func deployment(name string, s federation.Snapshot) *federation.Deployment {
	for i := range s.Deployments {
		if s.Deployments[i].Name == name {
			return &s.Deployments[i]
		}
	}
	return nil
}

// want adds one object to the plan. It exists when it stands there as wanted; reason, when not empty, says what it is in
// conflict with.
func (p *planner) want(kind string, exists bool, reason string, fields ...federation.KeyValue) federation.Change {
	c := federation.Change{Verdict: federation.VerdictNew, Kind: kind, Fields: fields}
	switch {
	case reason != "":
		c.Verdict, c.Reason = federation.VerdictConflict, reason
	case exists:
		c.Verdict = federation.VerdictExists
	}
	p.list = append(p.list, c)
	return c
}

// pair is one field of a Change.
func pair(name string, value any) federation.KeyValue {
	if list, ok := value.([]string); ok {
		return federation.KeyValue{Name: name, Value: strings.Join(list, ",")}
	}
	return federation.KeyValue{Name: name, Value: fmt.Sprint(value)}
}

func isNew(c federation.Change) bool { return c.Verdict == federation.VerdictNew }

// cloned copies the lists that a plan adds to, so that the snapshot, which others read, stays as it is.
func cloned(c federation.Configuration) federation.Configuration {
	c.StaticRoutes = slices.Clone(c.StaticRoutes)
	c.ACL = slices.Clone(c.ACL)
	c.TLSPeerSubjects = slices.Clone(c.TLSPeerSubjects)
	c.Listeners = slices.Clone(c.Listeners)
	c.TLSContexts = slices.Clone(c.TLSContexts)
	for i := range c.TLSContexts {
		c.TLSContexts[i].PeerSubjects = slices.Clone(c.TLSContexts[i].PeerSubjects)
	}
	return c
}
