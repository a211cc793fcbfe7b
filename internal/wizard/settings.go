package wizard

import (
	"slices"

	"isthmus/internal/federation"
)

// settings wants federation on, in basic mode, with certificates demanded from outside (guide p.51). A value that
// somebody saved and that differs is a conflict; a default that nobody saved is not.
func (p *planner) settings() {
	t := &p.target.Settings
	setting(p, "partitioned_federation", &t.PartitionedFederation, true)
	setting(p, "routing_mode", &t.RoutingMode, federation.RoutingBasic)
	if !overTCP(p.a) {
		setting(p, "require_peer_certificate", &t.RequirePeerCertificate, true)
	}
	if t.EmailFederation {
		p.want("setting", false, "E-mail addresses for federation are on, which partitioned federation excludes; turn them off in Settings first.",
			pair("email_federation", false))
	}
}

func setting[T comparable](p *planner, name string, field *T, wanted T) {
	reason := ""
	if *field != wanted && slices.Contains(p.s.SavedSettings, name) {
		reason = "Somebody saved " + name + " as " + federation.Printed(*field) + "; set it to " + federation.Printed(wanted) + " in Settings first."
	}
	if isNew(p.want("setting", *field == wanted, reason, pair(name, wanted))) {
		*field = wanted
	}
}
