package routing

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
)

func read(t *testing.T, p *Policy, peer Peer, m *sip.Message) Request {
	t.Helper()
	r, err := p.Read(m, p.Admit(peer), testKey)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// viaOf is the Via that a node writes for a request with that address and Route.
func viaOf(t *testing.T, node, target string, side string, routes ...string) string {
	var list []sip.URI
	for _, r := range routes {
		list = append(list, uri(t, r))
	}
	branch := AppendBranch(nil, LoopHash(uri(t, target), list), []byte("7-1"))
	switch side {
	case "inside":
		branch = testKey.AppendSide(branch, 0, Inside)
	case "outside":
		branch = testKey.AppendSide(branch, 0, Outside)
	}
	return "Via: SIP/2.0/TCP " + node + ":5060;branch=" + string(branch)
}

func TestTheSideOfARequest(t *testing.T) {
	p := compile(t, "imp1.synergy.com")
	imp2 := Peer{Addr: netip.MustParseAddr("127.0.0.12"), Listener: "Default SIP Proxy TCP Listener"}
	const target = "sip:bob@synergy.com"
	sealed := viaOf(t, "imp2.synergy.com", target, "inside")
	for _, c := range []struct {
		promise string
		peer    Peer
		via     string
		side    Side
		passed  bool
	}{
		{"a connector's request is from inside", fromConnector, "Via: SIP/2.0/TCP 127.0.0.11:5080;branch=z9hG4bK1", Inside, false},
		{"a connector may use its node's name with its own port", fromConnector, "Via: SIP/2.0/TCP imp1.synergy.com:5080;branch=z9hG4bK1", Inside, false},
		{"another node's inside stays inside", imp2, sealed, Inside, true},
		{"the name is compared without case", imp2, strings.Replace(sealed, "imp2", "IMP2", 1), Inside, true},
		{"another node's outside stays outside", imp2, viaOf(t, "imp2.synergy.com", target, "outside"), Outside, true},
		{"a node that says nothing is outside", imp2, viaOf(t, "imp2.synergy.com", target, ""), Outside, true},
		{"a side that was tampered with is outside", imp2, strings.Replace(viaOf(t, "imp2.synergy.com", target, "outside"), ".o", ".i", 1), Outside, true},
		{"a side with another hash is outside", imp2, strings.Replace(sealed, ".7-1.", ".7-2.", 1), Outside, true},
		{"a cut side is outside", imp2, sealed[:len(sealed)-1], Outside, true},
		{"a front end cannot claim the inside", fromFrontEnd, sealed, Outside, false},
	} {
		if r := read(t, p, c.peer, message(t, "MESSAGE", target, c.via)); r.Side != c.side || r.Passed != c.passed {
			t.Errorf("%s: %s, passed %v", c.promise, r.Side, r.Passed)
		}
	}
	other := NewBranchKey([]byte("another cluster"))
	branch := other.AppendSide(AppendBranch(nil, 1, []byte("7")), 0, Inside)
	if testKey.Side(branch) != Outside || other.Side(branch) != Inside {
		t.Error("the key of another cluster counts")
	}
}

func TestTheSideIsReadFromWhereTheBranchBegins(t *testing.T) {
	line := []byte("SIP/2.0/TCP imp2.synergy.com:5060;branch=")
	from := len(line)
	line = testKey.AppendSide(AppendBranch(line, 42, []byte("7-1")), from, Inside)
	if testKey.Side(line[from:]) != Inside {
		t.Errorf("%s does not verify", line)
	}
	if !bytes.HasPrefix(line[from:], []byte("z9hG4bK000000000000002a.7-1.i")) {
		t.Errorf("branch %s", line[from:])
	}
}

// Nodes of two releases serve one cluster while it is brought up to date: what stands in a branch stays as it is.
func TestABranchIsWrittenAlikeByEveryRelease(t *testing.T) {
	hash := LoopHash(uri(t, "sip:Bob@synergy.com:5061;transport=tls"), []sip.URI{uri(t, "sips:imp2.synergy.com;lr")})
	branch := testKey.AppendSide(AppendBranch(nil, hash, []byte("7-1")), 0, Inside)
	if want := "z9hG4bK10aaed8dda4d92a8.7-1.iacb1b6cb651086d4052d6baf45f2b3f8"; string(branch) != want {
		t.Errorf("the branch is %s, want %s", branch, want)
	}
	if !madeFor(AppendBranch(nil, 42, nil), 42) {
		t.Error("a branch is known by its hash alone")
	}
	if testKey.Side(testKey.AppendSide(nil, 0, Inside)) != Inside || testKey.Side([]byte(".i")) != Outside {
		t.Error("a side is read alone as it is behind a branch")
	}
}

func TestHostsAreComparedWithoutCase(t *testing.T) {
	names := map[string]int{"az-09_.com": 1, "2001:db8::1": 2, "::1": 3}
	for host, want := range map[string]int{"az-09_.com": 1, "AZ-09_.Com.": 1, "2001:DB8:0::1": 2, "::1": 3, "2001:db8::z": 0, "az.com": 0} {
		if got, ok := lookUp(names, []byte(host)); got != want || ok != (want > 0) {
			t.Errorf("%s: %d, %v", host, got, ok)
		}
	}
}

func TestLoops(t *testing.T) {
	p := compile(t, "imp1.synergy.com")
	const target = "sip:bob@synergy.com"
	imp2 := Peer{Addr: netip.MustParseAddr("127.0.0.12"), Listener: "Default SIP Proxy TCP Listener"}
	top := "Via: SIP/2.0/TLS 127.0.0.21:5061;branch=z9hG4bKms"
	ours, theirs := viaOf(t, "imp1.synergy.com", target, ""), viaOf(t, "imp2.synergy.com", target, "inside")
	for _, c := range []struct {
		promise, target string
		peer            Peer
		headers         []string
		want            bool
	}{
		{"what we sent out comes back", target, fromFrontEnd, []string{top, ours}, true},
		{"what another node sent out comes back here", target, fromFrontEnd, []string{top, theirs}, true},
		{"another spelling is no other address", "sip:%42OB@Synergy.com", fromFrontEnd, []string{top, ours}, true},
		{"a changed user is a spiral, no loop", "sip:carl@synergy.com", fromFrontEnd, []string{top, ours}, false},
		{"a changed parameter is a spiral, no loop", target + ";x=1", fromFrontEnd, []string{top, ours}, false},
		{"a changed port is a spiral, no loop", target + ":5070", fromFrontEnd, []string{top, ours}, false},
		{"... from any port", target + ":5070", fromFrontEnd, []string{top, viaOf(t, "imp1.synergy.com", target+":5071", "")}, false},
		{"sips is another address", "sips:bob@synergy.com", fromFrontEnd, []string{top, ours}, false},
		{"a stranger's Via with our hash is no loop", target, fromFrontEnd, []string{top, strings.Replace(ours, "imp1", "fe1", 1)}, false},
		{"our own Route values do not make it another request", target, fromFrontEnd, []string{top, ours, "Route: <sip:imp1.synergy.com:5061;transport=tls;lr>"}, true},
		{"a remaining Route does", target, fromFrontEnd, []string{top, ours, "Route: <sip:pool.synergy.com;lr>"}, false},
		{"the same Route again is a loop", target, fromFrontEnd, []string{top, viaOf(t, "imp1.synergy.com", target, "", "sip:imp2.synergy.com;lr"), "Route: <sip:imp2.synergy.com;lr>"}, true},
		{"a request that another node passes on is no loop", target, imp2, []string{theirs}, false},
		{"... unless this node had it before", target, imp2, []string{theirs, ours}, true},
		{"a Via deep down counts", target, fromFrontEnd, []string{top, "Via: SIP/2.0/TLS 127.0.0.9", ours}, true},
	} {
		if r := read(t, p, c.peer, message(t, "MESSAGE", c.target, c.headers...)); r.Loop != c.want {
			t.Errorf("%s: %v", c.promise, r.Loop)
		}
	}
}

func TestOwnRouteValuesAreRemoved(t *testing.T) {
	p := compile(t, "imp1.synergy.com")
	for _, c := range []struct {
		promise, route string
		own, left      int
	}{
		{"none", "", 0, 0},
		{"the node's value goes", "<sip:imp1.synergy.com:5061;transport=tls;lr>", 1, 0},
		{"both values of two transports go", "<sip:imp1.synergy.com:5060;transport=tcp;lr>, <sip:IMP1.synergy.com:5061;transport=tls;lr>", 2, 0},
		{"the node's address goes", "<sip:127.0.0.11;lr>", 1, 0},
		{"a listener's former port goes", "<sip:imp1.synergy.com:5099;lr>", 1, 0},
		{"the connector's value stays", "<sip:127.0.0.11:5080;lr>", 0, 1},
		{"another node's value stays", "<sip:imp1.synergy.com;lr>, <sip:imp2.synergy.com;lr>", 1, 1},
		{"ours below another's stays", "<sip:imp2.synergy.com;lr>, <sip:imp1.synergy.com;lr>", 0, 2},
	} {
		var headers []string
		if c.route != "" {
			headers = []string{"Route: " + c.route}
		}
		r := read(t, p, fromConnector, message(t, "BYE", "sip:x@fe1.synergy.com", headers...))
		if r.Own != c.own || len(r.Routes) != c.left {
			t.Errorf("%s: %d removed, %d left", c.promise, r.Own, len(r.Routes))
		}
	}
}

func TestAStrictRouterBeforeUsIsUndone(t *testing.T) {
	p := compile(t, "imp1.synergy.com")
	m := message(t, "BYE", "sip:imp1.synergy.com:5061;transport=tls;lr", "Route: <sip:ann@imp1.synergy.com:5080>")
	r := read(t, p, fromFrontEnd, m)
	if string(r.NewURI) != "sip:ann@imp1.synergy.com:5080" || r.URI.Port != 5080 || r.Own != 0 || len(r.Routes) != 0 {
		t.Errorf("%+v", r)
	}
	m = message(t, "BYE", "sip:imp1.synergy.com:5061;lr", "Route: <sip:imp1.synergy.com;lr>, <sip:imp2.synergy.com;lr>, <sip:ann@127.0.0.12:5080>")
	r = read(t, p, fromFrontEnd, m)
	if string(r.NewURI) != "sip:ann@127.0.0.12:5080" || r.Own != 1 || len(r.Routes) != 1 || r.Routes[0].HostString() != "imp2.synergy.com" {
		t.Errorf("with nodes left on the way: %+v", r)
	}
	for promise, m := range map[string]*sip.Message{
		"without a Route, there is no target":     message(t, "BYE", "sip:imp1.synergy.com:5061;lr"),
		"a user of the node's name is one":        message(t, "BYE", "sip:ann@imp1.synergy.com;lr", "Route: <sip:imp2.synergy.com;lr>"),
		"a Contact of the node is one":            message(t, "BYE", "sip:imp1.synergy.com", "Route: <sip:imp2.synergy.com;lr>"),
		"another node's Record-Route is not ours": message(t, "BYE", "sip:imp2.synergy.com;lr", "Route: <sip:imp2.synergy.com;lr>"),
	} {
		if r := read(t, p, fromConnector, m); r.NewURI != nil || len(r.Routes) != m.RouteCount() {
			t.Errorf("%s: %+v", promise, r)
		}
	}
}

func TestReadTakesWhatDecisionsNeed(t *testing.T) {
	p := compile(t, "imp1.synergy.com")
	r := read(t, p, fromConnector, message(t, "SUBSCRIBE", "sip:bob@synergy.com", "Max-Forwards: 3", "Proxy-Require: a,", "Proxy-Require: b", "X-Dialog: yes"))
	if r.Method != "SUBSCRIBE" || r.MaxForwards != 3 || !r.ToTag || strings.Join(r.ProxyRequire, " ") != "a b" {
		t.Errorf("%+v", r)
	}
	if r = read(t, p, fromConnector, message(t, "SUBSCRIBE", "sip:bob@synergy.com", "Max-Breadth: 5")); r.MaxBreadth != 5 {
		t.Errorf("Max-Breadth: %d", r.MaxBreadth)
	}
	if r = read(t, p, fromConnector, message(t, "SUBSCRIBE", "sip:bob@synergy.com")); r.MaxForwards != 70 || r.MaxBreadth != 60 || r.ToTag {
		t.Errorf("%+v", r)
	}
	m := message(t, "SUBSCRIBE", "sip:bob@synergy.com", "Route: <sip:@;lr>")
	if _, err := p.Read(m, p.Admit(fromConnector), testKey); err == nil {
		t.Error("a Route that is no address is read")
	}
}

func TestTheNodeNamesItselfByItsFQDN(t *testing.T) {
	moved := func(s *federation.Snapshot) {
		s.Listeners = append([]federation.Listener{
			{Name: "a", Transport: federation.TLS, Port: 5070, TLSContext: federation.ServerAuthContext, Enabled: true},
			{Name: "b", Transport: federation.TCP, Port: 5071},
			{Name: "c", Transport: federation.TCP, Port: 5072, Enabled: true},
		}, s.Listeners...)
	}
	for _, c := range []struct {
		promise  string
		in       sip.Transport
		listener int
		out      sip.Transport
		edit     func(*federation.Snapshot)
		via      string
		records  string
	}{
		{"from a front end to the connector: both", sip.TLS, 5061, sip.TCP, nil, "SIP/2.0/TCP imp1.synergy.com:5060;branch=",
			"<sip:imp1.synergy.com:5060;transport=tcp;lr> <sip:imp1.synergy.com:5061;transport=tls;lr>"},
		{"from the connector to a front end: both", sip.TCP, 5060, sip.TLS, nil, "SIP/2.0/TLS imp1.synergy.com:5061;branch=",
			"<sip:imp1.synergy.com:5061;transport=tls;lr> <sip:imp1.synergy.com:5060;transport=tcp;lr>"},
		{"from TCP to TCP: one", sip.TCP, 5060, sip.TCP, nil, "SIP/2.0/TCP imp1.synergy.com:5060;branch=", "<sip:imp1.synergy.com:5060;transport=tcp;lr>"},
		{"from server auth to peer auth: both", sip.TLS, 5062, sip.TLS, nil, "SIP/2.0/TLS imp1.synergy.com:5061;branch=",
			"<sip:imp1.synergy.com:5061;transport=tls;lr> <sip:imp1.synergy.com:5062;transport=tls;lr>"},
		{"on a connection we opened: the first listener", sip.TCP, 0, sip.TLS, nil, "SIP/2.0/TLS imp1.synergy.com:5061;branch=",
			"<sip:imp1.synergy.com:5061;transport=tls;lr> <sip:imp1.synergy.com:5060;transport=tcp;lr>"},
		{"the first that verifies, the first enabled", sip.TLS, 0, sip.TCP, moved, "SIP/2.0/TCP imp1.synergy.com:5072;branch=",
			"<sip:imp1.synergy.com:5072;transport=tcp;lr> <sip:imp1.synergy.com:5070;transport=tls;lr>"},
		{"toward TLS, one that verifies", sip.TCP, 5072, sip.TLS, moved, "SIP/2.0/TLS imp1.synergy.com:5061;branch=",
			"<sip:imp1.synergy.com:5061;transport=tls;lr> <sip:imp1.synergy.com:5072;transport=tcp;lr>"},
		{"toward TLS without one that verifies, the first", sip.TCP, 5060, sip.TLS, func(s *federation.Snapshot) {
			for i := range s.TLSContexts {
				s.TLSContexts[i].VerifyClient = false
			}
		}, "SIP/2.0/TLS imp1.synergy.com:5062;branch=",
			"<sip:imp1.synergy.com:5062;transport=tls;lr> <sip:imp1.synergy.com:5060;transport=tcp;lr>"},
		{"toward TLS, the first of two that verify, whatever comes behind", sip.TCP, 5060, sip.TLS, func(s *federation.Snapshot) {
			s.Listeners = append(s.Listeners,
				federation.Listener{Name: "d", Transport: federation.TLS, Port: 5073, TLSContext: federation.PeerAuthContext, Enabled: true},
				federation.Listener{Name: "e", Transport: federation.TCP, Port: 5074, Enabled: true})
		}, "SIP/2.0/TLS imp1.synergy.com:5061;branch=",
			"<sip:imp1.synergy.com:5061;transport=tls;lr> <sip:imp1.synergy.com:5060;transport=tcp;lr>"},
		{"from UDP to TCP: both", sip.UDP, 5060, sip.TCP, nil, "SIP/2.0/TCP imp1.synergy.com:5060;branch=",
			"<sip:imp1.synergy.com:5060;transport=tcp;lr> <sip:imp1.synergy.com:5060;transport=udp;lr>"},
		{"toward UDP answers are asked to the port of the request", sip.TCP, 5060, sip.UDP, nil, "SIP/2.0/UDP imp1.synergy.com:5060;rport;branch=",
			"<sip:imp1.synergy.com:5060;transport=udp;lr> <sip:imp1.synergy.com:5060;transport=tcp;lr>"},
		{"toward UDP, the first enabled", sip.TCP, 5060, sip.UDP, func(s *federation.Snapshot) {
			s.Listeners = append(s.Listeners, federation.Listener{Name: "u", Transport: federation.UDP, Port: 5090, Enabled: true})
		}, "SIP/2.0/UDP imp1.synergy.com:5090;rport;branch=",
			"<sip:imp1.synergy.com:5090;transport=udp;lr> <sip:imp1.synergy.com:5060;transport=tcp;lr>"},
		{"a listener that is gone keeps its name", sip.TCP, 5999, sip.TCP, nil, "SIP/2.0/TCP imp1.synergy.com:5060;branch=",
			"<sip:imp1.synergy.com:5060;transport=tcp;lr> <sip:imp1.synergy.com:5999;transport=tcp;lr>"},
	} {
		edits := []func(*federation.Snapshot){}
		if c.edit != nil {
			edits = append(edits, c.edit)
		}
		p := compile(t, "imp1.synergy.com", edits...)
		if got := p.Via(c.out); got != c.via {
			t.Errorf("%s: Via %s, want %s", c.promise, got, c.via)
		}
		if got := string(bytes.Join(p.AppendRecordRoutes(nil, c.in, c.listener, c.out), []byte(" "))); got != c.records {
			t.Errorf("%s: Record-Route %s, want %s", c.promise, got, c.records)
		}
	}
}

func TestRecordRoutesAreReadyMade(t *testing.T) {
	p := compile(t, "imp1.synergy.com")
	var space [2][]byte
	if n := testing.AllocsPerRun(100, func() { p.AppendRecordRoutes(space[:0], sip.TCP, 5060, sip.TLS) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRecordRouteStandsWhereDialogsBegin(t *testing.T) {
	for _, c := range []struct {
		method string
		toTag  bool
		want   bool
	}{
		{"INVITE", false, true}, {"INVITE", true, false}, {"SUBSCRIBE", false, true}, {"SUBSCRIBE", true, false}, {"REFER", false, true},
		{"REFER", true, false}, {"NOTIFY", false, true}, {"NOTIFY", true, true}, {"MESSAGE", false, false}, {"BENOTIFY", true, false},
	} {
		if got := Recorded(c.method, c.toTag); got != c.want {
			t.Errorf("%s, To tag %v: %v", c.method, c.toTag, got)
		}
	}
}
