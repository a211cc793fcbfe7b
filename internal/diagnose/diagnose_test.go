package diagnose

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// healthy is a deployment in which only the missing trust store and the self-signed certificate want attention.
func healthy() Facts {
	c := federation.DefaultConfiguration()
	c.Settings.PartitionedFederation = true
	c.Domains = []federation.Domain{{Name: "synergy.com"}}
	c.Nodes = []federation.Node{{Name: "imp1.synergy.com", Address: "127.0.0.11", Services: federation.Services}}
	r := federation.NewStaticRoute()
	r.Type, r.Destination, r.NextHop, r.Port, r.Transport = federation.RouteDomain, ".com.synergy", "127.0.0.21", 5061, federation.TLS
	c.StaticRoutes = []federation.StaticRoute{r}
	c.ACL = []federation.ACLEntry{{Pattern: "127.0.0.21"}, {Pattern: "fe1.synergy.com"}}
	c.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: "fe1.synergy.com"}}
	c.TLSContexts[0].PeerSubjects = []string{"fe1.synergy.com"}
	return Facts{Now: now,
		Snapshot: federation.Snapshot{Revision: 7, Configuration: c,
			Deployments: []federation.Deployment{{Name: "fe1.synergy.com", Answers: federation.Answers{Platform: federation.SkypeForBusiness2015,
				FrontEnds: []federation.Host{{FQDN: "fe1.synergy.com", Address: "127.0.0.21"}}, Transport: federation.TLS}}},
			Certificates: []federation.Certificate{
				{Purpose: federation.PurposeTrust, Subject: "Lab CA", NotAfter: now.AddDate(1, 0, 0)},
				{Purpose: federation.PurposeOwn, Node: "imp1.synergy.com", NotAfter: now.AddDate(1, 0, 0)},
			}},
		Statuses: []federation.NodeStatus{{Node: "imp1.synergy.com", AppliedRevision: 7, ReportedAt: now,
			Listeners: []federation.ListenerStatus{{Name: "Peer Auth", Open: true}}}},
	}
}

func TestAHealthyFederationIsGreen(t *testing.T) {
	list := Run(healthy())
	for _, f := range list {
		if f.State != Green {
			t.Errorf("%s is %s: %s", f.Check, f.State, f.Text)
		}
	}
	if len(list) != len(checks) {
		t.Errorf("%d of %d checks say that all is well", len(list), len(checks))
	}
}

var (
	exp        = federation.Host{FQDN: "exp.synergy.com", Address: "127.0.0.31", Port: 65072}
	proxyAlone = []string{federation.ServiceSIPProxy}
)

func TestEachFaultIsFoundWithItsWayOut(t *testing.T) {
	for name, c := range map[string]struct {
		edit  func(*Facts)
		check string
		state State
		text  string
	}{
		"a node that the scripts leave out": {func(f *Facts) { f.Snapshot.Deployments[0].Nodes = []string{"imp9.synergy.com"} }, "script_nodes", Amber, "imp1.synergy.com came after"},
		"no domain":                         {func(f *Facts) { f.Snapshot.Domains = nil }, "domains", Red, "No presence domain"},
		"certificates demanded of TCP": {func(f *Facts) {
			f.Snapshot.Settings.RequirePeerCertificate, f.Snapshot.Deployments[0].Answers.Transport = true, federation.TCP
		}, "peer_certificate", Red, "fe1.synergy.com comes over TCP, where there is no certificate; its requests end with 403"},
		"federation off":           {func(f *Facts) { f.Snapshot.Settings.PartitionedFederation = false }, "federation_on", Red, "is off"},
		"route out of service":     {func(f *Facts) { f.Snapshot.StaticRoutes[0].InService = false }, "routes", Red, "synergy.com"},
		"route blocked":            {func(f *Facts) { f.Snapshot.StaticRoutes[0].Blocked = true }, "routes", Red, "synergy.com"},
		"TCP to Skype":             {func(f *Facts) { f.Snapshot.StaticRoutes[0].Transport = federation.TCP }, "route_transport", Amber, "over TCP"},
		"front end's name missing": {func(f *Facts) { f.Snapshot.ACL = f.Snapshot.ACL[:1] }, "acl_complete", Red, "fe1.synergy.com of the deployment"},
		"empty ACL":                {func(f *Facts) { f.Snapshot.ACL = nil }, "acl_complete", Red, "empty"},
		"open to all":              {func(f *Facts) { f.Snapshot.ACL[0].Pattern = federation.ACLAll }, "acl_all", Amber, "every address"},
		"open to all of IPv4":      {func(f *Facts) { f.Snapshot.ACL = append(f.Snapshot.ACL, federation.ACLEntry{Pattern: "0.0.0.0/0"}) }, "acl_all", Amber, "The entry 0.0.0.0/0"},
		"open to all of IPv6":      {func(f *Facts) { f.Snapshot.ACL = append(f.Snapshot.ACL, federation.ACLEntry{Pattern: "::/0"}) }, "acl_all", Amber, "The entry ::/0"},
		"subject not mapped":       {func(f *Facts) { f.Snapshot.TLSContexts[0].PeerSubjects = nil }, "peer_subjects", Red, "handshakes are refused"},
		"no peer-auth on 5061":     {func(f *Facts) { f.Snapshot.Listeners[3].Enabled = false }, "peer_auth_listener", Red, "5061"},
		"proxy stopped": {func(f *Facts) {
			f.Snapshot.ServiceStates = []federation.ServiceState{{Node: f.Snapshot.Nodes[0].Name, Service: federation.ServiceSIPProxy, Stopped: true}}
		}, "services", Red, "SIP proxy is stopped"},
		"connector stopped": {func(f *Facts) {
			f.Snapshot.ServiceStates = []federation.ServiceState{{Node: f.Snapshot.Nodes[0].Name, Service: federation.ServiceSIPFederation, Stopped: true}}
		}, "services", Amber, "Connection Manager is stopped"},
		"proxy off": {func(f *Facts) { f.Snapshot.Nodes[0].Services = nil }, "services", Red, "SIP proxy is off"},
		"no peer-auth before anything is deployed": {func(f *Facts) { f.Snapshot.Listeners[3].Enabled, f.Snapshot.Deployments = false, nil }, "peer_auth_listener", Red, "5061"},
		"peer-auth on another port":                {func(f *Facts) { f.Snapshot.Listeners[3].Port = 5063 }, "peer_auth_listener", Red, "5061"},
		"peer-auth over TCP":                       {func(f *Facts) { f.Snapshot.Listeners[3].Transport = federation.TCP }, "peer_auth_listener", Red, "5061"},
		"peer-auth asks for nothing":               {func(f *Facts) { f.Snapshot.TLSContexts[0].VerifyClient = false }, "peer_auth_listener", Red, "5061"},
		"weak ciphers alone": {func(f *Facts) { f.Snapshot.TLSContexts[0].Ciphers = []string{"TLS_RSA_WITH_3DES_EDE_CBC_SHA"} }, "tls_ciphers", Amber,
			"sip-proxy-peer-auth offers nothing but ciphers with 3DES, so a peer is refused who no longer offers 3DES and has no TLS 1.3."},
		"a context that is gone": {func(f *Facts) { f.Snapshot.TLSContexts = nil }, "peer_auth_listener", Red, "5061"},
		"subject configured, unselected": {func(f *Facts) {
			f.Snapshot.TLSPeerSubjects = append(f.Snapshot.TLSPeerSubjects, federation.TLSPeerSubject{Name: "fe2.synergy.com"})
		}, "peer_subjects", Amber, "fe2.synergy.com"},
		"pool missing in the ACL":       {func(f *Facts) { f.Snapshot.Deployments[0].Answers.Pool = "pool.synergy.com" }, "acl_complete", Red, "pool.synergy.com"},
		"balancer missing in the ACL":   {func(f *Facts) { f.Snapshot.Deployments[0].Answers.LoadBalancer = "127.0.0.20" }, "acl_complete", Red, "127.0.0.20"},
		"pool not mapped":               {func(f *Facts) { f.Snapshot.Deployments[0].Answers.Pool = "pool.synergy.com" }, "peer_subjects", Red, "pool.synergy.com"},
		"Expressway missing in the ACL": {func(f *Facts) { f.Snapshot.Deployments[0].Answers.Expressway = &exp }, "acl_complete", Red, "127.0.0.31"},
		"Expressway not mapped":         {func(f *Facts) { f.Snapshot.Deployments[0].Answers.Expressway = &exp }, "peer_subjects", Red, "exp.synergy.com"},
		"connector off":                 {func(f *Facts) { f.Snapshot.Nodes[0].Services = proxyAlone }, "services", Amber, "end with 480"},
		"self-signed certificate":       {func(f *Facts) { f.Snapshot.Certificates[1].SelfSigned = true }, "own_certificates", Amber, "self-signed"},
		"trusted CA ended":              {func(f *Facts) { f.Snapshot.Certificates[0].NotAfter = now.AddDate(0, 0, -1) }, "trusted_cas", Red, "Lab CA ended on 21 November 2026"},
		"no routing node": {func(f *Facts) {
			f.Snapshot.Nodes = append(f.Snapshot.Nodes, federation.Node{Name: "imp2.synergy.com", Services: federation.Services})
		}, "routing_node", Amber, "None of the 2"},
		"a routing node with a connector": {func(f *Facts) { f.Snapshot.Nodes[0].Routing = true }, "routing_node", Amber, "nobody to serve"},
		"a backup that cannot take users": {func(f *Facts) {
			f.Snapshot.Nodes[0].Backup = "imp2.synergy.com"
			f.Snapshot.Nodes = append(f.Snapshot.Nodes, federation.Node{Name: "imp2.synergy.com", Routing: true, Services: proxyAlone})
		}, "backups", Amber, "The backup of imp1.synergy.com cannot take its users: imp2.synergy.com is a routing node"},
		"a routing node that is a backup": {func(f *Facts) {
			f.Snapshot.Nodes[0].Backup = "imp2.synergy.com"
			f.Snapshot.Nodes = append(f.Snapshot.Nodes, federation.Node{Name: "imp2.synergy.com", Routing: true, Services: federation.Services})
		}, "routing_node", Amber, "Connection Manager for the users of imp1.synergy.com alone"},
		"no certificate":    {func(f *Facts) { f.Snapshot.Certificates = f.Snapshot.Certificates[:1] }, "own_certificates", Red, "no certificate"},
		"certificate ended": {func(f *Facts) { f.Snapshot.Certificates[1].NotAfter = now.AddDate(0, 0, -1) }, "own_certificates", Red, "ended on 21 November 2026"},
		"certificate ends":  {func(f *Facts) { f.Snapshot.Certificates[1].NotAfter = now.AddDate(0, 0, 10) }, "own_certificates", Amber, "The certificate of imp1.synergy.com ends in 10 days, on 2 December 2026."},
		"a peer's certificate ends": {func(f *Facts) {
			f.Peers = []federation.PeerCertificate{hopShowed("a", now.AddDate(0, 0, 29))}
		}, "peer_expiry", Amber, "The certificate that pool.synergy.com showed at 127.0.0.21 ends in 29 days, on 21 December 2026."},
		"a peer's certificate ended": {func(f *Facts) {
			f.Peers = []federation.PeerCertificate{hopShowed("a", now.AddDate(0, 0, -1))}
		}, "peer_expiry", Red, "The certificate that pool.synergy.com showed at 127.0.0.21 ended on 21 November 2026."},
		"certificate within 60 days": {func(f *Facts) { f.Snapshot.Certificates[1].NotAfter = now.AddDate(0, 0, 60) }, "own_certificates", Amber, "ends in 60 days"},
		"certificate within 7 days":  {func(f *Facts) { f.Snapshot.Certificates[1].NotAfter = now.Add(30 * time.Hour) }, "own_certificates", Amber, "ends in 1 day, on"},
		"self-signed certificate ended": {func(f *Facts) {
			f.Snapshot.Certificates[1].SelfSigned, f.Snapshot.Certificates[1].NotAfter = true, now.AddDate(0, 0, -1)
		}, "own_certificates", Red, "ended on 21 November 2026"},
		"trusted CA ends":   {func(f *Facts) { f.Snapshot.Certificates[0].NotAfter = now.AddDate(0, 0, 45) }, "trusted_cas", Amber, "The certificate of the trusted CA Lab CA ends in 45 days"},
		"no trusted CA":     {func(f *Facts) { f.Snapshot.Certificates = f.Snapshot.Certificates[1:] }, "trusted_cas", Red, "No CA is trusted"},
		"a silent node":     {func(f *Facts) { f.Statuses[0].ReportedAt = now.Add(-2 * time.Minute) }, "nodes", Red, "does not report"},
		"a node behind":     {func(f *Facts) { f.Statuses[0].AppliedRevision = 6 }, "nodes", Amber, "revision 6"},
		"a node that fails": {func(f *Facts) { f.Statuses[0].Error = "port taken" }, "nodes", Red, "port taken"},
		"a full disk": {func(f *Facts) { f.Statuses[0].Unkept = "A start without the database would use revision 6." }, "nodes", Amber,
			"What imp1.synergy.com has in force is not kept on its disk. A start without the database would use revision 6."},
		"a closed listener": {func(f *Facts) { f.Statuses[0].Listeners[0].Open = false }, "listeners", Red, "Peer Auth"},
		"a next hop that is down": {func(f *Facts) {
			f.Statuses[0].Hops = []federation.HopStatus{{Host: "127.0.0.21", Port: 5061, State: "down", Reason: "refused"}}
		}, "next_hops", Red, "refused"},
		"an ECDSA key without a cipher": {func(f *Facts) {
			*f = withPool(t, federation.SkypeForBusiness2019, "imp1.synergy.com", "trustedpool.synergy.com")
			rsaAlone(f)
		}, "tls_ciphers", Red, "The certificate of imp1.synergy.com has an ECDSA key, for which sip-proxy-peer-auth offers no cipher, so every handshake below TLS 1.3 fails there."},
	} {
		facts := healthy()
		c.edit(&facts)
		found := false
		for _, f := range Run(facts) {
			found = found || f.Check == c.check && f.State == c.state && strings.Contains(f.Text, c.text) && f.Advice != ""
		}
		if !found {
			t.Errorf("%s: no %s finding of %s about %q in %+v", name, c.state, c.check, c.text, Run(facts)[:2])
		}
	}
}

func rsaAlone(f *Facts) {
	f.Snapshot.TLSContexts[0].Ciphers = []string{"TLS_RSA_WITH_AES_128_GCM_SHA256"}
}

func TestWhatIsNoFaultIsNotReported(t *testing.T) {
	for name, c := range map[string]struct {
		edit  func(*Facts)
		check string
	}{
		"the versions and default ciphers that Lync needs": {func(f *Facts) { f.Snapshot.TLSContexts[0].MinVersion = "1.0" }, "tls_ciphers"},
		"every cipher, as the guide selects them":          {func(f *Facts) { f.Snapshot.TLSContexts[0].Ciphers = federation.Ciphers() }, "tls_ciphers"},
		"an ECDSA key that the default ciphers fit":        {func(f *Facts) { *f = withPool(t, federation.Lync2013, "imp1.synergy.com") }, "tls_ciphers"},
		"a certificate that cannot be read": {func(f *Facts) {
			*f = withPool(t, federation.SkypeForBusiness2019, "imp1.synergy.com")
			f.Snapshot.Certificates[1].Chain = nil
		}, "trusted_pool_name"},
		"All admits every server of a deployment": {func(f *Facts) { f.Snapshot.ACL = []federation.ACLEntry{{Pattern: federation.ACLAll}} }, "acl_complete"},
		"a TCP route to an OCS pool": {func(f *Facts) {
			f.Snapshot.StaticRoutes[0].Transport, f.Snapshot.Deployments[0].Answers.Platform = federation.TCP, federation.OCS2007R2
		}, "route_transport"},
		"a TCP route while nothing is deployed": {func(f *Facts) { f.Snapshot.StaticRoutes[0].Transport, f.Snapshot.Deployments = federation.TCP, nil }, "route_transport"},
		"a TCP route out of service": {func(f *Facts) {
			f.Snapshot.StaticRoutes[0].Transport, f.Snapshot.StaticRoutes[0].InService = federation.TCP, false
		}, "route_transport"},
		"a routing node without connector": {func(f *Facts) { f.Snapshot.Nodes[0].Routing, f.Snapshot.Nodes[0].Services = true, proxyAlone }, "routing_node"},
		"its connector is off":             {func(f *Facts) { f.Snapshot.Nodes[0].Routing, f.Snapshot.Nodes[0].Services = true, proxyAlone }, "services"},
		"the connector of a routing node is stopped": {func(f *Facts) {
			f.Snapshot.Nodes[0].Routing = true
			f.Snapshot.ServiceStates = []federation.ServiceState{{Node: f.Snapshot.Nodes[0].Name, Service: federation.ServiceSIPFederation, Stopped: true}}
		}, "services"},
		"the scripts hold the node": {func(f *Facts) { f.Snapshot.Deployments[0].Nodes = []string{"imp1.synergy.com"} }, "script_nodes"},
		"the first of two is the routing node": {func(f *Facts) {
			f.Snapshot.Nodes[0].Routing, f.Snapshot.Nodes[0].Services = true, proxyAlone
			f.Snapshot.Nodes = append(f.Snapshot.Nodes, federation.Node{Name: "imp2.synergy.com", Services: federation.Services})
		}, "routing_node"},
		"one routing node of two": {func(f *Facts) {
			f.Snapshot.Nodes = append(f.Snapshot.Nodes, federation.Node{Name: "imp2.synergy.com", Routing: true, Services: proxyAlone})
		}, "routing_node"},
		"a backup that runs both services": {func(f *Facts) {
			f.Snapshot.Nodes[0].Backup = "imp2.synergy.com"
			f.Snapshot.Nodes = append(f.Snapshot.Nodes, federation.Node{Name: "imp2.synergy.com", Services: federation.Services})
		}, "backups"},
		"a listener that a silent node had open no more": {func(f *Facts) {
			f.Statuses[0].ReportedAt, f.Statuses[0].Listeners[0].Open = now.Add(-2*time.Minute), false
		}, "listeners"},
		"certificates demanded of TLS": {func(f *Facts) { f.Snapshot.Settings.RequirePeerCertificate = true }, "peer_certificate"},
		"TCP where no certificate is needed": {func(f *Facts) {
			f.Snapshot.Settings.RequirePeerCertificate, f.Snapshot.Deployments[0].Answers.Transport = false, federation.TCP
		}, "peer_certificate"},
		"a next hop that is up": {func(f *Facts) {
			f.Statuses[0].Hops = []federation.HopStatus{{Host: "127.0.0.21", Port: 5061, State: "up"}}
		}, "next_hops"},
	} {
		facts := healthy()
		c.edit(&facts)
		for _, f := range Run(facts) {
			if f.Check == c.check && f.State != Green {
				t.Errorf("%s: %s is %s: %s", name, f.Check, f.State, f.Text)
			}
		}
	}
}

// The list of refused handshakes and the start page must not lead to different places.
func TestAHopThatFailsInItsHandshakeLeadsToWhatWouldChangeIt(t *testing.T) {
	for why, page := range map[string]string{
		"connection refused": "/static-routes",
		certs.ReasonNotListed + `: "fe9.synergy.com" is not among the peer subjects of sip-proxy-peer-auth; add it there if this server is one of yours.`: "/tls-peer-subjects",
		certs.ReasonNotListed + `: "fe1.synergy.com" is not among the peer subjects of sip-proxy-peer-auth; add it there if this server is one of yours.`: "/tls-contexts",
		certs.ReasonUnknownCA + ": import that CA if it is yours.":                                                                                        "/certificates",
		certs.ReasonRefusedOurs + ": import that CA there.":                                                                                               "/certificates",
		certs.ReasonNothing + ": compare its versions and ciphers.":                                                                                       "/tls-contexts",
		certs.ReasonUnknownCA + `: "fe1.synergy.com" is issued by "Lab CA"; import that CA if it is yours.`:                                               "/certificates",
		certs.ReasonExpired + ": it expired.":                                                                                                             "/handshakes",
		"the peer does not speak TLS on this port; correct it.":                                                                                           "/static-routes",
	} {
		facts := healthy()
		facts.Snapshot.TLSPeerSubjects = append(facts.Snapshot.TLSPeerSubjects, federation.TLSPeerSubject{Name: "fe1.synergy.com"})
		reason := why
		if why != "connection refused" {
			reason = "TLS handshake failed: " + why
		}
		facts.Statuses[0].Hops = []federation.HopStatus{{Host: "127.0.0.21", Port: 5061, State: federation.HopDown, Reason: reason}}
		for _, f := range Run(facts) {
			if f.Check == "next_hops" && (f.Page != page || strings.HasSuffix(f.Text, "..") || f.Advice == "") {
				t.Errorf("%s: %+v, want %s", why, f, page)
			}
		}
	}
}

// withPool gives the deployment a trusted application pool, and the node a certificate for these names.
func withPool(t *testing.T, platform string, names ...string) Facts {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	f := healthy()
	f.Snapshot.Certificates[1].Chain = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	a := &f.Snapshot.Deployments[0].Answers
	a.Platform, a.RoutingNode, a.TrustedPool = platform, "imp1.synergy.com", "trustedpool.synergy.com"
	return f
}

func TestSkypeForBusinessAloneWantsTheTrustedPoolsName(t *testing.T) {
	same := func(*federation.Answers) {}
	for _, c := range []struct {
		platform string
		names    []string
		missing  bool
		edit     func(*federation.Answers)
	}{
		{federation.SkypeForBusiness2015, []string{"imp1.synergy.com"}, true, same},
		{federation.SkypeForBusiness2019, []string{"imp1.synergy.com"}, true, same},
		{federation.SkypeForBusiness2019, []string{"imp1.synergy.com", "TrustedPool.synergy.com"}, false, same},
		{federation.Lync2013, []string{"imp1.synergy.com"}, false, same},
		{federation.OCS2007R2, []string{"imp1.synergy.com"}, false, same},
		{federation.SkypeForBusiness2019, []string{"imp1.synergy.com"}, false, func(a *federation.Answers) { a.TrustedPool = "" }},
		{federation.SkypeForBusiness2019, []string{"imp1.synergy.com"}, false, func(a *federation.Answers) { a.RoutingNode = "imp2.synergy.com" }},
	} {
		facts := withPool(t, c.platform, c.names...)
		c.edit(&facts.Snapshot.Deployments[0].Answers)
		found := slices.ContainsFunc(Run(facts), func(f Finding) bool { return f.Check == "trusted_pool_name" })
		if found != c.missing {
			t.Errorf("%+v with %v: %v, want %v", facts.Snapshot.Deployments[0].Answers, c.names, found, c.missing)
		}
	}
}

func TestEveryPlatformWantsTheNameOfTheBalancerBeforeTheNodes(t *testing.T) {
	for _, c := range []struct {
		why, front string
		routing    bool
		names      []string
		missing    bool
	}{
		{"the routing node", "sip.synergy.com", false, []string{"imp1.synergy.com"}, true},
		{"its certificate has it", "sip.synergy.com", false, []string{"imp1.synergy.com", "SIP.synergy.com"}, false},
		{"a backup of it", "sip.synergy.com", true, []string{"imp1.synergy.com"}, true},
		{"no balancer", "", true, []string{"imp1.synergy.com"}, false},
	} {
		f := withPool(t, federation.Lync2013, c.names...)
		f.Snapshot.Deployments[0].Answers.FrontName = c.front
		if f.Snapshot.Nodes[0].Routing = c.routing; c.routing {
			f.Snapshot.Deployments[0].Answers.RoutingNode = "imp2.synergy.com"
		}
		found := slices.ContainsFunc(Run(f), func(f Finding) bool { return f.Check == "load_balancer_name" })
		if found != c.missing {
			t.Errorf("%s: %v, want %v", c.why, found, c.missing)
		}
	}
}

func TestACertificateFarFromItsEndIsNoFinding(t *testing.T) {
	facts := healthy()
	for i := range facts.Snapshot.Certificates {
		facts.Snapshot.Certificates[i].NotAfter = now.AddDate(0, 0, 61)
	}
	if got := Worst(Run(facts)); got != Green {
		t.Errorf("61 days before the end the worst finding is %s", got)
	}
}

func TestASelfSignedCertificateIsOneFinding(t *testing.T) {
	facts := withPool(t, federation.SkypeForBusiness2019, "imp1.synergy.com")
	facts.Snapshot.Certificates[1].SelfSigned = true
	for _, f := range Run(facts) {
		if f.Check == "trusted_pool_name" {
			t.Errorf("the certificate has to be replaced anyway, but the list also says: %s", f.Text)
		}
	}
}

func TestCiphersForRSAAloneAreNoFaultOfANodeWithoutAnECDSAKey(t *testing.T) {
	for name, certificates := range map[string]int{"no ECDSA key": 2, "no certificate yet": 1} {
		facts := healthy()
		rsaAlone(&facts)
		facts.Snapshot.Certificates = facts.Snapshot.Certificates[:certificates]
		for _, f := range tlsCiphers(facts) {
			if f.State == Red {
				t.Errorf("%s: %s", name, f.Text)
			}
		}
	}
}

func TestOfASilentNodeItsSilenceAloneIsTold(t *testing.T) {
	facts := healthy()
	facts.Statuses[0].ReportedAt, facts.Statuses[0].Unkept = now.Add(-2*time.Minute), "A start without the database would use revision 6."
	if list := nodesBehind(facts); len(list) != 1 || !strings.Contains(list[0].Text, "does not report") {
		t.Errorf("%+v", list)
	}
}

func TestASentenceWithinASentenceEndsOnce(t *testing.T) {
	facts := healthy()
	facts.Statuses[0].Listeners[0] = federation.ListenerStatus{Name: "Peer Auth", Error: "Port 5061 is in use by another program; choose another port."}
	for _, f := range Run(facts) {
		if strings.Contains(f.Text, "..") {
			t.Errorf("%s: %s", f.Check, f.Text)
		}
	}
}

func TestTheWorstStateCountsAndComesFirst(t *testing.T) {
	facts := healthy()
	facts.Snapshot.ACL[0].Pattern = federation.ACLAll
	facts.Statuses = nil
	list := Run(facts)
	if Worst(list) != Red || list[0].State != Red || Worst(Run(healthy())) != Green {
		t.Errorf("worst is %s, first is %s", Worst(list), list[0].State)
	}
	facts = healthy()
	facts.Snapshot.ACL[0].Pattern = federation.ACLAll // its names are listed: nothing red follows
	if got := Worst(Run(facts)); got != Amber {
		t.Errorf("with one amber finding the worst is %s", got)
	}
}

func TestAnOCSPoolOverTCPNeedsNoCertificates(t *testing.T) {
	facts := healthy()
	facts.Snapshot.Deployments[0].Answers.Platform, facts.Snapshot.Deployments[0].Answers.Transport = federation.OCS2007R2, federation.TCP
	facts.Snapshot.Certificates = facts.Snapshot.Certificates[1:] // no CA is trusted
	facts.Snapshot.Listeners[3].Enabled = false
	for _, f := range Run(facts) {
		if f.State == Red {
			t.Errorf("%s is red: %s", f.Check, f.Text)
		}
	}
}

func TestADomainTakesTheRoutesThatTheCoreTakes(t *testing.T) {
	route := func(destination string, edit func(*federation.StaticRoute)) federation.StaticRoute {
		r := federation.NewStaticRoute()
		r.Type, r.Destination, r.NextHop = federation.RouteDomain, destination, destination
		edit(&r)
		return r
	}
	plain := func(*federation.StaticRoute) {}
	narrow := func(r *federation.StaticRoute) { r.AllowLessSpecific = false }
	for name, c := range map[string]struct {
		routes []federation.StaticRoute
		want   string
	}{
		"the pattern above it":                              {[]federation.StaticRoute{route(".com.synergy", plain)}, ".com.synergy"},
		"above it, for itself alone":                        {[]federation.StaticRoute{route(".com.synergy", narrow)}, ""},
		"its own, then that above it":                       {[]federation.StaticRoute{route(".com.synergy", plain), route(".com.synergy.abc", plain)}, ".com.synergy.abc .com.synergy"},
		"its own alone, which allows nothing less specific": {[]federation.StaticRoute{route(".com.synergy", plain), route(".com.synergy.abc", narrow)}, ".com.synergy.abc"},
		"its own is out of service": {[]federation.StaticRoute{route(".com.synergy", plain),
			route(".com.synergy.abc", func(r *federation.StaticRoute) { r.InService = false })}, ".com.synergy"},
		"its own is blocked": {[]federation.StaticRoute{route(".com.synergy", plain),
			route(".com.synergy.abc", func(r *federation.StaticRoute) { r.Blocked = true })}, ""},
	} {
		s := federation.Snapshot{Configuration: federation.Configuration{StaticRoutes: c.routes, Domains: []federation.Domain{{Name: "abc.synergy.com"}}}}
		s.Settings.RoutingMode = federation.RoutingAdvanced // whom the directory knows does not matter here
		var got []string
		for _, r := range NewOutward(s).Routes("abc.synergy.com") {
			got = append(got, r.Destination)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestARefusalIsToldInTheCoresOwnWords(t *testing.T) {
	facts := healthy()
	facts.Snapshot.StaticRoutes = nil
	facts.Snapshot.Settings.PartitionedFederation = false // that is another finding
	for _, f := range Run(facts) {
		if f.Check == "routes" && (f.Text != "Requests to the Microsoft side of synergy.com are refused with 404: no static route for synergy.com." ||
			f.Advice != "Add a static route whose destination is .com.synergy.") {
			t.Errorf("it says: %s %s", f.Text, f.Advice)
		}
	}
}
