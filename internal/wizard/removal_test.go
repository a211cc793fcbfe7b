package wizard

import (
	"strings"
	"testing"

	"isthmus/internal/federation"
)

func TestRemovalOfTheOnlyDeployment(t *testing.T) {
	s := snapshot()
	s.ACL = []federation.ACLEntry{{Pattern: "10.1.20.21"}}
	s.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: "pool.synergy.com"}}
	s = run(t, s, enterprise())
	c := Removal(s.Deployments[0], s)
	wantLines(t, c, `
remove static_route destination=.com.synergy type=domain next_hop=10.1.20.21 port=5061 transport=tls priority=1
remove static_route destination=.com.synergy type=domain next_hop=10.1.20.22 port=5061 transport=tls priority=2
remove static_route destination=.com.synergy.pool type=domain next_hop=10.1.20.21 port=5061 transport=tls priority=1
remove static_route destination=.com.synergy.pool type=domain next_hop=10.1.20.22 port=5061 transport=tls priority=2
remove static_route destination=.com.synergy.fe1 type=domain next_hop=10.1.20.21 port=5061 transport=tls priority=1
remove static_route destination=.com.synergy.fe2 type=domain next_hop=10.1.20.22 port=5061 transport=tls priority=1
remove acl pattern=fe1.synergy.com
remove acl pattern=10.1.20.22
remove acl pattern=fe2.synergy.com
remove acl pattern=pool.synergy.com
remove tls_peer_subject name=fe1.synergy.com
remove tls_peer_subject name=fe2.synergy.com
exists acl pattern=10.1.20.21
exists tls_peer_subject name=pool.synergy.com
exists setting partitioned_federation=true
exists setting routing_mode=basic
exists setting require_peer_certificate=true
exists tls_context name=sip-proxy-peer-auth min_version=1.2
exists tls_context name=sip-proxy-server-auth min_version=1.2
exists listener name="Default SIP Proxy TCP Listener" transport=tcp port=5060 enabled=true
exists listener name="Default SIP Proxy UDP Listener" transport=udp port=5060 enabled=false
exists listener name="Default SIP Proxy TLS Listener - Server Auth" transport=tls port=5062 tls_context=sip-proxy-server-auth enabled=true
exists listener name="Default SIP Proxy TLS Listener - Peer Auth" transport=tls port=5061 tls_context=sip-proxy-peer-auth enabled=true
`)
	wantSentence(t, reasons(c), "acl pattern=10.1.20.21: It stood there before the wizard, or a run of before an upgrade made it; delete it yourself")
	wantSentence(t, reasons(c), "tls_peer_subject name=pool.synergy.com: It stood there before the wizard, or a run of before an upgrade made it. Certificates of this name are still accepted; delete it yourself")
	for _, change := range c.List {
		if change.Verdict == federation.VerdictExists && !strings.HasSuffix(change.Reason, ".") {
			t.Errorf("%s stays without a reason: %q", change, change.Reason)
		}
	}
	wantSentence(t, c.Warnings, "No static route in service is left for synergy.com;")
	if got := c.Target.TLSContexts[0].PeerSubjects; len(got) != 1 || got[0] != "pool.synergy.com" || len(c.Target.StaticRoutes) > 0 {
		t.Errorf("%d routes stay, and the context holds %v", len(c.Target.StaticRoutes), got)
	}
	if problems := c.Target.Validate(s.Usage); len(problems) > 0 {
		t.Errorf("what stays cannot run: %v", problems)
	}
}

func TestRemovalKeepsWhatOthersUse(t *testing.T) {
	a, b := calling(), other()
	b.FirstPriority, b.Deployment, b.Expressway = 3, federation.ChatAndCalling, a.Expressway
	s := run(t, run(t, snapshot(), a), b)
	c := Removal(*deployment("pool.synergy.com", s), s)
	for _, line := range []string{"acl pattern=exp.synergy.com", "acl pattern=10.1.30.31", "tls_peer_subject name=exp.synergy.com"} {
		wantSentence(t, reasons(c), line+": The deployment pool2.synergy.com uses it too.")
	}
	if len(c.Warnings) > 0 || strings.Contains(strings.Join(lines(c), "\n"), "10.1.20.41") {
		t.Errorf("the second deployment is touched: %q\n%s", c.Warnings, changesOnly(c))
	}
	s = removed(s, "pool.synergy.com", c)
	if got := changesOnly(plan(t, b, s)); got != "" {
		t.Errorf("the second deployment lacks something now:\n%s", got)
	}
	if left := Removal(*deployment("pool2.synergy.com", s), s).Target; len(left.StaticRoutes)+len(left.ACL)+len(left.TLSPeerSubjects) > 0 {
		t.Errorf("the last deployment leaves something behind: %v %v %v", left.StaticRoutes, left.ACL, left.TLSPeerSubjects)
	}
}

func TestRemovalNamesAllUsers(t *testing.T) {
	a, b, third := calling(), other(), other()
	b.FirstPriority, b.Deployment, b.Expressway = 3, federation.ChatAndCalling, a.Expressway
	third.Pool, third.Registrar, third.TrustedPool, third.FirstPriority = "pool3.synergy.com", "", "trustedpool3.synergy.com", 5
	third.FrontEnds = []federation.Host{{FQDN: "fe5.synergy.com", Address: "10.1.20.51"}}
	third.Deployment, third.Expressway = b.Deployment, b.Expressway
	s := run(t, run(t, run(t, snapshot(), a), b), third)
	wantSentence(t, reasons(Removal(*deployment("pool2.synergy.com", s), s)), "The deployments pool.synergy.com, pool3.synergy.com use it too.")
}

func TestRemovalOfWhatIsLeftOfADeployment(t *testing.T) {
	s := run(t, snapshot(), enterprise())
	d := s.Deployments[0]
	d.Made = d.Made[1:] // the first route stood there before
	s.Deployments, s.TLSContexts, s.Domains = nil, nil, nil
	c := Removal(d, s)
	wantSentence(t, lines(c), "exists static_route destination=.com.synergy type=domain next_hop=10.1.20.21 port=5061 transport=tls priority=1\n")
	wantSentence(t, lines(c), "remove static_route destination=.com.synergy type=domain next_hop=10.1.20.22 port=5061 transport=tls priority=2")
	s.StaticRoutes = nil
	if c := Removal(d, s); len(c.Warnings) > 0 {
		t.Errorf("the domain is gone, so nobody misses its routes: %q", c.Warnings)
	}
}

func TestRemovalDoesNotListWhatIsGoneAlready(t *testing.T) {
	s := run(t, snapshot(), enterprise())
	s.StaticRoutes, s.ACL = nil, nil
	if got := changesOnly(Removal(s.Deployments[0], s)); strings.Contains(got, "static_route") || strings.Contains(got, "acl") {
		t.Errorf("somebody deleted these already:\n%s", got)
	}
}
