package proxy

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"isthmus/internal/federation"
	"isthmus/internal/names"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// A zone is a pretend DNS on the clock of the world.
type zone struct {
	t       *testing.T
	mu      sync.Mutex
	records []dns.RR
	takes   time.Duration
	fails   error
	asked   map[string]int
}

// count says how often DNS was asked about a name.
func (z *zone) count(name string) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked[name]
}

func (z *zone) set(records ...string) {
	z.t.Helper()
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records = nil
	for _, text := range records {
		rr, err := dns.NewRR(strings.Replace(text, " ", ". 60 IN ", 1))
		if err != nil {
			z.t.Fatal(err)
		}
		z.records = append(z.records, rr)
	}
}

// is sets how long DNS takes, and what it fails with.
func (z *zone) is(takes time.Duration, fails error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.takes, z.fails = takes, fails
}

func (z *zone) ask(ctx context.Context, name string, recordType uint16) (names.Answer, error) {
	z.mu.Lock()
	takes := z.takes
	z.asked[name]++
	z.mu.Unlock()
	select {
	case <-siptest.Passed(takes):
	case <-ctx.Done():
		return names.Answer{}, ctx.Err()
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	a := names.Answer{TTL: time.Minute}
	for _, rr := range z.records {
		if h := rr.Header(); h.Name == name+"." && h.Rrtype == recordType {
			a.Records = append(a.Records, rr)
		}
	}
	return a, z.fails
}

// inNamedWorld runs a test in a world with a DNS.
func inNamedWorld(t *testing.T, test func(t *testing.T, w *world, z *zone), records []string, edits ...func(*federation.Snapshot)) {
	t.Helper()
	inWorld(t, func(t *testing.T, w *world) {
		z := &zone{t: t, asked: map[string]int{}}
		z.set(records...)
		book := names.New(names.Config{Ask: z.ask, Random: func(int) int { return 0 }})
		defer book.Close()
		w.proxy.config.Names = book
		book.OnChange(w.proxy.namesChanged)
		w.set(edits...)
		test(t, w, z)
	}, edits...)
}

// lists makes the incoming ACL of these patterns.
func lists(patterns ...string) func(*federation.Snapshot) {
	return func(s *federation.Snapshot) {
		s.ACL = nil
		for _, p := range patterns {
			s.ACL = append(s.ACL, federation.ACLEntry{Pattern: p})
		}
	}
}

// gone reports whether the node closed the connection, which it does on a goroutine of its own when names change.
func (e *end) gone() bool {
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	return e.closed
}

// knock is a request that the node itself answers.
var knock = siptest.Probe("imp1.synergy.com")

// letIn and refused try a connection of a host.
func (w *world) letIn(t *testing.T, promise, from string) *end {
	t.Helper()
	e := w.from(from)
	e.asks(knock)
	e.expect("200")
	if e.gone() {
		t.Errorf("%s: closed", promise)
	}
	return e
}

func (w *world) refused(t *testing.T, promise, from, reason string) {
	t.Helper()
	e := w.from(from)
	e.asks(knock)
	if got := value(e.expect("403"), "Warning"); !strings.Contains(got, reason) || !e.gone() {
		t.Errorf("%s: Warning: %s, closed %v", promise, got, e.gone())
	}
}

var foo = []string{
	"5.0.9.10.in-addr.arpa PTR host.foo.com.", "host.foo.com A 10.9.0.5",
	"6.0.9.10.in-addr.arpa PTR host.foo.com.", // a lie
	"fe9.synergy.com A 10.9.0.9",
}

func TestNamesOfTheListAdmit(t *testing.T) {
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		w.letIn(t, "an address of a listed name", "10.9.0.9:40001")
		w.letIn(t, "a confirmed name under a listed one", "10.9.0.5:40001")
		w.letIn(t, "a listed address", "127.0.0.21:40001")
		for address, want := range map[string]bool{"10.9.0.9": true, "10.9.0.5": true, "10.9.0.7": false} {
			peer := transport.Peer{Remote: netip.AddrPortFrom(netip.MustParseAddr(address), 40002), Transport: sip.TCP}
			if got := w.proxy.Handler().Known(&peer); got != want {
				t.Errorf("%s is known before its next request: %v", address, got)
			}
		}
		for range 5 {
			w.refused(t, "a lying PTR record", "10.9.0.6:40001", "ACL - upstream not trusted: 10.9.0.6")
		}
		if !w.proxy.accept(netip.MustParseAddr("10.9.0.6"), sip.TCP) {
			t.Error("five refusals are not too many")
		}
		w.refused(t, "the sixth", "10.9.0.6:40001", "ACL - upstream not trusted: 10.9.0.6")
		if w.proxy.accept(netip.MustParseAddr("10.9.0.6"), sip.TCP) {
			t.Error("whom DNS does not know is never shut out")
		}
	}, foo, lists("foo.com", "fe9.synergy.com", "127.0.0.21"))
}

func TestAFirstLookUpDelaysNobodyElse(t *testing.T) {
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		z.is(1500*time.Millisecond, nil)
		e := w.from("10.9.0.5:40001")
		sent := make(chan struct{})
		go func() { // the connection's own goroutine
			defer close(sent)
			e.asks(knock)
		}()
		synctest.Wait()
		w.letIn(t, "another connection meanwhile", "127.0.0.21:40001")
		if !e.paused.Load() {
			t.Error("what was sent before the look-up is held until its end")
		}
		select {
		case <-sent:
			t.Error("the request did not wait")
		default:
		}
		z.is(0, nil)
		<-sent
		e.expect("200")
	}, foo, lists("foo.com", "127.0.0.21"))
}

func TestASlowFirstLookUpRefusesWithoutABan(t *testing.T) {
	const literal = "incoming ACL check took over 2 seconds - check DNS"
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		z.is(time.Hour, nil)
		began := time.Now()
		w.refused(t, "a stranger", "10.9.0.7:40001", literal)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("refused after %s", took)
		}
		if !strings.Contains(w.log.String(), `"reason":"`+literal+`"`) {
			t.Errorf("the log:\n%s", w.log)
		}
		for range 20 {
			w.refused(t, "again", "10.9.0.7:40001", literal)
		}
		if !w.proxy.accept(netip.MustParseAddr("10.9.0.7"), sip.TCP) {
			t.Error("it counts for a ban")
		}
		w.letIn(t, "a listed address", "127.0.0.21:40001")
	}, foo, lists("foo.com", "127.0.0.21"))
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		z.is(0, errors.New("DNS is down"))
		for range 20 {
			w.refused(t, "DNS that fails at once", "10.9.0.7:40001", "ACL - upstream not trusted: 10.9.0.7")
		}
		if !w.proxy.accept(netip.MustParseAddr("10.9.0.7"), sip.TCP) {
			t.Error("a failure of DNS counts for a ban")
		}
	}, foo, lists("foo.com", "127.0.0.21"))
}

func TestMalformedRequestsWaitForDNSToo(t *testing.T) {
	broken := strings.Replace(knock.String(), "\r\nTo:", "\r\nX-To:", 1)
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		e := w.from("10.9.0.5:40001")
		e.sends(broken)
		e.expect("400")
	}, foo, lists("foo.com"))
}

func TestOverUDPTheRequestIsLeftToComeAgain(t *testing.T) {
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		z.is(500*time.Millisecond, nil)
		datagram := func(from string) *end {
			return w.end(transport.Peer{Remote: netip.MustParseAddrPort(from), Transport: sip.UDP, Listener: "UDP"})
		}
		began := time.Now()
		e := datagram("10.9.0.5:5060")
		e.asks(knock)
		e.quiet()
		if time.Since(began) > 0 || e.gone() {
			t.Errorf("the socket waited %s for DNS, closed %v", time.Since(began), e.gone())
		}
		other := datagram("10.9.0.6:5060")
		other.asks(knock)
		other.quiet()
		w.after(1900 * time.Millisecond)
		e.asks(knock)
		e.expect("200")
		other.asks(knock)
		other.expect("403")
	}, foo, lists("foo.com"))
}

func TestWhatDNSSaysBitesOnOpenConnections(t *testing.T) {
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		named, listed := w.letIn(t, "by name", "10.9.0.9:40001"), w.letIn(t, "by address", "127.0.0.21:40001")
		confirmed := w.letIn(t, "by a confirmed name", "10.9.0.5:40001")
		w.after(time.Minute)
		if named.gone() || confirmed.gone() {
			t.Fatal("closed though DNS says the same")
		}
		z.set("fe9.synergy.com A 10.9.0.10")
		w.after(time.Minute + time.Second)
		if !named.gone() || !confirmed.gone() || listed.gone() {
			t.Errorf("closed: by name %v, by a confirmed name %v, by address %v", named.gone(), confirmed.gone(), listed.gone())
		}
		w.letIn(t, "the new address", "10.9.0.10:40001")
	}, foo, lists("foo.com", "fe9.synergy.com", "127.0.0.21"))
}

func TestAChangeFromAddressesToNamesClosesNobodyWhoHasTheName(t *testing.T) {
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		good, other := w.letIn(t, "listed by address", "10.9.0.5:40001"), w.letIn(t, "another", "10.9.0.6:40001")
		z.is(time.Second, nil)
		w.set(lists("foo.com"))
		if good.gone() || other.gone() {
			t.Error("closed before DNS has said who they are")
		}
		w.after(4 * time.Second)
		if good.gone() || !other.gone() {
			t.Errorf("closed: who has the name %v, who has not %v", good.gone(), other.gone())
		}
		good.asks(knock)
		good.expect("200")
	}, foo, lists("10.9.0.5", "10.9.0.6"))
}

func TestWithoutADNSNamesOfTheListAdmitNobody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for range 6 {
			w.refused(t, "unlisted", "10.9.0.5:40001", "ACL - upstream not trusted")
		}
		w.set(lists("foo.com", "127.0.0.21"))
		w.letIn(t, "listed by address", "127.0.0.21:40001")
		w.refused(t, "listed by name", "10.9.0.6:40001", "ACL - upstream not trusted")
		if w.proxy.accept(netip.MustParseAddr("10.9.0.5"), sip.TCP) {
			t.Error("the ban has ended")
		}
	})
}

// Of more addresses than DNS is asked about at a time, none is closed before it was its turn.
func TestNobodyIsClosedBeforeDNSWasAsked(t *testing.T) {
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		var all []*end
		addr := netip.MustParseAddr("10.8.0.0")
		for range 200 {
			addr = addr.Next()
			all = append(all, w.from(addr.String()+":40001"))
		}
		z.is(time.Second, nil)
		w.set(lists("foo.com"))
		for _, e := range all {
			if e.gone() {
				t.Fatalf("%v is closed before DNS has said who it is", e.peer.Remote)
			}
		}
		w.after(time.Minute)
		if !all[0].gone() {
			t.Error("a peer without a name stays")
		}
		if !strings.Contains(w.log.String(), `"msg":"connection closed"`) {
			t.Error("no line tells of it")
		}
	}, foo, lists("10.8.0.0/16"))
}

func TestWhatDNSSaysClosesNoConnectionToANextHop(t *testing.T) {
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		w.connector().asks(request("SUBSCRIBE"))
		hop := w.at(fe1At)
		hop.expect("SUBSCRIBE")
		w.letIn(t, "by name", "10.9.0.9:40001")
		z.set("fe9.synergy.com A 10.9.0.10")
		w.after(61 * time.Second)
		if hop.gone() {
			t.Error("the hop's address is on no list, and need not be")
		}
	}, foo, lists("fe9.synergy.com"))
}

func TestDNSIsAskedAboutNobodyWhoIsListedAndNothingThatIsGone(t *testing.T) {
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		w.letIn(t, "by address", "127.0.0.21:40001")
		w.after(time.Second)
		if n := z.count("21.0.0.127.in-addr.arpa"); n != 0 {
			t.Errorf("DNS is asked %d times about who is listed by address", n)
		}
		w.set(lists("127.0.0.21"))
		w.after(time.Second)
		before := z.count("fe9.synergy.com")
		w.after(time.Hour)
		if n := z.count("fe9.synergy.com"); before == 0 || n != before {
			t.Errorf("a name that was taken off the list is looked up %d times more, after %d", n-before, before)
		}
	}, foo, lists("fe9.synergy.com", "127.0.0.21"))
}

func TestAChangeCountsForWhoWaitsForDNS(t *testing.T) {
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		z.is(time.Second, nil)
		e := w.from("10.9.0.77:40001")
		go e.asks(knock)
		w.after(500 * time.Millisecond)
		w.set(lists("foo.com", "10.9.0.77"))
		w.after(time.Second)
		e.expect("200")
	}, foo, lists("foo.com"))
}

// Over TCP nobody comes again: who has waited for long enough is answered, even if DNS has just been asked anew.
func TestWhoHasWaitedForDNSIsAnswered(t *testing.T) {
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		z.is(time.Hour, nil)
		w.set(lists("foo.com", "bar.com"))
		z.is(0, nil)
		e := w.from("10.9.0.77:40001") // who may be bar.com, as far as DNS has said
		go e.asks(knock)
		w.after(time.Second)
		z.is(time.Hour, nil)
		w.set(lists("foo.com", "baz.com"))
		w.after(1100 * time.Millisecond)
		e.expect("403")
	}, foo, lists("foo.com"))
}

func TestANameThatIsListedEndsTheBan(t *testing.T) {
	ban := func(t *testing.T, w *world, address string) netip.Addr {
		t.Helper()
		for range 6 {
			w.refused(t, "unlisted", address+":40001", "ACL - upstream not trusted")
		}
		a := netip.MustParseAddr(address)
		if w.proxy.accept(a, sip.TCP) {
			t.Fatal("no ban to end")
		}
		return a
	}
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		byName, byDomain := ban(t, w, "10.9.0.9"), ban(t, w, "10.9.0.5")
		w.set(lists("foo.com", "fe9.synergy.com"))
		w.after(time.Second)
		if !w.proxy.accept(byName, sip.TCP) || !w.proxy.accept(byDomain, sip.TCP) {
			t.Error("the ban of who is listed now holds on")
		}
	}, foo, lists("127.0.0.21"))
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		for range 6 {
			w.datagrams("10.9.0.9:40001").asks(knock)
		}
		forged := netip.MustParseAddr("10.9.0.9")
		if w.proxy.accept(forged, sip.UDP) {
			t.Fatal("no ban over UDP to end")
		}
		w.set(lists("fe9.synergy.com"))
		w.after(time.Second)
		if !w.proxy.accept(forged, sip.UDP) {
			t.Error("the ban over UDP holds on")
		}
	}, foo, lists("127.0.0.21"), overUDP)
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		byAddress := ban(t, w, "10.9.0.77")
		w.set(lists("foo.com", "10.9.0.77"))
		if !w.proxy.accept(byAddress, sip.TCP) {
			t.Error("the ban of who is listed by address beside names holds on")
		}
	}, foo, lists("foo.com"))
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		banned := ban(t, w, "10.9.0.77")
		z.set("fe9.synergy.com A 10.9.0.77")
		w.after(20 * time.Second)
		if w.proxy.accept(banned, sip.TCP) {
			t.Fatal("the answer was not due yet")
		}
		w.after(41 * time.Second)
		ban(t, w, "10.9.0.78")
		z.set("fe9.synergy.com A 10.9.0.78")
		w.after(59 * time.Second)
		if !w.proxy.accept(netip.MustParseAddr("10.9.0.78"), sip.TCP) {
			t.Error("an answer that lists the address does not end its ban")
		}
	}, foo, lists("fe9.synergy.com"))
}

func TestAResponseOfAPeerListedByNameIsTaken(t *testing.T) {
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		other := w.letIn(t, "by name", "10.9.0.9:40001")
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		asked := w.at(fe1At).expect("SUBSCRIBE")
		other.answers(asked, 200)
		client.expect("200")
	}, foo, lists("fe9.synergy.com"))
}

func TestANextHopIsFoundByItsNameOffTheMessagePath(t *testing.T) {
	hop := func(port int, transport string) func(*federation.Snapshot) {
		return func(s *federation.Snapshot) {
			s.StaticRoutes[0].NextHop, s.StaticRoutes[0].Port, s.StaticRoutes[0].Transport = "pool.synergy.com", port, transport
		}
	}
	for name, c := range map[string]struct {
		records []string
		edit    func(*federation.Snapshot)
	}{
		"A":         {[]string{"pool.synergy.com A 127.0.0.21"}, hop(5061, federation.TCP)},
		"SRV, TCP":  {[]string{"_sip._tcp.pool.synergy.com SRV 1 1 5061 fe1.synergy.com.", "fe1.synergy.com A 127.0.0.21"}, hop(0, federation.TCP)},
		"SRV, TLS":  {[]string{"_sips._tcp.pool.synergy.com SRV 1 1 5061 fe1.synergy.com.", "fe1.synergy.com A 127.0.0.21"}, hop(0, federation.TLS)},
		"SRV, UDP":  {[]string{"_sip._udp.pool.synergy.com SRV 1 1 5061 fe1.synergy.com.", "fe1.synergy.com A 127.0.0.21"}, hop(0, federation.UDP)},
		"the other": {[]string{"pool.synergy.com A 127.0.0.20", "pool.synergy.com A 127.0.0.21"}, hop(5061, federation.TCP)},
	} {
		t.Run(name, func(t *testing.T) {
			inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
				w.proxy.config.TLS = func(*routing.Hop) (TLS, error) { return TLS{Key: "1"}, nil }
				z.is(0, errors.New("DNS is down")) // what it said before holds
				w.after(time.Hour)
				client := w.connector()
				client.asks(request("SUBSCRIBE"))
				w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 200)
				client.expect("200")
			}, c.records, c.edit)
		})
	}
}

func TestANextHopThatDNSDoesNotKnowIsDown(t *testing.T) {
	named := func(s *federation.Snapshot) { s.StaticRoutes[0].NextHop = "pool.synergy.com" }
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		client := w.connector()
		began := time.Now()
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		if took := time.Since(began); took > 0 {
			t.Errorf("the request waited %s", took)
		}
		if got := w.proxy.HopStates()[0]; got.State != federation.HopDown || got.Reason != "DNS knows no address of pool.synergy.com" {
			t.Errorf("the hop is %+v", got)
		}
		z.set("pool.synergy.com A 127.0.0.21")
		for range 70 {
			if w.after(time.Second); w.opened(fe1At) > 0 {
				break
			}
		}
		w.at(fe1At).answers(w.at(fe1At).expect("OPTIONS"), 200)
		w.after(5 * time.Second)
		w.at(fe1At).answers(w.at(fe1At).expect("OPTIONS"), 200)
		if got := w.proxy.HopStates()[0]; got.State != federation.HopUp {
			t.Errorf("the hop is %+v", got)
		}
	}, nil, named)
}

func TestANameOfManyAddressesTakesNoLongerThanOne(t *testing.T) {
	records := []string{"pool.synergy.com A 127.0.0.20"}
	for _, host := range []string{"1", "2", "3", "4", "5", "6"} {
		records = append(records, "pool.synergy.com A 127.0.1."+host)
	}
	named := func(s *federation.Snapshot) { s.StaticRoutes[0].NextHop = "pool.synergy.com" }
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		for _, at := range []string{"127.0.0.20", "127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4", "127.0.1.5", "127.0.1.6"} {
			w.hosts[at+":5061"] = &host{takes: time.Hour}
		}
		client := w.connector()
		began := time.Now()
		client.asks(request("SUBSCRIBE"))
		w.after(1001 * time.Millisecond)
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		if took := time.Since(began); took > 1010*time.Millisecond {
			t.Errorf("the request waited %s", took)
		}
	}, records, named)
}
