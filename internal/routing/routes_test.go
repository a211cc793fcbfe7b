package routing

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

func TestStaticRoutes(t *testing.T) {
	domain := func(name string) func(*federation.Snapshot) {
		return func(s *federation.Snapshot) { s.Domains = append(s.Domains, federation.Domain{Name: name}) }
	}
	digits := func(pattern, hop string) federation.StaticRoute {
		r := route("", hop, 1)
		r.Type, r.Destination = federation.RouteUser, pattern
		return r
	}
	narrow := func(r *federation.StaticRoute) { r.AllowLessSpecific = false }
	const lab = ".com.synergy.lab"
	for _, c := range []struct {
		promise, to, want string
		edits             []func(*federation.Snapshot)
	}{
		{"a pattern fits hosts under it", "x@a.lab.synergy.com", microsoft, []func(*federation.Snapshot){domain("a.lab.synergy.com")}},
		{"... only while its routes allow it", "x@a.lab.synergy.com", "answer 404",
			[]func(*federation.Snapshot){domain("a.lab.synergy.com"), edit(".com.synergy", narrow)}},
		{"a pattern that allows nothing under it still fits itself", "x@synergy.com", microsoft,
			[]func(*federation.Snapshot){edit(".com.synergy", narrow)}},
		{"one route of a pattern may allow what another does not", "x@a.lab.synergy.com", fe2,
			[]func(*federation.Snapshot){domain("a.lab.synergy.com"), edit(".com.synergy", func(r *federation.StaticRoute) { r.AllowLessSpecific = r.Priority == 2 })}},
		{"the longest pattern wins, then the shorter one is tried", "x@a.lab.synergy.com", "route hop 127.0.0.29:5061, then hop 127.0.0.21:5061, then hop 127.0.0.22:5061",
			[]func(*federation.Snapshot){domain("a.lab.synergy.com"), add(with(route(lab, "127.0.0.29", 1), nil))}},
		{"... but not when the longer one forbids it", "x@lab.synergy.com", "route hop 127.0.0.29:5061",
			[]func(*federation.Snapshot){domain("lab.synergy.com"), add(with(route(lab, "127.0.0.29", 1), narrow))}},
		{"a pattern that is not for hosts under it hides no shorter one", "x@a.lab.synergy.com", microsoft,
			[]func(*federation.Snapshot){domain("a.lab.synergy.com"), add(with(route(lab, "127.0.0.29", 1), narrow))}},
		{"a pattern for hosts under it ends the search if one of its routes is not", "x@a.lab.synergy.com", "route hop 127.0.0.29:5061",
			[]func(*federation.Snapshot){domain("a.lab.synergy.com"), add(with(route(lab, "127.0.0.29", 1), nil)), add(with(route(lab, "127.0.0.30", 2), narrow))}},
		{"a hop is tried once", "x@lab.synergy.com", "route hop 127.0.0.22:5061, then hop 127.0.0.21:5061",
			[]func(*federation.Snapshot){domain("lab.synergy.com"), add(with(route(lab, "127.0.0.22", 1), nil))}},
		{"a pattern ends at a label", "x@notsynergy.com", "answer 404", []func(*federation.Snapshot){domain("notsynergy.com")}},
		{"a pattern is no top-level match", "x@abc.com", "answer 404", []func(*federation.Snapshot){domain("abc.com")}},
		{"routes out of service are not there", "x@lab.synergy.com", microsoft,
			[]func(*federation.Snapshot){domain("lab.synergy.com"), add(with(route(lab, "127.0.0.29", 1), func(r *federation.StaticRoute) { r.InService = false }))}},
		{"a blocked longer pattern is not gone around", "x@lab.synergy.com", "answer 403",
			[]func(*federation.Snapshot){domain("lab.synergy.com"), add(with(route(lab, "127.0.0.29", 1), func(r *federation.StaticRoute) { r.Blocked = true }))}},
		{"a blocked shorter pattern is no way out", "x@lab.synergy.com", "route hop 127.0.0.29:5061",
			[]func(*federation.Snapshot){domain("lab.synergy.com"), add(with(route(lab, "127.0.0.29", 1), nil)), edit(".com.synergy", func(r *federation.StaticRoute) { r.Blocked = true })}},
		{"... and ends the search", "x@a.lab.synergy.com", "route hop 127.0.0.29:5061",
			[]func(*federation.Snapshot){domain("a.lab.synergy.com"), add(with(route(lab+".a", "127.0.0.29", 1), nil)),
				add(with(route(lab, "127.0.0.30", 1), func(r *federation.StaticRoute) { r.Blocked = true }))}},
		{"a blocked backup is left out", "x@synergy.com", fe1,
			[]func(*federation.Snapshot){edit(".com.synergy", func(r *federation.StaticRoute) { r.Blocked = r.Priority == 2 })}},
		{"priorities count, not the order of rows", "x@synergy.com", "route hop 127.0.0.22:5061, then hop 127.0.0.21:5061",
			[]func(*federation.Snapshot){edit(".com.synergy", func(r *federation.StaticRoute) { r.Priority = 9 - r.Priority })}},
		{"equal priorities share", "x@synergy.com", "route hop 127.0.0.21:5061 or hop 127.0.0.22:5061",
			[]func(*federation.Snapshot){edit(".com.synergy", func(r *federation.StaticRoute) { r.Priority = 5 })}},
		{"a user route fits the user part, then the domain's", "4420@synergy.com", "route hop 127.0.0.41:5061, then hop 127.0.0.21:5061, then hop 127.0.0.22:5061",
			[]func(*federation.Snapshot){add(with(digits("442.", "127.0.0.41"), nil))}},
		{"a user route never fits a domain", "bob@synergy.com", microsoft,
			[]func(*federation.Snapshot){add(with(digits("44*", "127.0.0.41"), nil))}},
		{"parameters of a number are no part of it", "4420;ext=1@synergy.com", "route hop 127.0.0.41:5061",
			[]func(*federation.Snapshot){add(with(digits("4420", "127.0.0.41"), narrow))}},
		{"the longer user pattern wins", "4420@synergy.com", "route hop 127.0.0.42:5061",
			[]func(*federation.Snapshot){add(with(digits("44*", "127.0.0.41"), nil)), add(with(digits("4420", "127.0.0.42"), narrow))}},
		{"of user patterns of one length, digits before a dot", "4420@synergy.com", "route hop 127.0.0.42:5061",
			[]func(*federation.Snapshot){add(with(digits("44.0", "127.0.0.41"), nil)), add(with(digits("4420", "127.0.0.42"), narrow))}},
		{"... and a dot before a star", "4420@synergy.com", "route hop 127.0.0.42:5061",
			[]func(*federation.Snapshot){add(with(digits("442*", "127.0.0.41"), nil)), add(with(digits("442.", "127.0.0.42"), narrow))}},
		{"a star fits what is more", "4420@synergy.com", "route hop 127.0.0.41:5061",
			[]func(*federation.Snapshot){add(with(digits("44*", "127.0.0.41"), narrow))}},
		{"... but not what is less", "4@synergy.com", microsoft,
			[]func(*federation.Snapshot){add(with(digits("44*", "127.0.0.41"), narrow))}},
		{"no user route fits a domain without a user", "synergy.com", microsoft,
			[]func(*federation.Snapshot){add(with(digits("*", "127.0.0.41"), narrow))}},
		{"a star fits nothing more too", "44@synergy.com", "route hop 127.0.0.41:5061",
			[]func(*federation.Snapshot){add(with(digits("44*", "127.0.0.41"), narrow))}},
		{"a user pattern without a star fits whole", "44201@synergy.com", microsoft,
			[]func(*federation.Snapshot){add(with(digits("4420", "127.0.0.41"), nil))}},
		{"an FQDN is a next hop", "x@lab.synergy.com", "route hop fe9.synergy.com",
			[]func(*federation.Snapshot){domain("lab.synergy.com"), add(with(route(lab, "fe9.synergy.com", 1), func(r *federation.StaticRoute) { r.Port = 0; r.AllowLessSpecific = false }))}},
	} {
		if d, _ := ask(t, compile(t, "imp1.synergy.com", c.edits...), "MESSAGE sip:"+c.to+" inside"); d.String() != c.want {
			t.Errorf("%s: %s is %s (%s), want %s", c.promise, c.to, d, d.Reason, c.want)
		}
	}
}

func TestHostsOfADeploymentAreKnown(t *testing.T) {
	skype := federation.Answers{Transport: federation.TLS, Pool: "mspool.synergy.com",
		FrontEnds:  []federation.Host{{FQDN: "ms1.synergy.com", Address: "127.0.0.31"}, {FQDN: "ms2.synergy.com", Address: "127.0.0.32"}},
		Expressway: &federation.Host{FQDN: "exp.synergy.com", Address: "127.0.0.39", Port: 65072}}
	deploy := func(change func(*federation.Answers)) func(*federation.Snapshot) {
		a := skype
		change(&a)
		return func(s *federation.Snapshot) { s.Deployments = append(s.Deployments, federation.Deployment{Answers: a}) }
	}
	same := func(*federation.Answers) {}
	for _, c := range []struct {
		promise, route, want string
		edits                []func(*federation.Snapshot)
	}{
		{"a front end has its address", "sip:ms2.synergy.com:5061;transport=tls;lr", "route hop 127.0.0.32:5061", nil},
		{"a front end is known by its address", "sip:127.0.0.31:5061;lr", "route hop 127.0.0.31:5061", nil},
		{"its other ports are not", "sip:127.0.0.31:5060;lr", "answer 403", nil},
		{"the pool is its front ends", "sip:mspool.synergy.com:5061;lr", "route hop 127.0.0.31:5061, then hop 127.0.0.32:5061", nil},
		{"Expressway has its own port", "sip:exp.synergy.com:65072;transport=tls;lr", "route hop 127.0.0.39:65072", nil},
		{"and no other", "sip:exp.synergy.com:5061;transport=tls;lr", "answer 403", nil},
		{"Expressway is known by its address", "sip:127.0.0.39:65072;lr", "route hop 127.0.0.39:65072", nil},
		{"Expressway without a port is found at that of TLS", "sip:exp.synergy.com;transport=tls;lr", "route hop 127.0.0.39:5061",
			[]func(*federation.Snapshot){deploy(func(a *federation.Answers) {
				a.Expressway = &federation.Host{FQDN: "exp.synergy.com", Address: "127.0.0.39"}
			})}},
		{"without a pool there is no host without a name", "http://mspool.synergy.com", "answer 403",
			[]func(*federation.Snapshot){deploy(func(a *federation.Answers) { a.Pool = "" })}},
		{"the balancer goes first", "sip:mspool.synergy.com:5061;lr", "route hop 127.0.0.30:5061, then hop 127.0.0.31:5061, then hop 127.0.0.32:5061",
			[]func(*federation.Snapshot){deploy(func(a *federation.Answers) { a.LoadBalancer = "127.0.0.30" })}},
		{"OCS over TCP has port 5060", "sip:ms1.synergy.com;lr", "route hop 127.0.0.31:5060",
			[]func(*federation.Snapshot){deploy(func(a *federation.Answers) { a.Transport = federation.TCP })}},
		{"a static route of its own name goes before the address", "sip:ms2.synergy.com:5061;lr", "route hop 127.0.0.35:5061",
			[]func(*federation.Snapshot){deploy(same), add(route(".com.synergy.ms2", "127.0.0.35", 1))}},
		{"... whatever port that leads to", "sip:ms2.synergy.com:5061;lr", "route hop 127.0.0.35:5070",
			[]func(*federation.Snapshot){deploy(same), add(with(route(".com.synergy.ms2", "127.0.0.35", 1), port(5070)))}},
		{"an address in another spelling is known", "sip:[2001:DB8:0::1]:5061;lr", "route hop [2001:db8::1]:5061",
			[]func(*federation.Snapshot){deploy(func(a *federation.Answers) {
				a.FrontEnds = []federation.Host{{FQDN: "ms6.synergy.com", Address: "2001:db8::1"}}
			})}},
		{"an FQDN next hop is found by DNS", "sip:fe9.synergy.com:5061;lr", "route hop fe9.synergy.com:5061",
			[]func(*federation.Snapshot){add(route(".com.lab", "fe9.synergy.com", 1))}},
		{"a next hop out of service is not known", "sip:127.0.0.77:5061;lr", "answer 403",
			[]func(*federation.Snapshot){func(s *federation.Snapshot) {
				r := route(".com.lab", "127.0.0.77", 1)
				r.InService = false
				s.StaticRoutes = append(s.StaticRoutes, r)
			}}},
	} {
		if c.edits == nil {
			c.edits = []func(*federation.Snapshot){deploy(same)}
		}
		p := compile(t, "imp1.synergy.com", c.edits...)
		if d, _ := ask(t, p, "BYE sip:x@y.com inside dialog route="+c.route); d.String() != c.want {
			t.Errorf("%s: %s is %s (%s), want %s", c.promise, c.route, d, d.Reason, c.want)
		}
	}
}

// What a Route header says of a port, and what is known of the host.
func TestAKnownHostIsKnownByItsPorts(t *testing.T) {
	const plain, secure = "route hop 127.0.0.77:5060", "route hop 127.0.0.77:5061"
	to := func(hop string, ports ...int) func(*federation.Snapshot) {
		return func(s *federation.Snapshot) {
			for i, p := range ports {
				add(with(route(fmt.Sprintf(".com.lab%d", i), hop, 1), port(p)))(s)
			}
		}
	}
	for _, c := range []struct {
		promise, route, want string
		edit                 func(*federation.Snapshot)
	}{
		{"a port says which", "sip:127.0.0.77:5061;lr", secure, to("127.0.0.77", 5060, 5061)},
		{"a port without an entry is not known", "sip:127.0.0.77:5062;lr", "answer 403", to("127.0.0.77", 5060, 5061)},
		{"without a port, that of TLS", "sip:127.0.0.77;transport=tls;lr", secure, to("127.0.0.77", 5060, 5061)},
		{"... or of sips", "sips:127.0.0.77;lr", secure, to("127.0.0.77", 5060, 5061)},
		{"... or of TCP", "sip:127.0.0.77;transport=tcp;lr", plain, to("127.0.0.77", 5061, 5060)},
		{"... or of nothing", "sip:127.0.0.77;lr", plain, to("127.0.0.77", 5061, 5060)},
		{"without a port and without that one, the first", "sip:127.0.0.77;lr", "route hop 127.0.0.77:5070", to("127.0.0.77", 5070, 5071)},
		{"a host that SRV finds is known by TLS's port", "sip:fe9.synergy.com:5061;lr", "route hop fe9.synergy.com", to("fe9.synergy.com", 0)},
		{"... and TCP's", "sip:fe9.synergy.com:5060;lr", "route hop fe9.synergy.com", to("fe9.synergy.com", 0)},
		{"... and none", "sip:fe9.synergy.com;lr", "route hop fe9.synergy.com", to("fe9.synergy.com", 0)},
		{"... but no other", "sip:fe9.synergy.com:5070;lr", "answer 403", to("fe9.synergy.com", 0)},
		{"... unless that is listed too", "sip:fe9.synergy.com:5070;lr", "route hop fe9.synergy.com:5070", to("fe9.synergy.com", 0, 5070)},
		{"a listed port that is not a default one stays alone", "sip:127.0.0.77:5061;lr", "answer 403", to("127.0.0.77", 5070)},
		{"a federated domain is no host", "sip:remote.com:5061;lr", "answer 403", unchanged},
		{"a domain held here is no host", "sip:synergy.com:5061;lr", "answer 403", unchanged},
	} {
		if d, _ := ask(t, compile(t, "imp1.synergy.com", c.edit), "BYE sip:x@y.com inside dialog route="+c.route); d.String() != c.want {
			t.Errorf("%s: %s is %s (%s), want %s", c.promise, c.route, d, d.Reason, c.want)
		}
	}
}

func port(n int) func(*federation.StaticRoute) { return func(r *federation.StaticRoute) { r.Port = n } }

func TestHopsThatAreNotUsedAreNotListed(t *testing.T) {
	keys := func(edits ...func(*federation.Snapshot)) string {
		var list []string
		for _, h := range compile(t, "imp1.synergy.com", edits...).Hops() {
			list = append(list, h.Key())
		}
		return strings.Join(list, ", ")
	}
	const self = "connector:imp1.synergy.com 127.0.0.11:5080;transport=tcp"
	for _, c := range []struct {
		promise, key string
		edit         func(*federation.Snapshot)
	}{
		{"a blocked route's", "hop 127.0.0.77:5061;transport=tls", add(with(route(".com.lab", "127.0.0.77", 1), func(r *federation.StaticRoute) { r.Blocked = true }))},
		{"that of a route out of service", "hop 127.0.0.77:5061;transport=tls", add(with(route(".com.lab", "127.0.0.77", 1), func(r *federation.StaticRoute) { r.InService = false }))},
		{"this node's connector while it is off", self, off("imp1.synergy.com", federation.ServiceSIPFederation)},
		{"this node itself", "node:imp1", off("imp1.synergy.com", federation.ServiceSIPFederation)},
		{"another node while its proxy is off", "node:imp2", off("imp2.synergy.com", federation.ServiceSIPProxy)},
	} {
		if got := keys(c.edit); strings.Contains(got, c.key) {
			t.Errorf("%s: %s", c.promise, got)
		}
	}
	if got := keys(add(route(".com.lab", "127.0.0.77", 1))); !strings.Contains(got, "hop 127.0.0.77:5061;transport=tls") || !strings.Contains(got, self) {
		t.Errorf("what is used is missing in %s", got)
	}
}

// Whatever a decision may lead to keeps its connections when the configuration changes.
func TestHopsThatARequestMayBeSentToAreKnown(t *testing.T) {
	p := compile(t, "imp1.synergy.com", off("imp3.synergy.com", federation.ServiceSIPProxy), func(s *federation.Snapshot) {
		s.Deployments = []federation.Deployment{{Answers: federation.Answers{Transport: federation.TLS, FrontEnds: []federation.Host{{FQDN: "ms1.synergy.com", Address: "127.0.0.31"}}}}}
	})
	for key, want := range map[string]bool{
		"hop 127.0.0.21:5061;transport=tls":                        true,
		"hop 127.0.0.31:5061;transport=tls":                        true, // of a Route header only
		"connector:imp1.synergy.com 127.0.0.11:5080;transport=tcp": true,
		"node:imp2.synergy.com 127.0.0.12:5060;transport=tcp":      true,
		"node:imp3.synergy.com 127.0.0.13:5060;transport=tcp":      false,
		"hop 127.0.0.21:5061;transport=tcp":                        false,
	} {
		if p.Leads(key) != want {
			t.Errorf("%s: %v", key, !want)
		}
	}
	for addr, want := range map[string]bool{"127.0.0.12": true, "::ffff:127.0.0.12": true, "127.0.0.21": false} {
		if p.HasNode(netip.MustParseAddr(addr)) != want {
			t.Errorf("a node has %s: %v", addr, !want)
		}
	}
}

func TestHopsAreListedOnce(t *testing.T) {
	var got []string
	for _, h := range compile(t, "imp1.synergy.com", off("imp3.synergy.com", federation.ServiceSIPProxy)).Hops() {
		got = append(got, h.Key())
	}
	want := []string{"hop 127.0.0.21:5061;transport=tls", "hop 127.0.0.22:5061;transport=tls",
		"connector:imp1.synergy.com 127.0.0.11:5080;transport=tcp", "node:imp2.synergy.com 127.0.0.12:5060;transport=tcp"}
	if len(got) != len(want) {
		t.Fatalf("%q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
}

func TestAMarkIsClearedWhenTheServiceChanges(t *testing.T) {
	link := func(p *Policy) *Hop { return p.nodes["imp2.synergy.com"].link }
	before := link(compile(t, "imp1.synergy.com"))
	after := link(compile(t, "imp1.synergy.com", off("imp2.synergy.com", federation.ServiceSIPFederation)))
	if before.Key() != after.Key() || before.Config() == after.Config() {
		t.Errorf("%q and %q", before.Config(), after.Config())
	}
	connector := func(p *Policy) *Hop { return p.self.delivery }
	before = connector(compile(t, "imp1.synergy.com"))
	after = connector(compile(t, "imp1.synergy.com", off("imp1.synergy.com", federation.ServiceSIPProxy)))
	if before.Key() != after.Key() || before.Config() == after.Config() {
		t.Errorf("of the connector: %q and %q", before.Config(), after.Config())
	}
}

func TestAStoppedServiceIsDecidedLikeOneThatIsOff(t *testing.T) {
	nodes := []string{"imp1.synergy.com", "imp2.synergy.com", "imp3.synergy.com"}
	for _, node := range nodes {
		for _, service := range federation.Services {
			for _, self := range nodes {
				want, got := compile(t, self, off(node, service)), compile(t, self, stopped(node, service))
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s of %s, as %s sees it: stopped is not decided as off", service, node, self)
				}
			}
		}
	}
	both := compile(t, nodes[1], stopped(nodes[1], federation.ServiceSIPProxy), stopped(nodes[1], federation.ServiceSIPFederation))
	if both.Serves() || !compile(t, nodes[1]).Serves() {
		t.Error("a node serves while its proxy is stopped, or not while it runs")
	}
}

func TestNodesReachEachOtherAsTheSettingSays(t *testing.T) {
	for transport, want := range map[string]string{
		federation.TCP: "node:imp2.synergy.com 127.0.0.12:5060;transport=tcp",
		federation.TLS: "node:imp2.synergy.com 127.0.0.12:5061;transport=tls",
	} {
		p := compile(t, "imp1.synergy.com", func(s *federation.Snapshot) { s.Settings.NodeTransport = transport })
		if got := p.nodes["imp2.synergy.com"].link.Key(); got != want {
			t.Errorf("over %s: %s, want %s", transport, got, want)
		}
	}
}

func TestARouteHasTheWeightThatItWasGiven(t *testing.T) {
	p := compile(t, "imp1.synergy.com", edit(".com.synergy", func(r *federation.StaticRoute) { r.Weight = 7 }))
	r := NewRequest("MESSAGE", uri(t, "sip:bob@synergy.com"), Inside)
	if h := p.Decide(&r, people).Groups[0][0]; h.Weight != 7 {
		t.Errorf("the weight is %d", h.Weight)
	}
}

// Where an answer goes whose connection is gone.
func TestTheWayBackToANodeOrConnector(t *testing.T) {
	const delivery, link = "connector:imp1.synergy.com 127.0.0.11:5080;transport=tcp", "node:imp2.synergy.com 127.0.0.12:5060;transport=tcp"
	for _, c := range []struct {
		promise string
		peer    Peer
		want    string
	}{
		{"to this node's connector", fromConnector, delivery},
		{"to another node", at(plain, "127.0.0.12"), link},
		{"to the connector that was called", opened("connector:imp1.synergy.com", "127.0.0.11", false), delivery},
		{"to the node that was called", opened("node:imp2.synergy.com", "127.0.0.12", false), link},
		{"not to a front end", fromFrontEnd, ""},
		{"not to a next hop", opened("hop", "127.0.0.21", true), ""},
		{"not to who has a node's address without its certificate", at(server, "127.0.0.12"), ""},
	} {
		got := ""
		if h := compile(t, "imp1.synergy.com").Back(c.peer); h != nil {
			got = h.Key()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.promise, got, c.want)
		}
	}
	apart := func(s *federation.Snapshot) { s.Nodes[0].Connector = "127.0.0.91:5080" }
	if h := compile(t, "imp1.synergy.com", apart).Back(opened("connector:imp1.synergy.com", "127.0.0.91", false)); h == nil || h.String() != "127.0.0.91:5080" {
		t.Errorf("to a connector with an address of its own: %v", h)
	}
}
