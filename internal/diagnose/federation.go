package diagnose

import (
	"slices"
	"strings"

	"isthmus/internal/federation"
)

func domains(f Facts) []Finding {
	r := report{check: "domains", page: "/domains"}
	if len(f.Snapshot.Domains) == 0 {
		r.add(Red, "Add the domain that both sides share.", "No presence domain is configured, so no request is for anybody here.")
	}
	return r.orGreen("%d presence domains are configured.", len(f.Snapshot.Domains))
}

// federationOn covers both settings of the guide's page 51.
func federationOn(f Facts) []Finding {
	r := report{check: "federation_on", page: "/settings"}
	if !f.Snapshot.Settings.PartitionedFederation {
		r.add(Red, "Turn partitioned intradomain federation on, or let the wizard do it.",
			"Partitioned intradomain federation is off: requests for people on the Microsoft side end with 404.")
	}
	return r.orGreen("Partitioned intradomain federation is on, routing mode %s.", f.Snapshot.Settings.RoutingMode)
}

func ocs(s federation.Snapshot) bool {
	return slices.ContainsFunc(s.Deployments, func(d federation.Deployment) bool { return d.Answers.Platform == federation.OCS2007R2 })
}

// needsTLS is false only where every deployment is an OCS pool that was set up for TCP (guide p.43).
func needsTLS(s federation.Snapshot) bool {
	return len(s.Deployments) == 0 ||
		slices.ContainsFunc(s.Deployments, func(d federation.Deployment) bool { return d.Answers.Transport != federation.TCP })
}

// routeTransport: Lync and Skype for Business accept TLS alone (guide p.23, 73).
func routeTransport(f Facts) []Finding {
	r := report{check: "route_transport", page: "/static-routes"}
	for _, route := range f.Snapshot.StaticRoutes {
		if route.Transport != federation.TLS && route.InService && len(f.Snapshot.Deployments) > 0 && !ocs(f.Snapshot) {
			r.add(Amber, "Change the route to tls, port 5061.",
				"The route %s to %s goes over %s, which Lync and Skype for Business do not accept.", route.Destination, route.NextHop, strings.ToUpper(route.Transport))
		}
	}
	return r.orGreen("No route uses a transport that its platform refuses.")
}

func wantedACL(a federation.Answers) []string {
	var list []string
	for _, h := range a.Servers() {
		list = append(list, h.Address, h.FQDN)
	}
	for _, extra := range []string{a.Pool, a.LoadBalancer} {
		if extra != "" {
			list = append(list, extra)
		}
	}
	return list
}

// aclComplete: each server by address and by name, and the pool by name; else the Lync 2013 client signs off and on in a
// loop (guide p.54, 131).
func aclComplete(f Facts) []Finding {
	r := report{check: "acl_complete", page: "/acl"}
	listed := map[string]bool{}
	for _, e := range f.Snapshot.ACL {
		listed[e.Pattern] = true
	}
	for _, d := range f.Snapshot.Deployments {
		for _, want := range wantedACL(d.Answers) {
			if !listed[want] && !listed[federation.ACLAll] {
				r.add(Red, "Add it to the incoming ACL.", "%s of the deployment %s is not in the incoming ACL; its requests end with 403.", want, d.Name)
			}
		}
	}
	if len(f.Snapshot.ACL) == 0 {
		r.add(Red, "Add each front end by address and by name, or let the wizard do it.", "The incoming ACL is empty: nobody from outside may send a request.")
	}
	return r.orGreen("The incoming ACL lists every server of every deployment.")
}

func aclAll(f Facts) []Finding {
	r := report{check: "acl_all", page: "/acl"}
	for _, e := range f.Snapshot.ACL {
		if e.AdmitsEverybody() {
			r.add(Amber, "List the front ends instead and delete that entry.", "The entry %s of the incoming ACL admits every address.", e.Pattern)
		}
	}
	return r.orGreen("The incoming ACL admits listed peers only.")
}

// peerSubjects: the names that Microsoft certificates show, mapped into the peer-auth context (guide p.57-58, 137).
func peerSubjects(f Facts) []Finding {
	r := report{check: "peer_subjects", page: "/tls-contexts"}
	mapped := []string{}
	if context := f.Snapshot.TLSContext(federation.PeerAuthContext); context != nil {
		mapped = context.PeerSubjects
	}
	for _, d := range f.Snapshot.Deployments {
		for _, want := range d.Answers.Subjects() {
			if !slices.Contains(mapped, want) {
				r.add(Red, "Add it to TLS peer subjects and select it in the context "+federation.PeerAuthContext+".",
					"%s of the deployment %s is not among the peer subjects of %s; its handshakes are refused.", want, d.Name, federation.PeerAuthContext)
			}
		}
	}
	for _, s := range f.Snapshot.TLSPeerSubjects {
		if !slices.Contains(mapped, s.Name) {
			r.add(Amber, "Select it in the context, or delete it.", "The peer subject %s is configured, but not selected in %s.", s.Name, federation.PeerAuthContext)
		}
	}
	return r.orGreen("Every peer subject is selected in %s.", federation.PeerAuthContext)
}

// peerAuthListener: the Microsoft side sends to port 5061 and expects mutual TLS there (guide p.55-56, 136).
func peerAuthListener(f Facts) []Finding {
	r := report{check: "peer_auth_listener", page: "/listeners"}
	if !needsTLS(f.Snapshot) {
		return r.orGreen("Every deployment is reached over TCP, so no port has to ask for certificates.")
	}
	for _, l := range f.Snapshot.Listeners {
		context := f.Snapshot.TLSContext(l.TLSContext)
		if l.Port == 5061 && l.Enabled && l.Transport == federation.TLS && context != nil && context.VerifyClient {
			return r.orGreen("Port 5061 asks peers for their certificate.")
		}
	}
	r.add(Red, "Give a TLS listener with a context that verifies clients the port 5061.", "No enabled listener on port 5061 asks peers for their certificate.")
	return r.list
}

// peerCertificate: TLS alone has certificates, so whoever demands one from outside shuts an OCS pool over TCP out (guide p.43).
func peerCertificate(f Facts) []Finding {
	r := report{check: "peer_certificate", page: "/settings"}
	for _, d := range f.Snapshot.Deployments {
		if shutOut(f.Snapshot, d) {
			r.add(Red, "Set the deployment up again over TLS, or turn require_peer_certificate off in Settings.",
				"%s comes over TCP, where there is no certificate; its requests end with 403, because requests from outside need one.", d.Name)
		}
	}
	return r.orGreen("No deployment lacks the certificate that Settings demand from outside.")
}

// shutOut reports whether all requests of a deployment are refused for want of a certificate.
func shutOut(s federation.Snapshot, d federation.Deployment) bool {
	return d.Answers.Transport == federation.TCP && s.Settings.RequirePeerCertificate
}
