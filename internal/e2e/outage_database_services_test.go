package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// controls is where the console takes orders to the services of a node.
func (f *fleet) controls(i int) string {
	f.t.Helper()
	snapshot, err := storeAt(f.t, f.server.URL()).Snapshot(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	return fmt.Sprintf("/services/%d", snapshot.Node(fqdnOf(i)).ID)
}

// orders has a form of the console done, which has to be accepted.
func (b *reader) orders(path string, fields ...string) {
	b.t.Helper()
	if status, page := b.does(path, fields...); status != http.StatusOK {
		b.t.Fatalf("%s %v is answered %d:\n%s", path, fields, status, page)
	}
}

// A service that was switched off on a node stays so over a restart of its process, with the database and without, and
// what goes through the other node does not notice.
func TestAServiceThatDoesNotRunOnANodeStaysOffOverItsRestartAndDisturbsNoOther(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	anna, m, path := f.node.signsIn(siptest.Unique("anna")), f.nodes[1], f.controls(1)
	flow := f.flows(pace, f.nodes[0])
	for _, way := range []struct {
		name    string
		off, on []string
		path    string
	}{
		{"stopped", []string{"service", "sip_proxy", "order", "stop"}, []string{"service", "sip_proxy", "order", "start"}, path + "/control"},
		{"deactivated", []string{"services", "sip_federation"}, []string{"services", "sip_federation", "services", "sip_proxy"}, path},
	} {
		open := siptest.Connect(t, m.address+":5060", siptest.Options{Local: m.address, Timeout: patience})
		anna.orders(way.path, way.off...)
		isOff := func() {
			t.Helper()
			m.becomes("stopped")
			eventually(t, patience, way.name+": nobody can connect", func() bool { return !opens(m.address, "5060") && !opens(m.address, "5061") })
		}
		isOff()
		open.ExpectClosed()
		m.process.stop()
		m.begins()
		isOff()
		m.process.stop()
		m.link.Cut()
		m.begins()
		isOff()
		m.link.Mend()
		flow.goesOn(some)
		anna.orders(way.path, way.on...)
		f.follows()
		through := f.flows(pace, m)
		through.goesOn(some)
		through.ends()
	}
	flow.ends()
}

// A restart ends what is under way on that node, with an answer, and nothing elsewhere. It is done once, also when the
// process is started anew.
func TestAnOrderedRestartAnswersWhatIsUnderWayAndDisturbsNoOtherNode(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	anna, m := f.node.signsIn(siptest.Unique("anna")), f.nodes[1]
	flow := f.flows(pace, f.nodes[0])
	pool := siptest.Connect(t, m.address+":5061", siptest.Options{Local: f.net + fe2Host, TLS: f.ca.Client(f.ca.Leaf("fe2.synergy.com"), fqdnOf(1)), Timeout: patience})
	pool.Sends(siptest.Subscribe(carl, m.user))
	m.connector.expect(t, "SUBSCRIBE") // which does not answer
	pool.Sends(hello(carl, m.user))
	m.connector.expect(t, "MESSAGE") // nor this
	anna.orders(f.controls(1)+"/control", "service", "sip_proxy", "order", "restart")
	if answer := pool.Expect("504"); !strings.Contains(string(answer.Bytes()), "may have been delivered") {
		t.Errorf("the message under way was answered\n%s", answer.Bytes())
	}
	if answer := pool.Expect("503"); !strings.Contains(string(answer.Bytes()), "Retry-After") {
		t.Errorf("the request under way was answered\n%s", answer.Bytes())
	}
	pool.ExpectClosed()
	f.follows()
	flow.goesOn(some)
	flow.ends()
	m.process.stop()
	m.begins()
	f.follows()
	through := f.flows(pace, f.nodes...)
	through.goesOn(some)
	through.ends()
	if says(m.process, "service restarted") {
		t.Error("the new process has done the restart once more")
	}
}

// Clients that go on to the next node, as a pool does that has several routes, lose nothing while one node after the other
// is restarted.
func TestARollingRestartOfThreeNodesLosesNothing(t *testing.T) {
	t.Parallel()
	f := newServing(t, 3)
	anna := f.node.signsIn(siptest.Unique("anna"))
	l := newLoad(t, pace, oneByOne)
	// A request that a restart cuts off may have arrived; who is told to send it again sends it twice. So who took what is not noted.
	f.fe1.takesAll(t)
	f.fe2.takesAll(t)
	l.asking.Go(func() { f.askedInTurn(l) })
	l.goesOn(some)
	anna.orders("/services/control", "service", "sip_proxy", "order", "rolling")
	for _, m := range f.nodes {
		eventually(t, 4*patience, m.address+" was restarted", func() bool { return says(m.process, "service restarted") })
		m.becomes("ready")
	}
	l.goesOn(some)
	l.ends()
	for i, m := range f.nodes {
		times := restartsOf(m.process)
		if len(times) != 1 {
			t.Fatalf("%s was restarted at %v", m.address, times)
		}
		// Whether a node is ready again is looked at every quarter of a second.
		if before := restartsOf(f.nodes[max(0, i-1)].process)[0]; i > 0 && times[0].Sub(before) < 100*time.Millisecond {
			t.Errorf("%s was restarted at %s, and the one before at %s", m.address, times[0], before)
		}
	}
}

// restartsOf are the moments at which a service was restarted on a node, by its log.
func restartsOf(p *process) (list []time.Time) {
	for text := range strings.Lines(p.err.String()) {
		var l struct {
			Time    time.Time `json:"time"`
			Message string    `json:"msg"`
		}
		if json.Unmarshal([]byte(text), &l) == nil && l.Message == "service restarted" {
			list = append(list, l.Time)
		}
	}
	return list
}

// askedInTurn sends one request after the other, each to the next node when one does not take it.
func (f *fleet) askedInTurn(l *load) {
	conns := map[*member]*siptest.Conn{}
	for !over(l.stop) {
		r := hello(f.nodes[0].user, carl)
		l.ledger.Asked(r, 200)
		taken := false
		for _, m := range f.nodes {
			if taken = f.takenBy(l, conns, m, r); taken {
				break
			}
		}
		if !taken {
			l.t.Error("no node has taken a request")
			return
		}
	}
}

// takenBy reports whether a node has answered a request with 200. Any other end leaves it to the next node.
func (f *fleet) takenBy(l *load, conns map[*member]*siptest.Conn, m *member, r siptest.Request) bool {
	if conns[m] == nil {
		c, err := siptest.Dial(m.address+":5060", siptest.Options{Local: m.address})
		if err != nil {
			return false
		}
		conns[m] = c
	}
	r.SentBy, r.Branch = "", siptest.Unique("z9hG4bK")
	err := conns[m].Send(r)
	if err == nil {
		answer, failed := conns[m].Receive()
		if err = failed; err == nil && answer.Status() == http.StatusOK {
			l.notes(answer)
			return true
		}
	}
	conns[m].Close()
	delete(conns, m)
	return false
}

// Nodes take a change at different moments. What goes through them, also from the one to the other, is not refused for that.
func TestWhileANodeIsBehindNoRequestIsRefused(t *testing.T) {
	t.Parallel()
	f := newServing(t, 2)
	anna := f.node.signsIn(siptest.Unique("anna"))
	flow := f.flows(pace, f.nodes...)
	across := siptest.Options{Local: f.net + fe2Host, TLS: f.ca.Client(f.ca.Leaf("fe2.synergy.com"), fqdnOf(0))}
	flow.lane(f.nodes[0].address+":5061", across, carl, f.nodes[1].user, 200)
	flow.goesOn(some)
	revision := f.follows()
	f.nodes[1].link.Hold()
	f.node.apply(f.acl(fe1Host, fe2Host, "41") + "static_routes:\n" + f.otherRoutes())
	eventually(t, patience, "the first node has the change", func() bool { return f.nodes[0].ready().Applied > revision })
	if r := f.nodes[1].ready(); r.Applied != revision || r.Status != http.StatusOK {
		t.Errorf("the second node, which hears of nothing: %+v", r)
	}
	flow.goesOn(some)
	eventually(t, patience, "the console shows both revisions", func() bool {
		_, page := anna.sees("/nodes")
		return strings.Contains(page, fmt.Sprint(revision)) && strings.Contains(page, fmt.Sprint(f.nodes[0].ready().Applied))
	})
	f.nodes[1].link.Mend()
	f.follows()
	flow.goesOn(some)
	flow.ends()
}

// otherRoutes lead to the pool as those of the wizard do, and somewhere else besides.
func (f *fleet) otherRoutes() string {
	var b strings.Builder
	for _, destination := range []string{".com.synergy", ".com.synergy.pool"} {
		for i, host := range []string{fe1Host, fe2Host} {
			fmt.Fprintf(&b, "  - {destination: %s, type: domain, next_hop: %s%s, port: 5061, transport: tls, priority: %d}\n", destination, f.net, host, 2-i)
		}
	}
	return b.String() + "  - {destination: .com.example, type: domain, next_hop: " + f.net + "99, port: 5060, transport: tcp}\n"
}
