package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// outdated says why the last result of verify.ps1 proves nothing, "" when it does.
func (f TaskFacts) outdated() string {
	switch {
	case f.Verification == nil:
		return "Not seen yet: run verify.ps1 there and hand its result in here."
	case f.Verification.Fingerprint != f.Fingerprint:
		return "The last result of verify.ps1 is of scripts that are older than the configuration; download and run them again."
	}
	return ""
}

// KindWords is a kind of the results of verify.ps1 as a person calls it; one that is not known stays as it is.
func KindWords(kind string) string {
	if words := verifiedKinds[kind]; words != "" {
		return words
	}
	return kind
}

var verifiedKinds = map[string]string{
	"Site": "Site", "Registrar": "Registrar", "SipDomain": "SIP domain", "Route": "Static route",
	"TrustedPool": "Trusted application pool", "Computer": "Trusted computer", "Application": "Trusted application",
	"PublicProvider": "Public provider", "Name": "Name in DNS", "Replication": "Replication",
}

// verified is a task whose objects verify.ps1 looked at.
func (f TaskFacts) verified(id, title string, kinds ...string) Task {
	t := Task{ID: id, Title: title, Side: There, Page: "verification"}
	if t.Text = f.outdated(); t.Text != "" {
		t.State = Unknown
		return t
	}
	count := 0
	for _, r := range f.Verification.Results {
		if !slices.Contains(kinds, r.Kind) {
			continue
		}
		count++
		if r.State != federation.VerifyExists && t.State != Wrong {
			t.State, t.Text = Open, fmt.Sprintf("%s %s is missing there.", KindWords(r.Kind), r.Name)
			if r.State == federation.VerifyConflict {
				t.State, t.Text = Wrong, fmt.Sprintf("%s %s: expected %s, found %s.", KindWords(r.Kind), r.Name, r.Expected, r.Actual)
			}
		}
	}
	switch {
	case t.State != "":
	case count == 0:
		t.State, t.Text = Unknown, "The last result of verify.ps1 says nothing of it; run it again."
	default:
		t.State, t.Text = Done, fmt.Sprintf("%d of %d as they should be, seen on %s.", count, count, f.Verification.CheckedAt.UTC().Format("2 January 2006, 15:04 UTC"))
	}
	return t
}

// skypeSide are the steps of Skype for Business and Lync (guide p.40-42).
func skypeSide(f TaskFacts) []Task {
	a := f.Deployment.Answers
	var list []Task
	application := []string{"Site", "Registrar", "TrustedPool", "Computer", "Application"}
	if a.Deployment == federation.ChatAndCalling {
		list = append(list, Task{ID: "expressway", Title: "Set the Expressway up", Side: There, Manual: true,
			Text: "Microsoft interoperability and the SIP broker are on (guide p.61), and it forwards to the nodes here."})
		application = append(application, "PublicProvider")
	}
	return append(list,
		f.verified("microsoft_names", "Names of this side in its DNS", "Name"),
		f.verified("microsoft_domains", "SIP domains there", "SipDomain"),
		f.verified("microsoft_routes", "Static routes to this side", "Route"),
		f.verified("trusted_application", "Trusted application pool, computers and application", application...),
		f.verified("topology", "Topology published on every front end", "Replication"),
		Task{ID: "microsoft_roots", Title: "Root of our certificates on every front end", Side: There, Page: "certificates", Manual: true,
			Text: "The CA of the nodes' certificates is in the Trusted Root store of each front end."},
		Task{ID: "microsoft_certificates", Title: "Certificates of the front ends for server and client", Side: There, Page: "certificates", Manual: true,
			Text: "The certificate that each front end uses has both usages, and its Common Name is among the TLS peer subjects here."},
		restart(f))
}

// ocsSide are the steps of OCS, which nothing can look at from here (guide p.42-44).
func ocsSide(f TaskFacts) []Task {
	a := f.Deployment.Answers
	port := "5061 with MTLS"
	if a.Transport == federation.TCP {
		port = "5060 with TCP"
	}
	manual := func(id, title, text, page string) Task {
		return Task{ID: id, Title: title, Side: There, Manual: true, Text: text, Page: page}
	}
	list := []Task{
		manual("ocs_ports", "Listen on every front end", "Each front end listens on port "+port+".", ""),
		manual("ocs_routes", "Static routes to this side", "One for each domain, by the checklist or by configure.ps1.", ""),
		manual("ocs_hosts", "Host authorization for every node", "Each node is authorized, by the checklist or by configure.ps1.", ""),
	}
	if a.Transport != federation.TCP {
		list = append(list,
			manual("ocs_fips", "FIPS compliant algorithms", "The policy is on, so that OCS offers TLS in place of SSL 3.0.", ""),
			manual("microsoft_roots", "Root of our certificates on every front end", "The CA of the nodes' certificates is trusted by each front end.", "certificates"),
			manual("microsoft_certificates", "Certificates of the front ends for server and client", "The certificate that each front end uses has both usages.", "certificates"))
	}
	return append(list, restart(f))
}

func restart(f TaskFacts) Task {
	names := make([]string, len(f.Deployment.Answers.FrontEnds))
	for i, h := range f.Deployment.Answers.FrontEnds {
		names[i] = h.FQDN
	}
	return Task{ID: "restart", Title: "Restart the front ends", Side: There, Manual: true,
		Text: "In a maintenance window, one after the other: " + strings.Join(names, ", ") + ". Users of a front end are signed in again meanwhile."}
}
