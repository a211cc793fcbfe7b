package names

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"isthmus/internal/siptest"
)

// A zone is a pretend DNS on the clock of the test.
type zone struct {
	t       *testing.T
	mu      sync.Mutex
	records map[string][]dns.RR // by name and type
	ttl     time.Duration
	fails   error
	takes   time.Duration
	special map[string]behaviour // of one name and type
	asked   map[string]int
	underWay,
	most int
}

// A behaviour is what DNS fails with, nil for not, and how long it takes.
type behaviour struct {
	fails error
	takes time.Duration
}

func (z *zone) set(records ...string) {
	z.t.Helper()
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records = map[string][]dns.RR{}
	for _, text := range records {
		name, rest, _ := strings.Cut(text, " ")
		rr, err := dns.NewRR(name + ". 60 IN " + rest)
		if err != nil {
			z.t.Fatal(err)
		}
		key := name + " " + dns.TypeToString[rr.Header().Rrtype]
		z.records[key] = append(z.records[key], rr)
	}
}

// is sets how DNS behaves: what it fails with, nil for not, and how long it takes.
func (z *zone) is(fails error, takes time.Duration) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.fails, z.takes = fails, takes
}

// only sets how DNS behaves toward one name and type.
func (z *zone) only(key string, fails error, takes time.Duration) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.special[key] = behaviour{fails, takes}
}

func (z *zone) count(key string) int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked[key]
}

func (z *zone) ask(ctx context.Context, name string, recordType uint16) (Answer, error) {
	key := name + " " + dns.TypeToString[recordType]
	z.mu.Lock()
	z.asked[key]++
	z.underWay++
	z.most = max(z.most, z.underWay)
	takes, fails := z.takes, z.fails
	if b, ok := z.special[key]; ok {
		takes, fails = b.takes, b.fails
	}
	z.mu.Unlock()
	late := takes > 0 && !waits(ctx, takes)
	z.mu.Lock()
	defer z.mu.Unlock()
	z.underWay--
	if late {
		return Answer{}, ctx.Err()
	}
	return Answer{Records: z.records[key], TTL: z.ttl}, fails
}

// waits lets time pass, and reports whether it did before the context ended.
func waits(ctx context.Context, d time.Duration) bool {
	select {
	case <-siptest.Passed(d):
		return true
	case <-ctx.Done():
		return false
	}
}

var errDown = errors.New("DNS is down")

// inZone runs a test with a book on a DNS with these records.
func inZone(t *testing.T, test func(t *testing.T, z *zone, b *Book), records ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		z := &zone{t: t, asked: map[string]int{}, special: map[string]behaviour{}, ttl: time.Minute}
		z.set(records...)
		b := New(Config{Ask: z.ask, Random: func(int) int { return 0 }})
		defer b.Close()
		test(t, z, b)
	})
}

// after lets time pass, and everybody do what is due.
func after(d time.Duration) {
	<-siptest.Passed(d)
	synctest.Wait()
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// sees checks what the book says of an address.
func sees(t *testing.T, b *Book, promise, address, want string, state State) {
	t.Helper()
	synctest.Wait()
	got, s := b.Of(addr(address))
	if strings.Join(got, " ") != want || s != state {
		t.Errorf("%s: %s has %q, state %d, want %q, state %d", promise, address, got, s, want, state)
	}
}

const fe1 = "fe1.synergy.com A 10.1.20.21"

func TestNamesOfTheACLAreLookedUpAtOnceAndBeforeTheyExpire(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com"}})
		sees(t, b, "at once", "10.1.20.21", "fe1.synergy.com", Settled)
		sees(t, b, "IPv6", "2001:db8::21", "fe1.synergy.com", Settled)
		sees(t, b, "IPv4 in IPv6", "::ffff:10.1.20.21", "fe1.synergy.com", Settled)
		z.set("fe1.synergy.com A 10.1.20.99")
		after(30 * time.Second)
		sees(t, b, "an answer holds its time", "10.1.20.21", "fe1.synergy.com", Settled)
		after(30 * time.Second)
		if n := z.count("fe1.synergy.com A"); n != 2 {
			t.Errorf("asked %d times within the first minute, want 2", n)
		}
		b.Of(addr("10.1.20.21"))
		sees(t, b, "a changed answer", "10.1.20.99", "fe1.synergy.com", Settled)
		sees(t, b, "the address that it had", "10.1.20.21", "", Settled)
		z.set()
		after(time.Minute)
		b.Of(addr("10.1.20.99"))
		sees(t, b, "that there is no such name is an answer", "10.1.20.99", "", Settled)
	}, fe1, "fe1.synergy.com AAAA 2001:db8::21")
}

func TestTheLastGoodAnswerHoldsForADay(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com", "foo.com"}, Services: []string{"_sip._tcp.synergy.com"}})
		synctest.Wait()
		b.Of(addr("10.1.20.22"))
		synctest.Wait()
		z.is(errDown, 0)
		for range 23 {
			after(time.Hour)
			sees(t, b, "by its own addresses", "10.1.20.21", "fe1.synergy.com", Settled)
			sees(t, b, "by a confirmed name", "10.1.20.22", "host.foo.com", Settled)
		}
		if _, err := b.Service(t.Context(), "_sip._tcp.synergy.com"); err != nil {
			t.Error(err)
		}
		after(2 * time.Hour)
		b.Of(addr("10.1.20.21"))
		b.Of(addr("10.1.20.22"))
		sees(t, b, "a day later, by its own addresses", "10.1.20.21", "", Failed)
		sees(t, b, "a day later, by a confirmed name", "10.1.20.22", "", Failed)
		if _, err := b.Service(t.Context(), "_sip._tcp.synergy.com"); !errors.Is(err, errDown) {
			t.Errorf("a day later, a service: %v", err)
		}
		z.is(nil, 0)
		after(time.Minute)
		sees(t, b, "once DNS is back", "10.1.20.21", "fe1.synergy.com", Settled)
	}, fe1, "22.20.1.10.in-addr.arpa PTR host.foo.com.", "host.foo.com A 10.1.20.22", "_sip._tcp.synergy.com SRV 1 1 5060 fe1.synergy.com.")
}

func TestAFamilyThatFailsAloneStaysAsItWas(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com"}})
		synctest.Wait()
		z.only("fe1.synergy.com AAAA", errDown, 0)
		z.set("fe1.synergy.com A 10.1.20.99")
		after(23 * time.Hour)
		sees(t, b, "the one that is answered changes", "10.1.20.99", "fe1.synergy.com", Settled)
		sees(t, b, "the other holds", "2001:db8::21", "fe1.synergy.com", Settled)
		after(2 * time.Hour)
		b.Of(addr("2001:db8::21"))
		sees(t, b, "for a day", "2001:db8::21", "", Settled)
	}, fe1, "fe1.synergy.com AAAA 2001:db8::21")
}

func TestFailuresAreTriedAgainSoonAndThenLessOften(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		z.is(errDown, 0)
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com"}})
		after(15 * time.Second)
		if n := z.count("fe1.synergy.com A"); n < 4 || n > 6 {
			t.Errorf("asked %d times in 15 s", n)
		}
		after(10 * time.Minute)
		if n := z.count("fe1.synergy.com A"); n < 24 || n > 36 {
			t.Errorf("asked %d times in 10 min", n)
		}
		z.is(nil, 0)
		after(30 * time.Second)
		sees(t, b, "it is found within 30 s", "10.1.20.21", "fe1.synergy.com", Settled)
	}, fe1)
}

func TestAPeersNameCountsWhenItLeadsBackAndIsListed(t *testing.T) {
	records := []string{
		"5.0.9.10.in-addr.arpa PTR host.foo.com.", "host.foo.com A 10.9.0.5",
		"6.0.9.10.in-addr.arpa PTR host.foo.com.", // a lie
		"7.0.9.10.in-addr.arpa PTR barfoo.com.", "barfoo.com A 10.9.0.7",
		"8.0.9.10.in-addr.arpa PTR foo.com.", "foo.com A 10.1.1.1", "foo.com A 10.9.0.8",
		"9.0.9.10.in-addr.arpa PTR evil.com.", "9.0.9.10.in-addr.arpa PTR Two.Foo.COM.", "two.foo.com A 10.9.0.9", "evil.com A 10.9.0.9",
		"1.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR six.foo.com.", "six.foo.com AAAA 2001:db8::21",
	}
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		synctest.Wait()
		for _, c := range []struct{ promise, address, want string }{
			{"under the entry, and it leads back", "10.9.0.5", "host.foo.com"},
			{"what anybody writes into his PTR record", "10.9.0.6", ""},
			{"not at the border of a label", "10.9.0.7", ""},
			{"the entry itself", "10.9.0.8", "foo.com"},
			{"one name of several, in any case", "10.9.0.9", "two.foo.com"},
			{"IPv6", "2001:db8::21", "six.foo.com"},
			{"without a name", "10.9.0.10", ""},
		} {
			b.Of(addr(c.address))
			sees(t, b, c.promise, c.address, c.want, Settled)
		}
		if z.count("evil.com A")+z.count("barfoo.com A") > 0 {
			t.Error("names that no entry covers are looked up")
		}
	}, records...)
}

func TestAPeerIsLookedUpNoMoreOftenForChangesOfTheList(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		synctest.Wait()
		b.Of(addr("10.9.0.5"))
		for i := range 50 {
			after(time.Second)
			b.Keep(Wanted{ACL: []string{"foo.com", fmt.Sprintf("n%d.com", i)}})
		}
		before := z.count("5.0.9.10.in-addr.arpa PTR")
		after(10 * time.Minute)
		if n := z.count("5.0.9.10.in-addr.arpa PTR") - before; n < 10 || n > 12 {
			t.Errorf("asked %d times in 10 min of what holds a minute", n)
		}
	}, "5.0.9.10.in-addr.arpa PTR host.foo.com.", "host.foo.com A 10.9.0.5")
}

func TestAPeerHasTheNameThatTheNewListWants(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		synctest.Wait()
		b.Of(addr("10.9.0.5"))
		sees(t, b, "by one list", "10.9.0.5", "host.foo.com", Settled)
		b.Keep(Wanted{ACL: []string{"bar.com"}})
		sees(t, b, "by the other", "10.9.0.5", "host.bar.com", Settled)
	}, "5.0.9.10.in-addr.arpa PTR host.foo.com.", "5.0.9.10.in-addr.arpa PTR host.bar.com.", "host.foo.com A 10.9.0.5", "host.bar.com A 10.9.0.5")
}

func TestWhatDNSFailsToSayOfAPeer(t *testing.T) {
	const ptr = "5.0.9.10.in-addr.arpa PTR"
	host := func(z *zone, name string, fails error) {
		z.only(name+" A", fails, 0)
		z.only(name+" AAAA", fails, 0)
	}
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		synctest.Wait()
		z.only(ptr, errDown, 0)
		b.Of(addr("10.9.0.5"))
		sees(t, b, "no PTR record", "10.9.0.5", "", Failed)
		z.only(ptr, nil, 0)
		host(z, "one.foo.com", errDown)
		host(z, "two.foo.com", errDown)
		after(time.Minute)
		b.Of(addr("10.9.0.5"))
		sees(t, b, "no address of its names", "10.9.0.5", "", Failed)
		host(z, "one.foo.com", nil)
		after(time.Minute)
		b.Of(addr("10.9.0.5"))
		for range 50 {
			after(time.Hour)
			sees(t, b, "a name that is confirmed again and again, beside one that never is", "10.9.0.5", "one.foo.com", Settled)
		}
		z.only(ptr, errDown, 0)
		after(23 * time.Hour)
		sees(t, b, "while it has no PTR record", "10.9.0.5", "one.foo.com", Settled)
		after(2 * time.Hour)
		b.Of(addr("10.9.0.5"))
		sees(t, b, "... for a day", "10.9.0.5", "", Failed)
	}, ptr+" one.foo.com.", ptr+" two.foo.com.", "one.foo.com A 10.9.0.5", "two.foo.com A 10.9.0.5")
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		host(z, "foo.com", errDown)
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		synctest.Wait()
		host(z, "foo.com", nil)
		b.Of(addr("10.9.0.5"))
		sees(t, b, "the entry itself, before it is looked up again", "10.9.0.5", "foo.com", Settled)
	}, ptr+" foo.com.", "foo.com A 10.9.0.5")
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		z.only("fe1.synergy.com A", errDown, 0)
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com"}})
		sees(t, b, "the family that is answered for", "2001:db8::21", "fe1.synergy.com", Settled)
	}, "fe1.synergy.com AAAA 2001:db8::21")
}

func TestAHandfulOfAPeersNamesIsBelievedIn(t *testing.T) {
	var records []string
	for i := range 20 {
		records = append(records, fmt.Sprintf("5.0.9.10.in-addr.arpa PTR host%d.foo.com.", i), fmt.Sprintf("host%d.foo.com A 10.9.0.5", i))
	}
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		synctest.Wait()
		b.Of(addr("10.9.0.5"))
		synctest.Wait()
		if got, _ := b.Of(addr("10.9.0.5")); len(got) != maxPTRNames {
			t.Errorf("%d names count", len(got))
		}
	}, records...)
}

func TestTheOrderOfAPeersNamesIsNoChange(t *testing.T) {
	names := []string{"5.0.9.10.in-addr.arpa PTR a.foo.com.", "5.0.9.10.in-addr.arpa PTR b.foo.com."}
	hosts := []string{"a.foo.com A 10.9.0.5", "b.foo.com A 10.9.0.5"}
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		var told atomic.Int32
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		b.Of(addr("10.9.0.5"))
		after(time.Second)
		b.OnChange(func() { told.Add(1) })
		z.set(append(hosts, names[1], names[0])...)
		after(10 * time.Minute)
		if n := told.Load(); n != 0 {
			t.Errorf("told %d times", n)
		}
	}, append(hosts, names...)...)
}

func TestAnAnswerHoldsForADayAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := Ask(func(context.Context, string, uint16) (Answer, error) { return Answer{}, errDown })
		for age, want := range map[time.Duration]int{holdFor: 1, holdFor + 1: 0} {
			last := family{addrs: []netip.Addr{addr("10.9.0.5")}, good: time.Now().Add(-age)}
			if f, _, _ := fails.lookUpFamily(t.Context(), "foo.com", dns.TypeA, last); len(f.addrs) != want {
				t.Errorf("after %s: %v", age, f.addrs)
			}
		}
	})
	if list := appendAddr(nil, nil); list != nil {
		t.Errorf("a record without an address is the address %v", list)
	}
}

func TestAPeerThatLosesItsNameIsTold(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		var told atomic.Int32
		b.OnChange(func() { told.Add(1) })
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		synctest.Wait()
		b.Of(addr("10.9.0.5"))
		after(time.Second)
		if told.Swap(0) == 0 {
			t.Error("nobody is told that the first answer came")
		}
		after(10 * time.Minute)
		if n := told.Load(); n > 0 {
			t.Errorf("told %d times of answers that are as before", n)
		}
		z.set("5.0.9.10.in-addr.arpa PTR host.foo.com.")
		after(time.Minute)
		if n := told.Load(); n != 1 {
			t.Errorf("told %d times that the name leads elsewhere", n)
		}
		b.Of(addr("10.9.0.5"))
		sees(t, b, "it has no name any more", "10.9.0.5", "", Settled)
	}, "5.0.9.10.in-addr.arpa PTR host.foo.com.", "host.foo.com A 10.9.0.5")
}

func TestChangesOfTheACLAreLookedUpAnew(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		sees(t, b, "without names nothing is asked", "10.9.0.5", "", Settled)
		b.Keep(Wanted{ACL: []string{"bar.com"}})
		b.Of(addr("10.9.0.5"))
		sees(t, b, "not under an entry", "10.9.0.5", "", Settled)
		b.Keep(Wanted{ACL: []string{"bar.com", "foo.com"}})
		sees(t, b, "asked for again", "10.9.0.5", "", Pending)
		sees(t, b, "under the new entry", "10.9.0.5", "host.foo.com", Settled)
		asked := z.count("5.0.9.10.in-addr.arpa PTR")
		b.Keep(Wanted{ACL: []string{"bar.com", "foo.com"}, Hosts: []string{"fe1.synergy.com"}})
		sees(t, b, "another change", "10.9.0.5", "host.foo.com", Settled)
		if z.count("5.0.9.10.in-addr.arpa PTR") != asked || z.count("fe1.synergy.com A") != 1 {
			t.Error("a change of next hops has peers looked up anew, or the hop not at all")
		}
		b.Keep(Wanted{ACL: []string{"foo.com", "bar.com", "bar.com"}})
		sees(t, b, "the same in another order", "10.9.0.5", "host.foo.com", Settled)
		if z.count("5.0.9.10.in-addr.arpa PTR") != asked {
			t.Error("peers are looked up anew though the list says the same")
		}
		b.Keep(Wanted{ACL: []string{"bar.com", "foo.com", "x.com"}})
		if got, s := b.Of(addr("10.9.0.5")); len(got) != 1 || s != Settled {
			t.Errorf("who has a name loses it while he is looked up anew: %q, state %d", got, s)
		}
		synctest.Wait()
		b.Keep(Wanted{ACL: []string{"x.com"}, Hosts: []string{"fe1.synergy.com"}})
		if len(b.hosts.records) != 2 {
			t.Errorf("%d names are remembered, want those that are kept", len(b.hosts.records))
		}
		b.Keep(Wanted{ACL: []string{"foo.com"}, Services: []string{"_sip._tcp.foo.com"}})
		b.Of(addr("10.9.0.5"))
		synctest.Wait()
		b.Keep(Wanted{})
		if n := len(b.hosts.records) + len(b.services.records) + len(b.peers.records); n > 0 {
			t.Errorf("%d names and peers are remembered though none is kept", n)
		}
		asked = z.count("foo.com A")
		after(10 * time.Minute)
		sees(t, b, "without names", "10.9.0.5", "", Settled)
		if z.count("foo.com A") != asked {
			t.Error("a name that is kept no more is looked up")
		}
	}, "5.0.9.10.in-addr.arpa PTR host.foo.com.", "host.foo.com A 10.9.0.5")
}

func TestAChangeDuringALookUpIsNotMissed(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"bar.com"}})
		synctest.Wait()
		z.is(nil, time.Second)
		b.Of(addr("10.9.0.5"))
		after(500 * time.Millisecond)
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		after(1100 * time.Millisecond)
		sees(t, b, "what was asked by the old list says nothing", "10.9.0.5", "", Pending)
		after(1500 * time.Millisecond)
		sees(t, b, "by the new list", "10.9.0.5", "host.foo.com", Settled)
	}, "5.0.9.10.in-addr.arpa PTR host.foo.com.", "host.foo.com A 10.9.0.5")
}

func TestAPeerWaitsForAFirstLookUpAndNotLong(t *testing.T) {
	await := func(t *testing.T, b *Book, want string, state State, took time.Duration) {
		t.Helper()
		began := time.Now()
		got, s := b.Await(addr("10.1.20.21"))
		if strings.Join(got, " ") != want || s != state || time.Since(began) != took {
			t.Errorf("%q state %d after %s, want %q state %d after %s", got, s, time.Since(began), want, state, took)
		}
	}
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		z.is(nil, 1500*time.Millisecond)
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com"}})
		await(t, b, "fe1.synergy.com", Settled, 1500*time.Millisecond)
	}, fe1)
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		z.is(nil, time.Hour)
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com"}})
		await(t, b, "", Overdue, Late)
		await(t, b, "", Overdue, 0) // who comes meanwhile does not wait again
		after(4 * time.Second)
		sees(t, b, "the look-up ended without an answer", "10.1.20.21", "", Overdue)
		z.is(nil, 0)
		after(30 * time.Second)
		await(t, b, "fe1.synergy.com", Settled, 0)
	}, fe1)
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		z.is(errDown, 0)
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com"}})
		await(t, b, "", Failed, 0)
	}, fe1)
}

func TestAFloodOfStrangersCostsLittle(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		synctest.Wait()
		b.Of(addr("10.9.0.5"))
		synctest.Wait()
		for i := range maxPeers + 200 {
			if _, s := b.Of(netip.AddrFrom4([4]byte{10, 2, byte(i >> 8), byte(i)})); s != Pending {
				t.Fatalf("there is no room for stranger %d: state %d", i, s)
			}
			if i%100 == 0 {
				synctest.Wait()
			}
		}
		if n := len(b.peers.records); n > maxPeers {
			t.Errorf("%d addresses are remembered", n)
		}
		sees(t, b, "who has a name is not forgotten for them", "10.9.0.5", "host.foo.com", Settled)
		z.is(nil, time.Second)
		busy := 0
		for i := range 1000 {
			if _, s := b.Of(netip.AddrFrom4([4]byte{10, 3, byte(i >> 8), byte(i)})); s == Busy {
				busy++
			}
		}
		after(100 * time.Millisecond)
		if z.underWay != peerLookups || busy != 1000-peerLookups {
			t.Errorf("%d look-ups under way, %d refused", z.underWay, busy)
		}
		b.Keep(Wanted{ACL: []string{"foo.com"}, Hosts: []string{"fe1.synergy.com"}})
		after(1000 * time.Millisecond)
		if found, err := b.Host(t.Context(), "fe1.synergy.com", 5061); len(found) != 1 || err != nil {
			t.Errorf("a next hop waits for the strangers: %v %v", found, err)
		}
	}, "5.0.9.10.in-addr.arpa PTR host.foo.com.", "host.foo.com A 10.9.0.5", fe1)
}

func TestOneAddressIsLookedUpOnceAtATime(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		synctest.Wait()
		z.is(nil, time.Second)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { b.Await(addr("10.9.0.5")) })
		}
		all.Wait()
		if n := z.count("5.0.9.10.in-addr.arpa PTR"); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestManyNamesAreNotLookedUpAllAtOnce(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		z.is(nil, time.Second)
		w := Wanted{}
		for i := range 500 {
			w.ACL = append(w.ACL, fmt.Sprintf("host%d.foo.com", i))
		}
		b.Keep(w)
		after(time.Minute)
		if z.most > 2*keptLookups || z.count("host499.foo.com A") == 0 {
			t.Errorf("%d questions at once", z.most)
		}
	})
}

func TestAFaultInALookUpIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder // slog writes one line at a time
		b := New(Config{Ask: func(context.Context, string, uint16) (Answer, error) { panic("fault") }, Log: slog.New(slog.NewJSONHandler(&log, nil))})
		defer b.Close()
		if _, err := b.Host(t.Context(), "fe1.synergy.com", 5061); err == nil || !strings.Contains(err.Error(), "fault") {
			t.Errorf("of a host: %v", err)
		}
		if _, err := b.Service(t.Context(), "_sips._tcp.synergy.com"); err == nil || !strings.Contains(err.Error(), "fault") {
			t.Errorf("of a service: %v", err)
		}
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		b.Of(addr("10.9.0.5"))
		sees(t, b, "of a peer", "10.9.0.5", "", Failed)
		b.services.look = func(context.Context, string, []target) ([]target, time.Duration, error) { panic("fault") }
		if _, err := b.Service(t.Context(), "_sip._tcp.synergy.com"); err == nil || !strings.Contains(err.Error(), "fault") {
			t.Errorf("around the questions: %v", err)
		}
		if lines := log.String(); !strings.Contains(lines, `"level":"ERROR"`) || !strings.Contains(lines, `"reason":"fault"`) || !strings.Contains(lines, "book_test.go") {
			t.Errorf("nobody can find the fault by this log:\n%s", lines)
		}
	})
}

func TestAClosedBookAsksNothingAndKeepsWhatItKnows(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com"}})
		synctest.Wait()
		b.Close()
		after(time.Hour)
		if n := z.count("fe1.synergy.com A"); n != 1 {
			t.Errorf("asked %d times", n)
		}
		sees(t, b, "what is known", "10.1.20.21", "fe1.synergy.com", Settled)
	}, fe1)
}

func TestOneNameThatCannotBeConfirmedDoesNotSpoilAnother(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		z.only("two.foo.com A", errDown, 0)
		z.only("two.foo.com AAAA", errDown, 0)
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		synctest.Wait()
		b.Of(addr("10.9.0.5"))
		sees(t, b, "the other name", "10.9.0.5", "one.foo.com", Settled)
		z.only("two.foo.com A", nil, 0)
		after(partTTL)
		sees(t, b, "both, soon after", "10.9.0.5", "one.foo.com two.foo.com", Settled)
		z.only("two.foo.com A", errDown, 0)
		after(10 * time.Minute)
		sees(t, b, "what was confirmed holds", "10.9.0.5", "one.foo.com two.foo.com", Settled)
	}, "5.0.9.10.in-addr.arpa PTR one.foo.com.", "5.0.9.10.in-addr.arpa PTR two.foo.com.", "one.foo.com A 10.9.0.5", "two.foo.com A 10.9.0.5")
}

func TestAPeerIsUndecidedWhileAnythingIsLookedUpForTheFirstTime(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		z.only("fe1.synergy.com A", nil, 4*time.Second)
		b.Keep(Wanted{ACL: []string{"foo.com", "fe1.synergy.com"}})
		after(time.Second)
		b.Of(addr("10.1.20.21"))
		sees(t, b, "it has no PTR record", "10.1.20.21", "", Pending)
		after(time.Second)
		sees(t, b, "the name of the list takes over two seconds", "10.1.20.21", "", Overdue)
		after(2 * time.Second)
		sees(t, b, "it came", "10.1.20.21", "fe1.synergy.com", Settled)
		z.only("6.0.9.10.in-addr.arpa PTR", nil, 3*time.Second)
		b.Of(addr("10.9.0.6"))
		after(1900 * time.Millisecond)
		sees(t, b, "its PTR record takes a while", "10.9.0.6", "", Pending)
		after(100 * time.Millisecond)
		sees(t, b, "its PTR record takes over two seconds", "10.9.0.6", "", Overdue)
		z.only("5.0.9.10.in-addr.arpa PTR", nil, 1500*time.Millisecond)
		began := time.Now()
		if got, state := b.Await(addr("10.9.0.5")); len(got) != 1 || state != Settled || time.Since(began) != 1500*time.Millisecond {
			t.Errorf("%q state %d after %s", got, state, time.Since(began))
		}
	}, fe1, "5.0.9.10.in-addr.arpa PTR host.foo.com.", "host.foo.com A 10.9.0.5")
}

// A front end listed by a name that DNS does not give would else read that it is not listed, and be shut out.
func TestAPeerIsDoubtedAsLongAsNothingIsKnownOfANameOfTheList(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		z.only("fe1.synergy.com A", errDown, 4*time.Second)
		z.only("fe1.synergy.com AAAA", errDown, 4*time.Second)
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com", "foo.com"}})
		b.Of(addr("10.1.20.21"))
		after(5 * time.Second)
		sees(t, b, "the first look-up timed out", "10.1.20.21", "", Overdue)
		z.only("fe1.synergy.com A", nil, 0)
		after(time.Minute)
		sees(t, b, "DNS answers", "10.1.20.21", "fe1.synergy.com", Settled)
		b.Of(addr("10.9.0.6"))
		synctest.Wait()
		sees(t, b, "a stranger", "10.9.0.6", "", Settled)
	}, fe1)
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		z.only("fe1.synergy.com A", errDown, 0)
		z.only("fe1.synergy.com AAAA", errDown, 0)
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com"}})
		b.Of(addr("10.1.20.21"))
		synctest.Wait()
		sees(t, b, "the first look-up failed", "10.1.20.21", "", Failed)
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		b.Of(addr("10.1.20.21"))
		synctest.Wait()
		sees(t, b, "the name is listed no more", "10.1.20.21", "", Settled)
	}, fe1)
}

func TestWhoHasNoNameIsAskedForOnlyWhenHeComes(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		synctest.Wait()
		for range 2 {
			b.Of(addr("10.9.0.6"))
			b.Of(addr("::ffff:10.9.0.5"))
			after(10 * time.Minute)
			sees(t, b, "who has a name, as IPv4 and as that in IPv6", "10.9.0.5", "host.foo.com", Settled)
		}
		if n := z.count("6.0.9.10.in-addr.arpa PTR"); n != 2 {
			t.Errorf("a stranger who came twice was asked for %d times", n)
		}
		for range 48 {
			after(time.Hour)
			sees(t, b, "who has a name and comes every hour", "10.9.0.5", "host.foo.com", Settled)
		}
		after(48 * time.Hour)
		asked := z.count("5.0.9.10.in-addr.arpa PTR")
		after(time.Hour)
		if z.count("5.0.9.10.in-addr.arpa PTR") != asked || asked < 3*24*60 || asked > 4*24*60 {
			t.Errorf("asked %d times for who did not come again for a day, and then %d times", asked, z.count("5.0.9.10.in-addr.arpa PTR")-asked)
		}
	}, "5.0.9.10.in-addr.arpa PTR host.foo.com.", "host.foo.com A 10.9.0.5")
}

func TestManyAnswersAreOneChangeAndFailuresAreNone(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		var told atomic.Int32
		b.OnChange(func() { told.Add(1) })
		z.only("down.foo.com A", errDown, 0)
		z.only("down.foo.com AAAA", errDown, 0)
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com", "fe2.synergy.com", "fe3.synergy.com", "down.foo.com"}})
		after(time.Second)
		if n := told.Load(); n != 1 {
			t.Errorf("told %d times of four first look-ups", n)
		}
		z.is(errDown, 0)
		after(time.Hour)
		if n := told.Load(); n != 1 {
			t.Errorf("told %d times more of failures that change nothing", n-1)
		}
		after(24 * time.Hour)
		if told.Load() == 1 {
			t.Error("not told that the last good answer holds no more")
		}
	}, fe1)
}

// Of the names of the list, the first that nobody has waited for yet says how long a peer is undecided, and the slowest why.
func TestTheEarliestNameAndTheSlowestCount(t *testing.T) {
	for _, names := range [][2]string{{"aaa.com", "bbb.com"}, {"bbb.com", "aaa.com"}} {
		inZone(t, func(t *testing.T, z *zone, b *Book) {
			early, late := names[0], names[1]
			for _, n := range names {
				z.only(n+" A", nil, 4*time.Second)
			}
			b.Keep(Wanted{ACL: []string{early}})
			after(time.Second)
			b.Keep(Wanted{ACL: []string{early, late}})
			b.Of(addr("10.9.0.6"))
			sees(t, b, "one name has been looked up for a second", "10.9.0.6", "", Pending)
			after(1100 * time.Millisecond)
			sees(t, b, early+" has been looked up for two", "10.9.0.6", "", Overdue)
		})
		inZone(t, func(t *testing.T, z *zone, b *Book) {
			slow, quick := names[0], names[1]
			for _, family := range []string{" A", " AAAA"} {
				z.only(slow+family, errDown, 4*time.Second)
				z.only(quick+family, errDown, 0)
			}
			b.Keep(Wanted{ACL: []string{slow, quick}})
			b.Of(addr("10.9.0.6"))
			after(5 * time.Second)
			sees(t, b, slow+" took too long", "10.9.0.6", "", Overdue)
		})
	}
}

func TestAFullBookRefusesRatherThanForgetWhoHasAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Ask: everybodyHasAName})
		defer b.Close()
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		for i := range maxPeers {
			b.Of(netip.AddrFrom4([4]byte{10, 2, byte(i >> 8), byte(i)}))
			synctest.Wait()
		}
		sees(t, b, "one more", "10.9.0.9", "", Busy)
		sees(t, b, "the first", "10.2.0.0", "0.0.2.10.foo.com", Settled)
	})
	synctest.Test(t, func(t *testing.T) {
		var takes time.Duration
		b := New(Config{Ask: func(ctx context.Context, name string, recordType uint16) (Answer, error) {
			select {
			case <-siptest.Passed(takes):
			case <-ctx.Done():
			}
			return everybodyHasAName(ctx, name, recordType)
		}})
		defer b.Close()
		b.Keep(Wanted{ACL: []string{"foo.com"}})
		for i := range maxPeers - 1 {
			b.Of(netip.AddrFrom4([4]byte{10, 2, byte(i >> 8), byte(i)}))
			synctest.Wait()
		}
		takes = time.Second
		sees(t, b, "the last", "10.2.255.255", "", Pending)
		sees(t, b, "one more while the last is looked up", "10.9.0.9", "", Busy)
	})
}

// everybodyHasAName is a DNS in which 10.2.0.1 is 1.0.2.10.foo.com.
func everybodyHasAName(_ context.Context, name string, recordType uint16) (Answer, error) {
	digits, host := strings.CutSuffix(name, ".foo.com")
	a := Answer{TTL: time.Hour}
	switch {
	case recordType == dns.TypePTR:
		a.Records = []dns.RR{&dns.PTR{Hdr: dns.RR_Header{Rrtype: dns.TypePTR}, Ptr: strings.TrimSuffix(name, ".in-addr.arpa") + ".foo.com."}}
	case recordType == dns.TypeA && host:
		part := strings.Split(digits, ".")
		a.Records = []dns.RR{&dns.A{Hdr: dns.RR_Header{Rrtype: dns.TypeA}, A: addr(part[3] + "." + part[2] + "." + part[1] + "." + part[0]).AsSlice()}}
	}
	return a, nil
}

func TestTheLogSaysWhenLookUpsFailAndWhenTheyWorkAgain(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, _ *Book) {
		var text strings.Builder
		b := New(Config{Ask: z.ask, Log: slog.New(slog.NewTextHandler(&text, nil))})
		defer b.Close()
		logged := func(promise, words string, times int) {
			t.Helper()
			if n := strings.Count(text.String(), words); n != times {
				t.Errorf("%s: %q is logged %d times, want %d\n%s", promise, words, n, times, text.String())
			}
			if strings.Contains(text.String(), "name=10.9") {
				t.Errorf("%s: strangers are logged\n%s", promise, text.String())
			}
			text.Reset()
		}
		b.Keep(Wanted{ACL: []string{"fe1.synergy.com"}})
		synctest.Wait()
		b.Of(addr("10.9.0.5"))
		after(10 * time.Minute)
		logged("while all is well", "DNS", 0)
		z.is(errDown, 0)
		b.Of(addr("10.9.0.6"))
		after(time.Hour)
		logged("once for the name, never for strangers", `msg="DNS look-up failed" name=fe1.synergy.com reason="DNS is down" known=true`, 1)
		after(24 * time.Hour)
		logged("after a day", "the last answer holds no more", 1)
		z.is(nil, 0)
		after(time.Minute)
		logged("at the end", `msg="DNS answers again" name=fe1.synergy.com`, 1)
	}, fe1)
}
