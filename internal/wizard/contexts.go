package wizard

import (
	"slices"

	"isthmus/internal/federation"
)

// contexts wants the two contexts of the default TLS listeners: one that demands a certificate, with the peers mapped
// into it and the oldest version that the platform needs, and one that does not (guide p.58).
func (p *planner) contexts() {
	p.peerAuth()
	p.context(federation.ServerAuthContext, false)
}

func (p *planner) peerAuth() {
	if overTCP(p.a) {
		p.context(federation.PeerAuthContext, true)
		return
	}
	var subjects []string
	for _, peer := range presenting(p.a) {
		subjects = append(subjects, peer.pattern)
	}
	slices.Sort(subjects)
	version := p.versionWanted()
	fields := []federation.KeyValue{pair("name", federation.PeerAuthContext), pair("verify_client", true),
		pair("min_version", version), pair("peer_subjects", subjects)}
	old := p.s.TLSContext(federation.PeerAuthContext)
	if old == nil {
		p.want("tls_context", false, "", fields...)
		p.addContext(federation.PeerAuthContext, true)
	} else if !isNew(p.want("tls_context", mapped(*old, version, subjects), p.contextConflict(*old, true, version), fields...)) {
		return
	}
	context := p.target.TLSContext(federation.PeerAuthContext)
	context.MinVersion = version
	context.PeerSubjects = append(context.PeerSubjects, subjects...)
	context.Normalize()
}

// versionWanted is the context's oldest version. One that an older deployment beside this one needs is kept, because the
// context is shared and still admits the newer ones. So is the one that was left behind by an older deployment that is
// gone, or that this one was: it stops nothing, and only the administrator knows who else came to rely on it.
func (p *planner) versionWanted() string {
	wanted, old := minVersion(p.a.Platform), p.s.TLSContext(federation.PeerAuthContext)
	for _, d := range p.s.Deployments {
		if d.Name == p.a.DeploymentName() || overTCP(d.Answers) {
			continue
		}
		if older := minVersion(d.Answers.Platform); old != nil && old.MinVersion == older {
			wanted = min(wanted, older)
		}
	}
	if old != nil && p.before != nil && old.MinVersion == versionOld {
		return old.MinVersion
	}
	return wanted
}

// versionAdvice is a sentence when the context admits versions that no deployment needs, besides the one of that name;
// also adds answers to those that count.
func (p *planner) versionAdvice(also ...federation.Answers) string {
	for _, d := range p.s.Deployments {
		if d.Name != p.a.DeploymentName() {
			also = append(also, d.Answers)
		}
	}
	needed := versionNew
	for _, a := range also {
		if !overTCP(a) {
			needed = min(needed, minVersion(a.Platform))
		}
	}
	c := p.target.TLSContext(federation.PeerAuthContext)
	if c == nil || c.MinVersion >= needed {
		return ""
	}
	return "The context " + c.Name + " still admits TLS " + c.MinVersion + ", which no deployment needs any more; let it begin with " + needed + " in TLS contexts."
}

func mapped(c federation.TLSContext, version string, subjects []string) bool {
	missing := func(s string) bool { return !slices.Contains(c.PeerSubjects, s) }
	return c.MinVersion == version && !slices.ContainsFunc(subjects, missing)
}

// contextConflict compares a context with what is wanted of it. The default version is nobody's decision.
func (p *planner) contextConflict(old federation.TLSContext, verify bool, version string) string {
	switch {
	case old.VerifyClient && !verify:
		return "The context " + old.Name + " demands a client certificate; turn that off in TLS contexts first."
	case !old.VerifyClient && verify:
		return "The context " + old.Name + " demands no client certificate; turn that on in TLS contexts first."
	case old.MinVersion != version && old.MinVersion != federation.NewTLSContext().MinVersion:
		return "The context " + old.Name + " begins with TLS " + old.MinVersion + " and this platform calls for " + version + "; change it in TLS contexts first."
	}
	return ""
}

// context wants a context of which only one thing matters: whether it demands a certificate.
func (p *planner) context(name string, verify bool) {
	old, reason := p.s.TLSContext(name), ""
	if old != nil {
		reason = p.contextConflict(*old, verify, old.MinVersion)
	}
	if isNew(p.want("tls_context", old != nil, reason, pair("name", name), pair("verify_client", verify))) {
		p.addContext(name, verify)
	}
}

func (p *planner) addContext(name string, verify bool) {
	context := federation.NewTLSContext()
	context.Name, context.VerifyClient = name, verify
	p.target.TLSContexts = append(p.target.TLSContexts, context)
}
