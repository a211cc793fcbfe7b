package diagnose

import (
	"slices"
	"strings"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
)

func services(f Facts) []Finding {
	r := report{check: "services", page: "/services"}
	for _, n := range f.Snapshot.Nodes {
		if f.Snapshot.ServiceState(n.Name, federation.ServiceSIPProxy).Stopped {
			r.add(Red, "Start it.", "The SIP proxy is stopped on %s; its listeners are closed.", n.Name)
		}
		if !n.Runs(federation.ServiceSIPProxy) {
			r.add(Red, "Activate it.", "The SIP proxy is off on %s; its listeners are closed.", n.Name)
		}
		if !n.Routing && f.Snapshot.ServiceState(n.Name, federation.ServiceSIPFederation).Stopped {
			r.add(Amber, "Start it.", "The SIP Federation Connection Manager is stopped on %s; requests for its users end with 480.", n.Name)
		}
		if !n.Routing && !n.Runs(federation.ServiceSIPFederation) {
			r.add(Amber, "Activate it, or make the node the routing node.", "The SIP Federation Connection Manager is off on %s; requests for its users end with 480.", n.Name)
		}
	}
	return r.orGreen("The services that each node needs are on.")
}

// routingNode: chat-only deployments with several nodes want one that homes nobody (guide p.29-30, 49).
func routingNode(f Facts) []Finding {
	r := report{check: "routing_node", page: "/nodes"}
	chosen := false
	for _, n := range f.Snapshot.Nodes {
		chosen = chosen || n.Routing
		served := strings.Join(f.Snapshot.BackedUpBy(n.Name), ", ")
		switch {
		case !n.Routing || !n.Runs(federation.ServiceSIPFederation):
		case served != "":
			r.add(Amber, "Choose another backup for them, then apply the routing node profile on the page Services.",
				"%s is the routing node and runs the SIP Federation Connection Manager for the users of %s alone, whose backup it is.", n.Name, served)
		default:
			r.add(Amber, "Apply the routing node profile on the page Services.", "%s is the routing node and runs the SIP Federation Connection Manager, which has nobody to serve there.", n.Name)
		}
	}
	if len(f.Snapshot.Nodes) > 1 && !chosen {
		r.add(Amber, "Choose a node without users as the routing node.", "None of the %d nodes is the routing node.", len(f.Snapshot.Nodes))
	}
	return r.orGreen("The routing node fits the number of nodes.")
}

// backups: a backup takes requests for the users of its node over its own connector.
func backups(f Facts) []Finding {
	r := report{check: "backups", page: "/nodes"}
	for _, n := range f.Snapshot.Nodes {
		if why := f.Snapshot.CannotBackUp(n); why != "" {
			r.add(Amber, "Choose a home node that runs both services as its backup, or let both run there.", "The backup of %s cannot take its users: %s %s.", n.Name, n.Backup, why)
		}
	}
	return r.orGreen("Every backup that is chosen can take the users of its node.")
}

// scriptNodes: the scripts of a deployment trust the nodes that there were when the wizard was finished for it.
func scriptNodes(f Facts) []Finding {
	r := report{check: "script_nodes", page: "/deployments"}
	for _, d := range f.Snapshot.Deployments {
		r.list = append(r.list, nodesLeftOut(f, d)...)
	}
	return r.orGreen("The scripts of every deployment hold every node.")
}

func nodesLeftOut(f Facts, d federation.Deployment) []Finding {
	r := report{check: "script_nodes", page: "/deployments"}
	for _, n := range f.Snapshot.Nodes {
		if len(d.Nodes) > 0 && !slices.Contains(d.Nodes, n.Name) {
			r.add(Amber, "Go through the wizard again for it, then run configure.ps1 again.",
				"%s came after the wizard was finished for %s, so the Microsoft side does not trust it yet.", n.Name, d.Name)
		}
	}
	for _, name := range d.Nodes {
		if f.Snapshot.Node(name) == nil {
			r.add(Amber, "Go through the wizard again for it.", "The scripts of %s still name the node %s, which is gone.", d.Name, name)
		}
	}
	return r.list
}

func ownCertificates(f Facts) []Finding {
	r := report{check: "own_certificates", page: "/certificates"}
	for _, n := range f.Snapshot.Nodes {
		own := f.Snapshot.Own(n.Name)
		switch {
		case own == nil:
			r.add(Red, "Request one, or upload one with its key.", "%s has no certificate; its TLS listeners cannot open.", n.Name)
		case own.SelfSigned && !f.Now.After(own.NotAfter):
			r.add(Amber, "Request one from the CA that your Microsoft servers use.", "%s uses a self-signed certificate, which the Microsoft side does not trust.", n.Name)
		default:
			r.ends("The certificate of "+n.Name, own.NotAfter, f.Now, uploadSuccessor)
		}
		r.list = append(r.list, sharedNames(f, n, own)...)
	}
	return r.orGreen("Every node has a certificate in date.")
}

// uploadSuccessor is the way out in the last days of a certificate that stands here.
var uploadSuccessor = map[certs.Expiry]string{
	certs.Within60: "See to its successor in time; a CA may need some days.",
	certs.Within30: "Have its successor signed now.",
	certs.Within7:  "Upload its successor before then; afterwards every handshake that needs it fails.",
	certs.Ended:    "Upload its successor; every handshake that needs it fails.",
}

// ends tells of the last days of a certificate, and that it has ended.
func (r *report) ends(whose string, notAfter, now time.Time, advice map[certs.Expiry]string) {
	const day = "2 January 2006"
	switch stage := certs.ExpiryOf(notAfter, now); stage {
	case certs.Far:
	case certs.Ended:
		r.add(Red, advice[stage], "%s ended on %s.", whose, notAfter.Format(day))
	default:
		r.add(Amber, advice[stage], "%s ends %s, on %s.", whose, certs.EndsIn(notAfter, now), notAfter.Format(day))
	}
}

// sharedNames: Skype for Business 2015 and later look for the trusted application pool's name in our certificate; Lync
// and OCS do not. All of them look for the name of the load balancer that their routes lead to.
func sharedNames(f Facts, n federation.Node, own *federation.Certificate) []Finding {
	r, front := report{check: "trusted_pool_name", page: "/certificates"}, report{check: "load_balancer_name", page: "/certificates"}
	if own == nil || own.SelfSigned {
		return nil
	}
	chain, err := certs.Chain(*own)
	if err != nil {
		return nil // the import let no such row in
	}
	for _, d := range f.Snapshot.Deployments {
		looks := d.Answers.Platform == federation.SkypeForBusiness2015 || d.Answers.Platform == federation.SkypeForBusiness2019
		if looks && d.Answers.RoutingNode == n.Name && d.Answers.TrustedPool != "" && !certs.Names(chain[0], d.Answers.TrustedPool) {
			r.add(Amber, "Request its successor with that name among its subject alternative names.",
				"The certificate of %s does not hold %s; Skype for Business 2015 and later refuse it.", n.Name, d.Answers.TrustedPool)
		}
		if d.Answers.Fronts(n) && !certs.Names(chain[0], d.Answers.FrontName) {
			front.add(Amber, "Request its successor with that name among its subject alternative names.",
				"The certificate of %s does not hold %s, the name under which %s connects to it.", n.Name, d.Answers.FrontName, d.Name)
		}
	}
	return append(r.list, front.list...)
}

func trustedCAs(f Facts) []Finding {
	r := report{check: "trusted_cas", page: "/certificates"}
	count := 0
	for _, c := range f.Snapshot.Certificates {
		if c.Purpose == federation.PurposeTrust {
			count++
			r.ends("The certificate of the trusted CA "+c.Subject, c.NotAfter, f.Now, uploadSuccessor)
		}
	}
	if count == 0 && needsTLS(f.Snapshot) {
		r.add(Red, "Upload the certificate of the CA of the front ends.", "No CA is trusted, so no certificate of the Microsoft side can be verified.")
	}
	return r.orGreen("%d CAs are trusted.", count)
}

func nodesBehind(f Facts) []Finding {
	r := report{check: "nodes", page: "/nodes"}
	reported := map[string]federation.NodeStatus{}
	for _, s := range f.Statuses {
		reported[s.Node] = s
	}
	for _, n := range f.Snapshot.Nodes {
		s := reported[n.Name] // of one that never reported, a report that is too old
		switch {
		case !s.Live(f.Now):
			r.add(Red, "Start isthmus serve there.", "%s does not report.", n.Name)
		case s.Error != "":
			r.add(Red, "Mend what it names; the node goes on with the revision before.", "%s could not apply revision %d: %s", n.Name, f.Snapshot.Revision, s.Error)
		case s.AppliedRevision < f.Snapshot.Revision:
			r.add(Amber, "It follows when it reaches the database.", "%s is at revision %d, not at %d.", n.Name, s.AppliedRevision, f.Snapshot.Revision)
		}
		if s.Live(f.Now) && s.Unkept != "" {
			r.add(Amber, "Make room there, or mend what stands in the way; the node tries again by itself.", "What %s has in force is not kept on its disk. %s", n.Name, s.Unkept)
		}
	}
	return r.orGreen("Every node holds revision %d.", f.Snapshot.Revision)
}

func fresh(f Facts) []federation.NodeStatus {
	var list []federation.NodeStatus
	for _, s := range f.Statuses {
		if s.Live(f.Now) {
			list = append(list, s)
		}
	}
	return list
}

func listenersOpen(f Facts) []Finding {
	r := report{check: "listeners", page: "/listeners"}
	for _, s := range fresh(f) {
		for _, l := range s.Listeners {
			if !l.Open {
				r.add(Red, "Free the port, or give the listener another; the node tries again by itself.", "%q is not open on %s: %s.", l.Name, s.Node, strings.TrimSuffix(l.Error, "."))
			}
		}
	}
	return r.orGreen("Every enabled listener is open.")
}
