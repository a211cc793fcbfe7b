package e2e

import (
	"strings"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// running is a world set up by the wizard, with its node serving.
func running(t *testing.T) (*world, *process) {
	t.Helper()
	w := newWorld(t, newDatabase(t))
	w.setUp()
	return w, w.node.serve()
}

// row is a request and what has to become of it.
type row struct {
	promise string
	request siptest.Request
	want    string // the answer's status, or where the request arrives: connector, fe1
	header  string // that the answer has, "" for none in particular
}

func with(r siptest.Request, change func(*siptest.Request)) siptest.Request {
	change(&r)
	return r
}

func to(uri string) func(*siptest.Request) {
	return func(r *siptest.Request) { r.URI = uri }
}

func inDialog(uri string, routes ...string) func(*siptest.Request) {
	return func(r *siptest.Request) {
		r.To += ";tag=there"
		r.URI = uri
		for _, route := range routes {
			r.Below = append(r.Below, "Route: "+route)
		}
	}
}

func routed(routes ...string) func(*siptest.Request) {
	return func(r *siptest.Request) { r.Below = append(r.Below, "Route: "+strings.Join(routes, ", ")) }
}

func line(text string) func(*siptest.Request) {
	return func(r *siptest.Request) { r.Lines = append(r.Lines, text) }
}

func hops(n int) func(*siptest.Request) { return func(r *siptest.Request) { r.MaxForwards = n } }

// hello is a MESSAGE to somebody.
func hello(from, to string) siptest.Request { return siptest.Message(from, to, "hello") }

func (w *world) check(t *testing.T, peer *siptest.Peer, r row) {
	t.Helper()
	peer.Sends(r.request)
	inboxes := map[string]*inbox{"connector": w.connector, "fe1": w.fe1, "fe2": w.fe2}
	if i, ok := inboxes[r.want]; ok {
		a := i.expect(t, r.request.Method)
		a.answers(t, 200)
		peer.Expect("200")
		return
	}
	m := peer.Expect(r.want)
	if _, value, _ := strings.Cut(string(m.Bytes()), "\r\n"); !strings.Contains(value, r.header) {
		t.Errorf("%s: no %q in\n%s", r.promise, r.header, m.Bytes())
	}
}

func TestRequestsFromOutside(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	node, connector := "imp1.synergy.com", w.connector.Addr()
	peer := w.outside(t, fe1Host, "fe1.synergy.com")
	for _, r := range []row{
		{"a licensed recipient", hello(carl, ann), "connector", ""},
		{"without case and with escapes", with(hello(carl, ann), to("sip:%41NN@Synergy.COM;user=phone")), "connector", ""},
		{"somebody unknown", hello(carl, "nobody@synergy.com"), "404", ""},
		{"an unlicensed recipient goes nowhere", hello(carl, "carl@synergy.com"), "404", ""},
		{"another domain", hello(carl, "ann@example.com"), "403", ""},
		{"a host under the domain is another domain", hello(carl, "ann@abc.synergy.com"), "403", ""},
		{"a CANCEL of nothing", with(siptest.NewRequest("CANCEL", carl, ann), func(*siptest.Request) {}), "481", ""},
		{"compression", siptest.Negotiate(node), "405", "Allow: "},
		{"OPTIONS to the node", siptest.Probe(node), "200", "Allow: "},
		{"OPTIONS to the node by address and port", siptest.Probe(w.net + nodeHost + ":5061"), "200", "Allow: "},
		{"no hops left", with(hello(carl, ann), hops(0)), "483", ""},
		{"a registration", siptest.NewRequest("REGISTER", carl, ann), "405", "Allow: "},
		{"a telephone number", with(hello(carl, ann), to("tel:+14085550117")), "416", ""},
		{"an extension of proxies", with(hello(carl, ann), line("Proxy-Require: foo")), "420", "Unsupported: foo"},
		{"ms-benotify is understood", with(hello(carl, ann), line("Proxy-Require: ms-benotify")), "connector", ""},
		{"a Route of ours is removed", with(hello(carl, ann), routed("<sip:"+node+":5061;transport=tls;lr>", "<sip:"+node+":5060;transport=tcp;lr>")), "connector", ""},
		{"a Route to the connector", with(hello(carl, ann), routed("<sip:"+connector+";transport=tcp;lr>")), "connector", ""},
		{"a Route to the outside", with(hello(carl, ann), routed("<sip:fe2.synergy.com:5061;transport=tls;lr>")), "403", ""},
		{"a Route to the outside behind ours", with(hello(carl, ann), routed("<sip:"+node+":5061;lr>", "<sip:192.0.2.1;lr>")), "403", ""},
		{"in a dialog, to the connector", with(hello(carl, ann), inDialog("sip:"+connector+";transport=tcp")), "connector", ""},
		{"in a dialog, to the node", with(hello(carl, ann), inDialog("sip:ann@"+node+":5061;transport=tls")), "connector", ""},
		{"in a dialog, to a port of the node that nobody has", with(hello(carl, ann), inDialog("sip:ann@"+node+":22")), "403", ""},
		{"in a dialog, to a host outside", with(hello(carl, ann), inDialog("sip:carl@fe2.synergy.com:5061")), "403", ""},
		{"an unknown method", siptest.NewRequest("FROBNICATE", carl, ann), "connector", ""},
	} {
		t.Run(r.promise, func(t *testing.T) { w.check(t, peer, r) })
	}
	w.fe1.nothing(t)
	w.fe2.nothing(t)
}

func TestRequestsFromInside(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	node := "imp1.synergy.com"
	peer := w.inside(t)
	for _, r := range []row{
		{"a licensed recipient", hello(bob, ann), "connector", ""},
		{"somebody unlicensed", hello(ann, carl), "fe1", ""},
		{"somebody unknown", hello(ann, "nobody@synergy.com"), "fe1", ""},
		{"another domain", hello(ann, "carl@example.com"), "403", ""},
		{"a host under the domain is another domain", hello(ann, "carl@abc.synergy.com"), "403", ""},
		{"a Route to the pool", with(hello(ann, carl), routed("<sip:pool.synergy.com:5061;transport=tls;lr>")), "fe1", ""},
		{"a Route to the second front end", with(hello(ann, carl), routed("<sip:fe2.synergy.com:5061;transport=tls;lr>")), "fe2", ""},
		{"a Route to a port that the front end does not have", with(hello(ann, carl), routed("<sip:fe2.synergy.com:5062;transport=tls;lr>")), "403", ""},
		{"a Route to somebody else", with(hello(ann, carl), routed("<sip:192.0.2.1:5061;transport=tls;lr>")), "403", ""},
		{"in a dialog, to the second front end", with(hello(ann, carl), inDialog("sip:carl@fe2.synergy.com:5061;transport=tls")), "fe2", ""},
		{"in a dialog, to the second front end's address", with(hello(ann, carl), inDialog("sip:"+w.net+fe2Host+":5061;transport=tls")), "fe2", ""},
		{"in a dialog, to the node", with(hello(ann, carl), inDialog("sip:ann@"+node)), "connector", ""},
		{"an extension of proxies", with(hello(ann, carl), line("Proxy-Require: foo, ms-benotify, bar")), "420", "Unsupported: foo, bar"},
	} {
		t.Run(r.promise, func(t *testing.T) { w.check(t, peer, r) })
	}
}

func TestSettingsDecideWithinASecond(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	peer := w.inside(t)
	for _, step := range []struct {
		promise, document string
		request           func() siptest.Request
		want              string
	}{
		{"advanced routing knows a Microsoft address", settings("routing_mode: advanced"), func() siptest.Request { return hello(ann, carl) }, "fe1"},
		{"advanced routing knows nobody else", "", func() siptest.Request { return hello(ann, "nobody@synergy.com") }, "404"},
		{"federation off", settings("partitioned_federation: false"), func() siptest.Request { return hello(ann, carl) }, "404"},
		{"federation on again", settings(""), func() siptest.Request { return hello(ann, carl) }, "fe1"},
		{"a federated domain that is not direct", "federated_domains:\n  - {name: remote.com, direct: false}\n", func() siptest.Request { return hello(ann, "x@remote.com") }, "403"},
		{"a federated domain without a route", "federated_domains:\n  - {name: remote.com, direct: true}\n", func() siptest.Request { return hello(ann, "x@remote.com") }, "404"},
		{"a federated domain with a route", w.routes("{destination: .com.remote, type: domain, next_hop: FE2, port: 5061, transport: tls}"), func() siptest.Request { return hello(ann, "x@remote.com") }, "fe2"},
		{"no static route for the domain", "", func() siptest.Request { return hello(ann, carl) }, "404"},
		{"the best route is blocked", w.routes("{destination: .com.synergy, type: domain, next_hop: FE1, port: 5061, transport: tls, blocked: true}",
			"{destination: .com.synergy, type: domain, next_hop: FE2, port: 5061, transport: tls, priority: 2}"), func() siptest.Request { return hello(ann, carl) }, "403"},
		{"a route out of service is none", w.routes("{destination: .com.synergy, type: domain, next_hop: FE1, port: 5061, transport: tls, in_service: false}",
			"{destination: .com.synergy, type: domain, next_hop: FE2, port: 5061, transport: tls, priority: 2}"), func() siptest.Request { return hello(ann, carl) }, "fe2"},
		{"the connector's service is off", "nodes:\n  - {name: imp1.synergy.com, address: " + w.net + nodeHost + ", services: [sip_proxy]}\n", func() siptest.Request { return hello(bob, ann) }, "480"},
		{"the connector's service is on again", "nodes:\n  - {name: imp1.synergy.com, address: " + w.net + nodeHost + "}\n", func() siptest.Request { return hello(bob, ann) }, "connector"},
	} {
		t.Run(step.promise, func(t *testing.T) {
			if step.document != "" {
				w.applied(t, step.document)
			}
			w.check(t, peer, row{step.promise, step.request(), step.want, ""})
		})
	}
}

func settings(more string) string {
	base := map[string]string{"partitioned_federation": "true", "require_peer_certificate": "true", "default_domain": "synergy.com"}
	if key, value, ok := strings.Cut(more, ": "); ok {
		base[key] = value
	}
	text := "settings:\n"
	for key, value := range base {
		text += "  " + key + ": " + value + "\n"
	}
	return text
}

// routes is the section with these routes, in which FE1 and FE2 stand for the front ends' addresses.
func (w *world) routes(list ...string) string {
	text := "static_routes:\n  - " + strings.Join(list, "\n  - ") + "\n"
	return strings.NewReplacer("FE1", w.net+fe1Host, "FE2", w.net+fe2Host).Replace(text)
}

func TestWhatIsNeverAnswered(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	peer := w.outside(t, fe1Host, "fe1.synergy.com")
	for _, r := range []siptest.Request{
		siptest.NewRequest("ACK", carl, ann),
		siptest.NewRequest("BENOTIFY", carl, "nobody@synergy.com"),
		with(siptest.NewRequest("BENOTIFY", carl, ann), hops(0)),
		with(siptest.NewRequest("ACK", carl, ann), routed("<sip:192.0.2.1;lr>")),
	} {
		peer.Sends(r)
	}
	peer.ExpectSilence(300 * time.Millisecond)
	w.check(t, peer, row{"the connection lives on", hello(carl, ann), "connector", ""})
}
