package routing

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
	"pgregory.net/rapid"
)

// TestEveryCombination holds the rules of the decision over admission x side x method x recipient x mode.
func TestEveryCombination(t *testing.T) {
	origins := []struct {
		name string
		peer Peer
		via  string // "": the peer's own
	}{
		{"front end", fromFrontEnd, ""},
		{"stranger", fromStranger, ""},
		{"connector", fromConnector, "Via: SIP/2.0/TCP 127.0.0.11:5080;branch=z9hG4bK1"},
		{"other node, from inside", Peer{Addr: netip.MustParseAddr("127.0.0.12")}, "inside"},
		{"other node, from outside", Peer{Addr: netip.MustParseAddr("127.0.0.12")}, "outside"},
		{"other node over TLS, from inside", at(with(server, func(p *Peer) { p.Subject = "imp2.synergy.com" }), "127.0.0.12"), "inside"},
		{"node's address over TLS without its name", at(server, "127.0.0.12"), "inside"},
		{"node's address over UDP", with(fromConnector, func(p *Peer) { p.UDP = true }), "inside"},
		{"front end over UDP", with(at(plain, "127.0.0.21"), func(p *Peer) { p.UDP = true }), ""},
		{"connection to a next hop", opened("hop", "127.0.0.21", false), ""},
		{"connection to the connector", opened("connector:imp1.synergy.com", "127.0.0.11", false), "Via: SIP/2.0/TCP 127.0.0.11:5080;branch=z9hG4bK1"},
	}
	methods := []string{"INVITE", "SUBSCRIBE", "NOTIFY", "MESSAGE", "INFO", "REFER", "OPTIONS", "PUBLISH", "UPDATE", "SERVICE", "BENOTIFY", "NEGOTIATE", "REGISTER", "UNHEARD"}
	recipients := []string{"ann@synergy.com", "eve@synergy.com", "bob@synergy.com", "old@former.com", "nobody@synergy.com", "x@remote.com", "x@closed.com", "x@example.com"}
	for _, mode := range []string{"basic", "advanced", "off"} {
		p := compile(t, "imp1.synergy.com", func(s *federation.Snapshot) {
			s.Settings.PartitionedFederation = mode != "off"
			if mode == "advanced" {
				s.Settings.RoutingMode = mode
			}
		})
		for _, o := range origins {
			for _, method := range methods {
				for _, to := range recipients {
					name := fmt.Sprintf("%s from %s to %s, %s", method, o.name, to, mode)
					want := expected(o.name, method, to, mode)
					for _, dialog := range []string{"X-Dialog: no", "X-Dialog: yes"} { // a To tag proves nothing
						if got := outcome(t, p, o.peer, o.via, method, "sip:"+to, dialog); got != want {
							t.Errorf("%s, %s: %s, want %s", name, dialog, got, want)
						}
					}
				}
			}
		}
	}
}

func outcome(t *testing.T, p *Policy, peer Peer, via, method, target, dialog string) string {
	v := p.Admit(peer)
	if !v.Allowed {
		return "refused"
	}
	switch via {
	case "":
		via = "Via: SIP/2.0/TLS 127.0.0.21:5061;branch=z9hG4bK2"
	case "inside", "outside":
		via = viaOf(t, "imp2.synergy.com", target, via)
	}
	r := read(t, p, peer, message(t, method, target, via, dialog))
	d := p.Decide(&r, people)
	if d.Action == Forward {
		return "to " + [...]string{"Microsoft", "a node", "the connector"}[d.Groups[0][0].Kind]
	}
	return d.String()
}

// expected is the rule in words of its own.
func expected(origin, method, to, mode string) string {
	answer := func(status int) string {
		if method == "BENOTIFY" {
			return "drop"
		}
		return fmt.Sprintf("answer %d", status)
	}
	passed := strings.HasPrefix(origin, "other node")
	inside := strings.HasSuffix(origin, "connector") || passed && strings.HasSuffix(origin, "inside")
	switch {
	case origin == "stranger" || strings.HasPrefix(origin, "node's address"):
		return "refused"
	case method == "NEGOTIATE" || method == "REGISTER":
		return answer(405)
	case to == "ann@synergy.com" || to == "eve@synergy.com":
		return "to a node"
	case to == "x@example.com" || to == "old@former.com" || to == "x@closed.com" || to == "x@remote.com" && !inside:
		return answer(403)
	case to == "x@remote.com" && !passed:
		return "to Microsoft"
	case !inside || passed || mode == "off" || mode == "advanced" && to == "nobody@synergy.com":
		return answer(404)
	}
	return "to Microsoft"
}

// TestNobodyOutsideLeavesToTheOutside draws requests of any shape that come from outside, straight or through another
// node: whatever they say, no decision sends them to the Microsoft side.
func TestNobodyOutsideLeavesToTheOutside(t *testing.T) {
	policies := []*Policy{compile(t, "imp1.synergy.com"), compile(t, "imp2.synergy.com", advanced),
		compile(t, "imp3.synergy.com", add(route(".com.example", "127.0.0.41", 1)))}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(policies).Draw(t, "policy")
		r := drawRequest(t)
		r.Side = Outside
		for _, g := range p.Decide(&r, people).Groups {
			for _, h := range g {
				if h.Kind == MicrosoftHop {
					t.Fatalf("%+v leaves to %s", r, h)
				}
			}
		}
	})
}

// TestNothingThatPassedANodeIsDecidedOutward: only a Route set leads it on.
func TestNothingThatPassedANodeIsDecidedOutward(t *testing.T) {
	p := compile(t, "imp1.synergy.com")
	rapid.Check(t, func(t *rapid.T) {
		r := drawRequest(t)
		r.Passed = true
		d := p.Decide(&r, people)
		followed := len(r.Routes) > 0 || r.ToTag && (r.Own > 0 || r.NewURI != nil)
		for _, g := range d.Groups {
			if !followed && g[0].Kind == MicrosoftHop {
				t.Fatalf("%+v leaves to %s", r, g[0])
			}
		}
	})
}

// TestNobodyOutsideComesThroughTheCluster follows a request from outside from node to node, by whatever Route set or
// dialog: it ends at a connector, or with an answer, after no more nodes than it names.
func TestNobodyOutsideComesThroughTheCluster(t *testing.T) {
	policies := map[string]*Policy{}
	for _, n := range cluster().Nodes {
		policies[n.Name] = compile(t, n.Name, add(route(".com.example", "127.0.0.41", 1)))
	}
	rapid.Check(t, func(t *rapid.T) {
		p := policies[rapid.SampledFrom([]string{"imp1.synergy.com", "imp2.synergy.com", "imp3.synergy.com"}).Draw(t, "node")]
		r := drawRequest(t)
		r.Side, r.Passed = Outside, false
		for left := 3 + len(r.Routes); p != nil; left-- {
			if left == 0 {
				t.Fatalf("%+v goes from node to node without an end", r)
			}
			for len(r.Routes) > 0 && p.namesSelf(r.Routes[0]) {
				r.Own, r.Routes = r.Own+1, r.Routes[1:]
			}
			next := ""
			for _, g := range p.Decide(&r, people).Groups {
				if g[0].Kind == MicrosoftHop {
					t.Fatalf("%+v leaves to %s from %s", r, g[0], p.Node())
				}
				if g[0].Kind == NodeHop {
					next = g[0].Node
				}
			}
			p, r.Own, r.Passed = policies[next], 0, true
		}
	})
}

func drawRequest(t *rapid.T) Request {
	user := rapid.SampledFrom([]string{"", "ann@", "bob@", "eve@", "4420@", "%62ob@", "x@"})
	host := rapid.SampledFrom([]string{"synergy.com", "SYNERGY.com.", "remote.com", "closed.com", "example.com", "pool.synergy.com", "fe1.synergy.com",
		"imp1.synergy.com", "imp2.synergy.com", "imp3.synergy.com", "127.0.0.11", "127.0.0.12", "127.0.0.21", "127.0.0.22", "abc.synergy.com", "[::1]"})
	tail := rapid.SampledFrom([]string{"", ":5060", ":5061", ":5080", ":22", ";transport=tls", ":5061;lr", ";maddr=127.0.0.21", ";lr"})
	address := rapid.Custom(func(t *rapid.T) sip.URI {
		text := rapid.SampledFrom([]string{"sip:", "sips:"}).Draw(t, "scheme") + user.Draw(t, "user") + host.Draw(t, "host") + tail.Draw(t, "tail")
		u, err := sip.ParseURI([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return u
	})
	var newURI []byte
	if rapid.IntRange(0, 4).Draw(t, "undone") == 0 {
		newURI = []byte("sip:x") // a strict router had been there
	}
	return Request{
		NewURI: newURI,
		Method: rapid.SampledFrom([]string{"INVITE", "ACK", "BYE", "CANCEL", "MESSAGE", "NOTIFY", "BENOTIFY", "OPTIONS", "UNHEARD"}).Draw(t, "method"),
		URI:    address.Draw(t, "uri"), Side: Side(rapid.IntRange(0, 1).Draw(t, "side")), Passed: rapid.Bool().Draw(t, "passed"), ToTag: rapid.Bool().Draw(t, "tag"),
		MaxForwards: rapid.IntRange(0, 70).Draw(t, "forwards"), MaxBreadth: rapid.IntRange(0, 60).Draw(t, "breadth"), Own: rapid.IntRange(0, 2).Draw(t, "own"),
		Routes: rapid.SliceOfN(address, 0, 3).Draw(t, "routes"), Loop: rapid.IntRange(0, 9).Draw(t, "loop") == 0,
	}
}
