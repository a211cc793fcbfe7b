package web

import (
	"strings"

	"isthmus/internal/federation"
	"isthmus/templates"
)

// labels put what the pages show in the place of the fields and codes that a document has. Whoever writes a document, or
// uses the command line, reads the same sentences with these; here nobody sees them. A code that could be a part of a name
// stands with the words around it.
var labels = strings.NewReplacer(
	federation.SkypeForBusiness2019, templates.PlatformName(federation.SkypeForBusiness2019),
	federation.SkypeForBusiness2015, templates.PlatformName(federation.SkypeForBusiness2015),
	federation.Lync2013, templates.PlatformName(federation.Lync2013),
	federation.Lync2010, templates.PlatformName(federation.Lync2010),
	federation.OCS2007R2, templates.PlatformName(federation.OCS2007R2),
	federation.ChatAndCalling, "Chat and calling",
	federation.ChatOnly, "Chat only",
	"choose enterprise.", "choose Enterprise Edition.",
	"Choose one of enterprise, standard.", "Choose Enterprise Edition or Standard Edition.",
	"Choose one of tls, tcp.", "Choose TLS or TCP.",
	"reached over tcp; choose tls.", "reached over TCP; choose TLS.",
	"turn require_peer_certificate off in Settings, or choose tls.", "turn the verified client certificate for requests from outside off in Settings, or choose TLS.",
	"begin behind it with first_priority: ", "begin behind it with the priority of the first next hop at ",
	"leave child_domains off", "leave the route for hosts below each domain off",
	"saved partitioned_federation as false; set it to true in", "turned partitioned intradomain federation off; turn it on in",
	"saved routing_mode as advanced; set it to basic in", "set the routing mode to Advanced; set it to Basic in",
	"saved require_peer_certificate as false; set it to true in", "turned the verified client certificate for requests from outside off; turn it on in",
)

// inWords are the problems for somebody who sees the pages.
func inWords(invalid federation.Invalid) federation.Invalid {
	for i, p := range invalid {
		invalid[i].Text = labels.Replace(p.Text)
	}
	return invalid
}

// reviewInWords does the same for a review. The plan itself, of which the fingerprint is made, stays as it is.
func reviewInWords(review *templates.Review) {
	warnings := make([]string, len(review.Warnings))
	for i, text := range review.Warnings {
		warnings[i] = labels.Replace(text)
	}
	review.Warnings = warnings
	for i := range review.Conflicts {
		review.Conflicts[i].Reason = labels.Replace(review.Conflicts[i].Reason)
	}
	for _, g := range review.Groups {
		for i := range g.Rows {
			g.Rows[i].Reason = labels.Replace(g.Rows[i].Reason)
		}
	}
}
