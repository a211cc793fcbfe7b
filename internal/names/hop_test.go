package names

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestNextHopsAreFound(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		for _, c := range []struct{ name, want, fault string }{
			{"fe1.synergy.com", "10.1.20.21:5061 10.1.20.31:5061", ""},
			{"six.synergy.com", "[2001:db8::21]:5061", ""},
			{"gone.synergy.com", "", "DNS knows no address of gone.synergy.com"},
			{"_sips._tcp.pool.synergy.com", "10.1.20.21:5061 10.1.20.31:5061 10.1.20.22:5066", ""},
			{"_sips._tcp.none.synergy.com", "", "DNS knows no SRV record of _sips._tcp.none.synergy.com"},
			{"_sips._tcp.not.synergy.com", "", "DNS knows no SRV record"},
			{"_sips._tcp.broken.synergy.com", "", "DNS knows no address of the hosts"},
		} {
			found, err := b.Host(t.Context(), c.name, 5061)
			if strings.HasPrefix(c.name, "_") {
				found, err = b.Service(t.Context(), c.name)
			}
			got := strings.Trim(fmt.Sprint(found), "[]")
			if strings.HasPrefix(c.want, "[") {
				got = "[" + got
			}
			if got != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s: %s, %v", c.name, got, err)
			}
		}
	}, "fe1.synergy.com A 10.1.20.31", fe1, "fe2.synergy.com A 10.1.20.22", "six.synergy.com AAAA 2001:db8::21",
		"_sips._tcp.pool.synergy.com SRV 20 5 5066 fe2.synergy.com.", "_sips._tcp.pool.synergy.com SRV 10 5 5061 fe1.synergy.com.",
		"_sips._tcp.not.synergy.com SRV 0 0 0 .", "_sips._tcp.broken.synergy.com SRV 1 1 5060 gone.synergy.com.")
}

func TestAFirstLookUpOfANextHopIsWaitedForASecond(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		z.is(nil, 900*time.Millisecond)
		if found, err := b.Host(t.Context(), "fe1.synergy.com", 5061); len(found) != 1 || err != nil {
			t.Errorf("%v %v", found, err)
		}
		z.is(nil, time.Hour)
		began := time.Now()
		if _, err := b.Host(t.Context(), "fe2.synergy.com", 5061); err == nil || time.Since(began) != hopLimit {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		after(10 * time.Second)
		began = time.Now()
		if _, err := b.Host(t.Context(), "fe2.synergy.com", 5061); err == nil || time.Since(began) > hopLimit {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	}, fe1)
}

func TestAFailureIsNotWaitedForAgain(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{Hosts: []string{"fe1.synergy.com"}})
		z.is(errDown, 0)
		synctest.Wait()
		z.is(errDown, 4*time.Second)
		after(3 * time.Second) // the second look-up is under way
		began := time.Now()
		if _, err := b.Host(t.Context(), "fe1.synergy.com", 5061); err == nil || time.Since(began) > 0 {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		z.is(nil, 0)
		after(time.Minute)
		if _, err := b.Host(t.Context(), "fe1.synergy.com", 5061); err != nil {
			t.Errorf("after DNS came back: %v", err)
		}
	}, fe1)
}

func TestTargetsThatCannotBeLookedUpStayAsTheyWere(t *testing.T) {
	const service = "_sip._tcp.pool.synergy.com"
	find := func(t *testing.T, b *Book, promise, want string) {
		t.Helper()
		found, err := b.Service(t.Context(), service)
		if got := strings.Trim(fmt.Sprint(found), "[]"); err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", promise, got, err, want)
		}
	}
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		fails := func(host string, err error) {
			z.only(host+".synergy.com A", err, 0)
			z.only(host+".synergy.com AAAA", err, 0)
		}
		fails("fe1", errDown)
		fails("fe2", errDown)
		if _, err := b.Service(t.Context(), service); !errors.Is(err, errDown) {
			t.Errorf("no target can be looked up: %v", err)
		}
		fails("fe2", nil)
		b.Keep(Wanted{Services: []string{service}})
		after(10 * time.Second)
		find(t, b, "the target that can", "10.1.20.22:5062")
		fails("fe1", nil)
		after(partTTL)
		find(t, b, "both, soon after", "10.1.20.21:5061 10.1.20.22:5062")
		fails("fe1", errDown)
		z.set("fe2.synergy.com A 10.1.20.99", service+" SRV 1 1 5061 fe1.synergy.com.", service+" SRV 2 1 5062 fe2.synergy.com.")
		after(10 * time.Minute)
		find(t, b, "what was found holds", "10.1.20.21:5061 10.1.20.99:5062")
		fails("fe2", errDown)
		after(10 * time.Minute)
		find(t, b, "all of it", "10.1.20.21:5061 10.1.20.99:5062")
		z.set(service+" SRV 1 1 5069 fe1.synergy.com.", service+" SRV 2 1 5062 fe2.synergy.com.")
		after(10 * time.Minute)
		find(t, b, "but for what the SRV records say", "10.1.20.21:5069 10.1.20.99:5062")
	}, fe1, "fe2.synergy.com A 10.1.20.22", service+" SRV 1 1 5061 fe1.synergy.com.", service+" SRV 2 1 5062 fe2.synergy.com.")
}

func TestAChangeOfANextHopIsTold(t *testing.T) {
	const service = "_sip._tcp.pool.synergy.com"
	hosts := []string{fe1, "fe2.synergy.com A 10.1.20.21"}
	for promise, c := range map[string]struct {
		record string
		more   []string
		want   int32
	}{
		"the same":    {"1 1 5061 fe1.synergy.com.", hosts, 0},
		"a priority":  {"2 1 5061 fe1.synergy.com.", hosts, 1},
		"a weight":    {"1 2 5061 fe1.synergy.com.", hosts, 1},
		"a port":      {"1 1 5062 fe1.synergy.com.", hosts, 1},
		"a host":      {"1 1 5061 fe2.synergy.com.", hosts, 1},
		"its address": {"1 1 5061 fe1.synergy.com.", []string{"fe1.synergy.com A 10.1.20.99"}, 1},
		"its absence": {"1 1 5061 .", hosts, 1},
	} {
		inZone(t, func(t *testing.T, z *zone, b *Book) {
			b.Keep(Wanted{Services: []string{service}})
			after(time.Second)
			var told atomic.Int32
			b.OnChange(func() { told.Add(1) })
			z.set(append(c.more, service+" SRV "+c.record)...)
			after(time.Minute)
			if n := told.Load(); n != c.want {
				t.Errorf("%s: told %d times, want %d", promise, n, c.want)
			}
		}, append(hosts, service+" SRV 1 1 5061 fe1.synergy.com.")...)
	}
}

func TestTargetsAreLookedUpInTheirTime(t *testing.T) {
	const service = "_sip._tcp.pool.synergy.com"
	records := []string{fe1}
	for i := range 20 {
		records = append(records, fmt.Sprintf("%s SRV %d 1 5061 fe%d.synergy.com.", service, i, i), fmt.Sprintf("fe%d.synergy.com A 10.1.30.%d", i, i))
	}
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		b.Keep(Wanted{Services: []string{service}})
		synctest.Wait()
		if found, err := b.Service(t.Context(), service); len(found) != maxTargets+1 || err != nil { // fe1 has two addresses
			t.Errorf("%d addresses of %d targets, %v", len(found), maxTargets, err)
		}
		after(50 * time.Second)
		if n := z.count(service + " SRV"); n != 1 {
			t.Errorf("asked %d times within the time that the answers hold", n)
		}
	}, records...)
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		z.only("fe2.synergy.com A", errDown, 0)
		z.only("fe2.synergy.com AAAA", errDown, 0)
		if found, err := b.Service(t.Context(), service); len(found) != 1 || err != nil {
			t.Errorf("the last target cannot be looked up: %v %v", found, err)
		}
	}, fe1, service+" SRV 1 1 5061 fe1.synergy.com.", service+" SRV 2 1 5061 fe2.synergy.com.")
}

func TestWhatIsNotKeptIsForgottenAfterItsTime(t *testing.T) {
	inZone(t, func(t *testing.T, z *zone, b *Book) {
		for range 3 {
			if _, err := b.Host(t.Context(), "fe1.synergy.com", 5061); err != nil {
				t.Error(err)
			}
		}
		after(time.Hour)
		if n := z.count("fe1.synergy.com A"); n != 1 || len(b.hosts.records) > 0 {
			t.Errorf("asked %d times, %d remembered", n, len(b.hosts.records))
		}
	}, fe1)
}

func TestTargetsOfOnePriorityShareByWeight(t *testing.T) {
	list := []target{{name: "a", priority: 1, weight: 10}, {name: "b", priority: 1, weight: 30}, {name: "zero", priority: 1}, {name: "last", priority: 2, weight: 100}}
	for draw, want := range map[int]string{0: "zero a b last", 1: "a b zero last", 10: "a b zero last", 11: "b a zero last", 40: "b a zero last"} {
		b := New(Config{Random: func(n int) int { return min(draw, n-1) }})
		defer b.Close()
		var got []string
		for _, t := range b.ordered(list) {
			got = append(got, t.name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("draw %d: %q, want %q", draw, got, want)
		}
	}
	b := New(Config{})
	defer b.Close()
	first := map[string]int{}
	for range 4000 {
		first[b.ordered(list)[0].name]++
	}
	if first["b"] < 2*first["a"] || first["a"] < 500 || first["last"] > 0 {
		t.Errorf("%v", first)
	}
}
