package routing

import (
	"reflect"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"pgregory.net/rapid"
)

// ask is one line "METHOD URI SIDE [passed] [dialog] [own] [undone] [loop] [route=URI]... [forwards=0] [breadth=0] [requires=OPTION]".
func ask(t *testing.T, p *Policy, line string) (Decision, []Step) {
	t.Helper()
	words := strings.Fields(line)
	side := Outside
	if words[2] == "inside" {
		side = Inside
	}
	r := NewRequest(words[0], uri(t, words[1]), side)
	for _, w := range words[3:] {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "passed":
			r.Passed = true
		case "dialog":
			r.ToTag = true
		case "own":
			r.Own = 1
		case "undone":
			r.NewURI = []byte(words[1])
		case "loop":
			r.Loop = true
		case "route":
			r.Routes = append(r.Routes, uri(t, value))
		case "forwards":
			r.MaxForwards = 0
		case "breadth":
			r.MaxBreadth = 0
		case "requires":
			r.ProxyRequire = append(r.ProxyRequire, value)
		default:
			t.Fatalf("what is %q?", w)
		}
	}
	return p.Explain(&r, people)
}

const (
	microsoft = "route hop 127.0.0.21:5061, then hop 127.0.0.22:5061"
	fe1       = "route hop 127.0.0.21:5061"
	fe2       = "route hop 127.0.0.22:5061"
	toImp2    = "route node:imp2.synergy.com 127.0.0.12:5060, then node:imp3.synergy.com 127.0.0.13:5060"
	link2     = "route node:imp2.synergy.com 127.0.0.12:5060"
	link3     = "route node:imp3.synergy.com 127.0.0.13:5060"
	deliver   = "route connector:imp1.synergy.com 127.0.0.11:5080"
)

// A decided is one request and what becomes of it on imp1.
type decided struct {
	promise, request, want string
	edit                   func(*federation.Snapshot)
}

func unchanged(*federation.Snapshot) {}

func decides(t *testing.T, cases []decided) {
	t.Helper()
	for _, c := range cases {
		d, steps := ask(t, compile(t, "imp1.synergy.com", c.edit), c.request)
		if d.String() != c.want {
			t.Errorf("%s:\n %s\n is %s (%s)\n not %s", c.promise, c.request, d, d.Reason, c.want)
		}
		if last := steps[len(steps)-1]; !last.Applies && d.Action != Drop || d.Reason == "" {
			t.Errorf("%s: no sentence says why", c.promise)
		}
	}
}

func TestCANCELAndWhatIsNeverAnswered(t *testing.T) {
	decides(t, []decided{
		{"a CANCEL is never routed", "CANCEL sip:bob@synergy.com inside", "cancel", unchanged},
		{"a CANCEL is a CANCEL with a Route too", "CANCEL sip:bob@synergy.com outside route=sip:evil.com;lr", "cancel", unchanged},
		{"an ACK for nobody ends here", "ACK sip:bob@synergy.com inside", "drop", unchanged},
		{"an ACK in no dialog of ours ends here", "ACK sip:bob@synergy.com inside dialog", "drop", unchanged},
		{"an ACK for a 2xx follows its Route", "ACK sip:bob@synergy.com inside dialog route=sip:pool.synergy.com:5061;lr", microsoft, unchanged},
		{"an ACK for a 2xx reaches the connector", "ACK sip:ann@imp1.synergy.com outside dialog", deliver, unchanged},
		{"an ACK for a 2xx reaches the front end", "ACK sip:x@fe2.synergy.com:5061 inside dialog", fe2, unchanged},
		{"a refused ACK is not answered", "ACK sip:x@synergy.com outside dialog route=sip:evil.com;lr", "drop", unchanged},
		{"an ACK that came around is not answered", "ACK sip:x@synergy.com inside dialog loop", "drop", unchanged},
		{"... and goes no further", "ACK sip:ann@imp1.synergy.com outside dialog loop", "drop", unchanged},
		{"an exhausted ACK is not answered", "ACK sip:ann@imp1.synergy.com outside dialog forwards=0", "drop", unchanged},
		{"a refused BENOTIFY is not answered", "BENOTIFY sip:nobody@synergy.com outside", "drop", unchanged},
		{"a BENOTIFY is routed like a NOTIFY", "BENOTIFY sip:ann@imp1.synergy.com outside dialog", deliver, unchanged},
	})
}

func TestWhatTheNodeAnswersItself(t *testing.T) {
	decides(t, []decided{
		{"compression is refused before Max-Forwards counts", "NEGOTIATE sip:imp1.synergy.com outside forwards=0", "answer 405", unchanged},
		{"OPTIONS to the node is answered", "OPTIONS sip:imp1.synergy.com outside", "answer 200", unchanged},
		{"OPTIONS to the node by address and port is answered", "OPTIONS sip:127.0.0.11:5061;transport=tls outside forwards=0", "answer 200", unchanged},
		{"OPTIONS in another case is answered", "OPTIONS sip:IMP1.Synergy.COM. outside", "answer 200", unchanged},
		{"OPTIONS to a user of the node's name is not for the node", "OPTIONS sip:x@imp1.synergy.com outside", "answer 403", unchanged},
		{"another method to the node's name is for nobody", "SUBSCRIBE sip:imp1.synergy.com outside", "answer 403", unchanged},
		{"OPTIONS to another node is not for this one", "OPTIONS sip:imp2.synergy.com outside", "answer 403", unchanged},
		{"OPTIONS to a port that is not ours is not for the node", "OPTIONS sip:imp1.synergy.com:9999 outside", "answer 403", unchanged},
		{"OPTIONS to the domain is for a recipient", "OPTIONS sip:synergy.com outside", "answer 404", unchanged},
		{"Max-Forwards 0 ends here", "MESSAGE sip:ann@synergy.com outside forwards=0", "answer 483", unchanged},
		{"a loop ends here", "MESSAGE sip:ann@synergy.com outside loop", "answer 482", unchanged},
		{"Max-Breadth 0 goes to nobody", "MESSAGE sip:ann@synergy.com outside breadth=0", "answer 440", unchanged},
		{"... but is answered where nothing is forwarded", "OPTIONS sip:imp1.synergy.com outside breadth=0", "answer 200", unchanged},
		{"... in a dialog neither", "BYE sip:x@fe2.synergy.com:5061 inside dialog breadth=0", "answer 440", unchanged},
		{"... and an ACK is dropped", "ACK sip:ann@imp1.synergy.com outside dialog breadth=0", "drop", unchanged},
		{"Max-Forwards goes before the loop", "MESSAGE sip:ann@synergy.com outside loop forwards=0", "answer 483", unchanged},
	})
}

func TestARouteIsFollowedWithinBounds(t *testing.T) {
	decides(t, []decided{
		{"a Route from inside leads to a known host", "BYE sip:x@somewhere.com inside dialog route=sip:pool.synergy.com:5061;transport=tls;lr", microsoft, unchanged},
		{"a Route from inside leads to a front end by name", "BYE sip:x@somewhere.com inside dialog route=sip:FE2.synergy.com:5061;lr", fe2, unchanged},
		{"a Route from inside leads to a next hop by address", "BYE sip:x@somewhere.com inside dialog route=sip:127.0.0.22:5061;lr", fe2, unchanged},
		{"a Route without a port leads there too", "BYE sip:x@somewhere.com inside dialog route=sip:127.0.0.22;lr", fe2, unchanged},
		{"a Route to a known host's other port is refused", "BYE sip:x@somewhere.com inside dialog route=sip:127.0.0.22:22;lr", "answer 403", unchanged},
		{"a Route to an unknown host is refused", "BYE sip:x@somewhere.com inside dialog route=sip:evil.com;lr", "answer 403", unchanged},
		{"a Route from inside leads to another node", "BYE sip:x@fe1.synergy.com inside dialog route=sip:imp2.synergy.com:5060;lr route=sip:pool.synergy.com;lr", link2, unchanged},
		{"a Route from another node is followed to the Microsoft side", "BYE sip:x@fe1.synergy.com inside passed dialog own route=sip:pool.synergy.com;lr", microsoft, unchanged},
		{"a Route from outside leads to a node", "BYE sip:ann@imp2.synergy.com outside dialog route=sip:imp2.synergy.com:5060;transport=tcp;lr", link2, unchanged},
		{"a Route from outside leads to this node's connector", "BYE sip:ann@x.com outside dialog route=sip:127.0.0.11:5080;lr", deliver, unchanged},
		{"a Route from outside leads to another node's connector by way of that node", "BYE sip:ann@x.com outside dialog route=sip:127.0.0.12:5080;lr", link2, unchanged},
		{"a Route from outside to the Microsoft side is refused", "BYE sip:x@y.com outside dialog route=sip:pool.synergy.com:5061;lr", "answer 403", unchanged},
		{"a Route from outside through a node to a third party is refused", "BYE sip:x@y.com outside dialog route=sip:imp2.synergy.com;lr route=sip:evil.com;lr", "answer 403", unchanged},
		{"a Route from outside to a strange port of a node is refused", "BYE sip:x@y.com outside dialog route=sip:imp2.synergy.com:22;lr", "answer 403", unchanged},
		{"a preloaded Route from outside is judged alike", "MESSAGE sip:ann@synergy.com outside route=sip:evil.com;lr", "answer 403", unchanged},
		{"a Route to a host of a scheme that is not sip is refused", "MESSAGE sip:ann@synergy.com inside route=http://pool.synergy.com", "answer 403", unchanged},
		{"a Route to a blocked host is refused", "BYE sip:x@y.com inside dialog route=sip:pool.synergy.com:5061;lr", "answer 403",
			edit(".com.synergy.pool", func(r *federation.StaticRoute) { r.Blocked = true })},
	})
}

// A connector may have an address of its own: what names that address names the connector alone.
func TestAConnectorWithItsOwnAddressIsKnownByIt(t *testing.T) {
	apart := func(s *federation.Snapshot) { s.Node("imp2.synergy.com").Connector = "127.0.0.92:5080" }
	here := func(s *federation.Snapshot) { s.Node("imp1.synergy.com").Connector = "127.0.0.91:5080" }
	const delivered = "route connector:imp1.synergy.com 127.0.0.91:5080"
	decides(t, []decided{
		{"its address and port lead to it through its node", "BYE sip:x@y.com outside dialog route=sip:127.0.0.92:5080;lr", link2, apart},
		{"its address alone does", "BYE sip:x@y.com outside dialog route=sip:127.0.0.92;lr", link2, apart},
		{"a listener's port is not there", "BYE sip:x@y.com outside dialog route=sip:127.0.0.92:5060;lr", "answer 403", apart},
		{"its port at the node's address is no listener", "BYE sip:x@y.com outside dialog route=sip:imp2.synergy.com:5080;lr", "answer 403", apart},
		{"a dialog's request reaches this node's", "BYE sip:ann@127.0.0.91 outside dialog", delivered, here},
		{"... by the node's name", "BYE sip:ann@imp1.synergy.com outside dialog", delivered, here},
		{"... but not by a listener's port", "BYE sip:ann@127.0.0.91:5060 outside dialog", "answer 403", here},
		{"OPTIONS to it are not for the node", "OPTIONS sip:127.0.0.91 inside", "answer 403", here},
		{"the address of a node stays the node's", "BYE sip:x@y.com inside dialog route=sip:127.0.0.13:5060;lr", link3,
			func(s *federation.Snapshot) { s.Node("imp2.synergy.com").Connector = "127.0.0.13:5080" }},
	})
}

func TestARequestInADialogReachesItsHost(t *testing.T) {
	decides(t, []decided{
		{"a dialog's request reaches this node's connector", "NOTIFY sip:ann@imp1.synergy.com:5080 outside dialog", deliver, unchanged},
		{"... by any port of ours", "NOTIFY sip:ann@127.0.0.11:5062 outside dialog", deliver, unchanged},
		{"... but not by another port", "NOTIFY sip:ann@127.0.0.11:22 outside dialog", "answer 403", unchanged},
		{"a dialog's request reaches another node's connector through it", "NOTIFY sip:ann@imp2.synergy.com:5060 outside dialog", link2, unchanged},
		{"without a To tag a node's name is no domain", "NOTIFY sip:ann@imp1.synergy.com outside", "answer 403", unchanged},
		{"a connector that is off is not used in a dialog", "NOTIFY sip:ann@imp1.synergy.com outside dialog", "answer 480", off("imp1.synergy.com", federation.ServiceSIPFederation)},
		{"a node that is off is not used in a dialog", "NOTIFY sip:ann@imp2.synergy.com outside dialog", "answer 480", off("imp2.synergy.com", federation.ServiceSIPProxy)},
		{"a dialog's request from inside reaches the host that only the dialog knows", "BYE sip:x@fe2.synergy.com:5061;transport=tls inside dialog", fe2, unchanged},
		{"a dialog's request from outside never reaches a host of the Microsoft side", "BYE sip:x@fe2.synergy.com:5061 outside dialog", "answer 403", unchanged},
		{"a dialog that came through another node's Route goes on to its host", "BYE sip:x@fe2.synergy.com:5061 inside passed dialog own", fe2, unchanged},
		{"... also where a strict router had put our Route into the Request-URI", "BYE sip:x@fe2.synergy.com:5061 inside passed dialog undone", fe2, unchanged},
		{"a dialog's request from another node without our Route is not decided outward", "BYE sip:x@fe2.synergy.com:5061 inside passed dialog", "answer 403", unchanged},
		{"a dialog with the shared domain is routed like any request", "BYE sip:bob@synergy.com;gruu inside dialog", microsoft, unchanged},
	})
}

func TestWhatIsNotSupportedIsRefused(t *testing.T) {
	decides(t, []decided{
		{"there is no registrar", "REGISTER sip:synergy.com outside", "answer 405", unchanged},
		{"another scheme is refused", "MESSAGE tel:+4420 inside", "answer 416", unchanged},
		{"sips is routed", "MESSAGE sips:bob@synergy.com inside", microsoft, unchanged},
		{"an unknown extension is refused", "SUBSCRIBE sip:ann@synergy.com outside requires=noSuch", "answer 420", unchanged},
		{"ms-benotify is understood", "SUBSCRIBE sip:ann@synergy.com outside requires=ms-benotify", toImp2, unchanged},
		{"... in any case", "SUBSCRIBE sip:ann@synergy.com outside requires=MS-Benotify", toImp2, unchanged},
		{"an extension does not matter on a Route", "BYE sip:x@y.com inside dialog requires=noSuch route=sip:127.0.0.22:5061;lr", fe2, unchanged},
	})
}

func TestARecipientLicensedHereIsReached(t *testing.T) {
	decides(t, []decided{
		{"a recipient of another node goes there, then to the backup", "SUBSCRIBE sip:ann@synergy.com outside", toImp2, unchanged},
		{"a recipient is compared without case and with escapes resolved", "SUBSCRIBE sip:%41NN@Synergy.COM outside", toImp2, unchanged},
		{"a licence counts nothing where the domain is not held", "SUBSCRIBE sip:old@former.com inside", "answer 403", unchanged},
		{"inside, a licensed recipient stays here", "SUBSCRIBE sip:ann@synergy.com inside", toImp2, unchanged},
		{"a licence beats the Microsoft address", "MESSAGE sip:eve@synergy.com inside", link3, unchanged},
		{"a home node whose connector is off is left out", "SUBSCRIBE sip:ann@synergy.com outside", link3, off("imp2.synergy.com", federation.ServiceSIPFederation)},
		{"a home node whose proxy is off is left out", "SUBSCRIBE sip:ann@synergy.com outside", link3, off("imp2.synergy.com", federation.ServiceSIPProxy)},
		{"nobody can deliver", "SUBSCRIBE sip:eve@synergy.com outside", "answer 480", off("imp3.synergy.com", federation.ServiceSIPProxy)},
		{"a home node that is gone cannot deliver", "SUBSCRIBE sip:lost@synergy.com outside", "answer 480", unchanged},
	})
}

func TestARecipientNotLicensedHereIsSentToTheMicrosoftSide(t *testing.T) {
	decides(t, []decided{
		{"from outside, nobody here is nobody", "SUBSCRIBE sip:bob@synergy.com outside", "answer 404", unchanged},
		{"from outside through another node, nobody here is nobody", "SUBSCRIBE sip:bob@synergy.com outside passed", "answer 404", unchanged},
		{"with federation off nothing goes out", "SUBSCRIBE sip:bob@synergy.com inside", "answer 404", func(s *federation.Snapshot) { s.Settings.PartitionedFederation = false }},
		{"basic: who is not licensed here goes to the Microsoft side", "SUBSCRIBE sip:bob@synergy.com inside", microsoft, unchanged},
		{"basic: who is unknown goes there too", "SUBSCRIBE sip:nobody@synergy.com inside", microsoft, unchanged},
		{"advanced: a Microsoft address goes there", "SUBSCRIBE sip:bob@synergy.com inside", microsoft, advanced},
		{"advanced: any spelling of it does", "SUBSCRIBE sip:B%4fb@SYNERGY.com inside", microsoft, advanced},
		{"advanced: who is unknown does not leave the node", "SUBSCRIBE sip:nobody@synergy.com inside", "answer 404", advanced},
		{"what passed another node never goes out by a decision", "SUBSCRIBE sip:bob@synergy.com inside passed", "answer 404", unchanged},
		{"... nor to a federated domain", "SUBSCRIBE sip:x@remote.com inside passed", "answer 404", unchanged},
		{"a federated domain is reached from inside", "SUBSCRIBE sip:x@remote.com inside", fe1, unchanged},
		{"a federated domain is not reached from outside", "SUBSCRIBE sip:x@remote.com outside", "answer 403", unchanged},
		{"a federated domain without Direct Federation is not reached", "SUBSCRIBE sip:x@closed.com inside", "answer 403", unchanged},
		{"the domain is compared whole", "SUBSCRIBE sip:ann@abc.synergy.com inside", "answer 403", unchanged},
		{"this is no open relay", "SUBSCRIBE sip:x@example.com inside", "answer 403", unchanged},
		{"an address is no domain", "SUBSCRIBE sip:x@127.0.0.21 inside", "answer 403", unchanged},
		{"maddr leads nowhere", "SUBSCRIBE sip:x@example.com;maddr=127.0.0.11 outside", "answer 403", unchanged},
		{"without a static route nothing goes out", "SUBSCRIBE sip:bob@synergy.com inside", "answer 404", edit(".com.synergy", func(r *federation.StaticRoute) { r.InService = false })},
		{"a blocked best route refuses", "SUBSCRIBE sip:bob@synergy.com inside", "answer 403",
			edit(".com.synergy", func(r *federation.StaticRoute) { r.Blocked = r.Priority == 1 })},
	})
}

func TestTheHomeNodeDeliversItself(t *testing.T) {
	for _, c := range []struct{ promise, node, request, want string }{
		{"the home node delivers, then its backup", "imp2.synergy.com", "SUBSCRIBE sip:ann@synergy.com outside",
			"route connector:imp2.synergy.com 127.0.0.12:5080, then node:imp3.synergy.com 127.0.0.13:5060"},
		{"asked by another node it delivers only", "imp2.synergy.com", "SUBSCRIBE sip:ann@synergy.com outside passed",
			"route connector:imp2.synergy.com 127.0.0.12:5080"},
		{"the backup tries the home node first", "imp3.synergy.com", "SUBSCRIBE sip:ann@synergy.com outside",
			"route node:imp2.synergy.com 127.0.0.12:5060, then connector:imp3.synergy.com 127.0.0.13:5080"},
		{"asked by another node the backup delivers", "imp3.synergy.com", "SUBSCRIBE sip:ann@synergy.com outside passed",
			"route connector:imp3.synergy.com 127.0.0.13:5080"},
		{"any node sends to the Microsoft side itself", "imp3.synergy.com", "SUBSCRIBE sip:bob@synergy.com inside", microsoft},
	} {
		if d, _ := ask(t, compile(t, c.node), c.request); d.String() != c.want {
			t.Errorf("%s: %s, want %s", c.promise, d, c.want)
		}
	}
	d, _ := ask(t, compile(t, "imp2.synergy.com"), "SUBSCRIBE sip:ann@synergy.com outside passed")
	if d.Unreached != 503 {
		t.Errorf("another node hears %d when nothing can be delivered here, so that it tries the backup: want 503", d.Unreached)
	}
	d, _ = ask(t, compile(t, "imp2.synergy.com"), "SUBSCRIBE sip:ann@synergy.com outside")
	if d.Unreached != 480 {
		t.Errorf("a peer hears %d when nothing can be delivered: want 480", d.Unreached)
	}
	d, _ = ask(t, compile(t, "imp2.synergy.com", off("imp2.synergy.com", federation.ServiceSIPFederation)), "SUBSCRIBE sip:ann@synergy.com outside passed")
	if d.String() != "answer 503" {
		t.Errorf("another node hears %s when the connector is off: want answer 503", d)
	}
}

func TestRefusalsCarryWhatAdministratorsLookFor(t *testing.T) {
	p := compile(t, "imp1.synergy.com", edit(".com.synergy", func(r *federation.StaticRoute) { r.InService = false }))
	d, _ := ask(t, p, "SUBSCRIBE sip:bob@synergy.com inside")
	if d.Warning != "no static route for synergy.com" || d.Log != "no static route" {
		t.Errorf("no route: warning %q, log %q", d.Warning, d.Log)
	}
	if d, _ = ask(t, p, "SUBSCRIBE sip:bob@synergy.com inside loop"); d.Log != "loop detected" {
		t.Errorf("loop: log %q", d.Log)
	}
	if d, _ = ask(t, p, "SUBSCRIBE sip:x@example.com inside"); d.Warning != "This node does not relay to example.com" {
		t.Errorf("another domain: warning %q", d.Warning)
	}
	d, _ = ask(t, p, "SUBSCRIBE sip:bob@synergy.com inside requires=a requires=ms-benotify requires=b")
	if len(d.Headers) != 1 || d.Headers[0] != "Unsupported: a, b" {
		t.Errorf("extension: headers %v", d.Headers)
	}
	for _, request := range []string{"NEGOTIATE sip:synergy.com", "REGISTER sip:synergy.com", "OPTIONS sip:imp1.synergy.com"} {
		if d, _ = ask(t, p, request+" inside"); len(d.Headers) != 1 || !strings.HasPrefix(d.Headers[0], "Allow: INVITE,") {
			t.Errorf("%s: headers %v", request, d.Headers)
		}
	}
}

func TestAStrictRouterIsToldApart(t *testing.T) {
	p := compile(t, "imp1.synergy.com")
	for route, strict := range map[string]bool{"sip:pool.synergy.com:5061;lr": false, "sip:pool.synergy.com:5061": true} {
		if d, _ := ask(t, p, "BYE sip:x@y.com inside dialog route="+route); d.Action != Forward || d.Strict != strict {
			t.Errorf("%s: %s strict %v", route, d, d.Strict)
		}
	}
}

// Whatever is asked: the diagnostics tell what the core does.
func TestExplainAndDecideAlwaysAgree(t *testing.T) {
	p := compile(t, "imp1.synergy.com")
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		plain := p.Decide(&r, people)
		explained, steps := p.Explain(&r, people)
		last := steps[len(steps)-1]
		if plain.Action != Forward {
			plain.Reason = explained.Reason
		}
		explained.Reason = plain.Reason
		if !reflect.DeepEqual(plain, explained) {
			t.Fatalf("%+v: Decide says %+v, Explain %+v", r, plain, explained)
		}
		if !last.Applies || !strings.HasSuffix(last.Text, ".") {
			t.Fatalf("%+v: the last step is %+v", r, last)
		}
	})
}

func TestExplainAndDecideAgree(t *testing.T) {
	p := compile(t, "imp1.synergy.com")
	r := NewRequest("SUBSCRIBE", uri(t, "sip:bob@synergy.com"), Inside)
	d, steps := p.Explain(&r, people)
	plain := p.Decide(&r, people)
	if plain.String() != d.String() || plain.Reason != "" {
		t.Errorf("Decide says %s (%q), Explain %s", plain, plain.Reason, d)
	}
	if last := steps[len(steps)-1]; !last.Applies || last.Text != "The static routes of synergy.com lead there." || steps[0].Applies {
		t.Errorf("steps: %+v", steps)
	}
}

// A decision reads the domain once, no user part without user routes, and keeps no steps that nobody asked for.
func TestADecisionAllocatesLittle(t *testing.T) {
	p := compile(t, "imp1.synergy.com")
	r := NewRequest("SUBSCRIBE", uri(t, "sip:bob@synergy.com"), Inside)
	if n := testing.AllocsPerRun(100, func() { p.Decide(&r, people) }); n > 7 { // 5, and what the race detector keeps from being inlined
		t.Errorf("%v allocations", n)
	}
}
