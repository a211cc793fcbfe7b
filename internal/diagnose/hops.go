package diagnose

import (
	"strings"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
)

func nextHops(f Facts) []Finding {
	r := report{check: "next_hops", page: "/static-routes"}
	for _, s := range fresh(f) {
		for _, h := range s.Hops {
			if h.State == federation.HopDown {
				r.add(Red, "See to that server; Isthmus tries it again every 5 seconds.", "%s:%d is down, as %s sees it: %s.", h.Host, h.Port, s.Node, strings.TrimSuffix(h.Reason, "."))
				r.refused(f.Snapshot, h.Reason)
			}
		}
	}
	return r.orGreen("No next hop is known to be down.")
}

// handshakePages are where something can be done about a handshake that failed for a reason. For all others that is done at
// the other server.
var handshakePages = map[string]struct{ page, advice string }{
	certs.ReasonNotListed:   {"/tls-peer-subjects", "Add its name to the TLS peer subjects, and select it, if that server is yours."},
	certs.ReasonUnknownCA:   {"/certificates", "Import the CA of its certificate, if that CA is yours."},
	certs.ReasonRefusedOurs: {"/certificates", "Have that server trust the CA of this node's certificate, or give the node another certificate."},
	certs.ReasonNothing:     {"/tls-contexts", "Compare its TLS versions and ciphers with those of the TLS context."},
}

// refused leads a hop that fails in its TLS handshake to the page that would change it, as the list of refused handshakes does.
func (r *report) refused(s federation.Snapshot, why string) {
	_, why, _ = strings.Cut(why, "TLS handshake failed: ") // "" for every other fault
	last := &r.list[len(r.list)-1]
	for reason, at := range handshakePages {
		if strings.HasPrefix(why, reason+": ") {
			last.Page, last.Advice = at.page, at.advice
			if reason == certs.ReasonNotListed && listed(s, why) {
				last.Page, last.Advice = "/tls-contexts", "Select its name in the TLS context; it is among the TLS peer subjects already."
			}
			return
		}
	}
	if strings.HasPrefix(why, "TLS peer ") { // a certificate that is at fault itself
		last.Page, last.Advice = "/handshakes", "Have the certificate of that server replaced; Isthmus tries it again every 5 seconds."
	}
}

// listed reports whether the name that a refusal begins with is among the peer subjects.
func listed(s federation.Snapshot, why string) bool {
	_, rest, _ := strings.Cut(why, `"`)
	name, _, _ := strings.Cut(rest, `"`)
	return s.HasPeerSubject(name)
}
