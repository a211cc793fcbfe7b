package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var one, other, third = netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")

// pass lets time pass in a bubble.
func pass(d time.Duration) { <-time.NewTimer(d).C }

// A desk is handshakes of a test, in a bubble.
type desk struct {
	*handshakes
	t *testing.T
}

func atDesk(t *testing.T, limits Limits, f func(t *testing.T, d desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		limits = limits.orDefaults()
		limits.Handshakes = max(1, limits.Handshakes)
		f(t, desk{&handshakes{limits: &limits, free: limits.Handshakes, peers: map[netip.Addr]*handshaker{}}, t})
	})
}

// speech is the far end of a handshake: each number is that many bytes.
type speech struct {
	net.Conn
	bytes chan int
}

func (s speech) Read([]byte) (int, error) {
	if n, ok := <-s.bytes; ok {
		return n, nil
	}
	return 0, io.EOF
}

// A reading is a handshake whose goroutine reads on and on, as TLS does.
type reading struct {
	*handshake
	says  chan int
	goes  context.CancelFunc // the connection ends
	works chan struct{}      // one entry for each read that returned, which is when the work begins
	next  chan struct{}      // the work is done
	err   error
	over  chan struct{}
}

func (d desk) stranger(addr netip.Addr) *reading {
	d.t.Helper()
	h, err := d.begin(addr, false)
	if err != nil {
		d.t.Fatalf("a handshake of %v is refused: %v", addr, err)
	}
	return d.reads(h)
}

func (d desk) reads(h *handshake) *reading {
	ctx, goes := context.WithCancel(context.Background())
	r := &reading{handshake: h, says: make(chan int, 10), goes: goes, works: make(chan struct{}, 10), next: make(chan struct{}), over: make(chan struct{})}
	h.Conn, h.done = speech{bytes: r.says}, ctx.Done()
	go func() {
		defer close(r.over)
		defer h.end()
		for {
			if _, r.err = h.Read(nil); r.err != nil {
				return
			}
			r.works <- struct{}{}
			<-r.next
		}
	}()
	d.t.Cleanup(func() { goes(); close(r.says); close(r.next) })
	return r
}

// speaks has bytes come, and reports whether they are being worked on.
func (r *reading) speaks() bool {
	r.says <- 1
	synctest.Wait()
	return r.working()
}

func (r *reading) working() bool {
	synctest.Wait()
	select {
	case <-r.works:
		return true
	default:
		return false
	}
}

// worked ends the work; the handshake waits for its peer again.
func (r *reading) worked() {
	r.next <- struct{}{}
	synctest.Wait()
}

func (r *reading) refusal() error {
	synctest.Wait()
	select {
	case <-r.over:
		return r.err
	default:
		return nil
	}
}

func TestWhoStallsInAHandshakeHoldsNoTurn(t *testing.T) {
	atDesk(t, Limits{Handshakes: 1}, func(t *testing.T, d desk) {
		d.stranger(one) // says nothing
		half := d.stranger(third)
		if !half.speaks() {
			t.Fatal("the first to speak waits")
		}
		half.worked()
		if !d.stranger(other).speaks() {
			t.Error("one that speaks waits for those that do not")
		}
	})
}

func TestNoMoreHandshakesAreWorkedOnThanThereAreTurns(t *testing.T) {
	for turns := 1; turns <= 3; turns++ {
		atDesk(t, Limits{Handshakes: turns}, func(t *testing.T, d desk) {
			var all []*reading
			addr, working := one, 0
			for range 5 {
				addr = addr.Next()
				all = append(all, d.stranger(addr))
				if all[len(all)-1].speaks() {
					working++
				}
			}
			if working != turns || d.waiting() != 5-turns {
				t.Errorf("%d are worked on and %d wait, with %d turns", working, d.waiting(), turns)
			}
			all[0].worked()
			if !all[turns].working() || d.waiting() != 4-turns {
				t.Error("the first in the queue does not get the turn that is free")
			}
		})
	}
}

func TestOneAddressHasOneTurnAtATime(t *testing.T) {
	atDesk(t, Limits{Handshakes: 2}, func(t *testing.T, d desk) {
		first, second := d.stranger(one), d.stranger(one)
		if !first.speaks() || second.speaks() {
			t.Fatal("of two handshakes of one address not one is worked on")
		}
		if !d.stranger(other).speaks() {
			t.Error("another address waits behind it though a turn is free")
		}
		if first.worked(); !second.working() {
			t.Error("the second is not worked on after the first")
		}
	})
}

func TestWhatIsBegunIsFinishedFirst(t *testing.T) {
	atDesk(t, Limits{Handshakes: 1}, func(t *testing.T, d desk) {
		begun, working, fresh := d.stranger(one), d.stranger(other), d.stranger(third)
		begun.speaks()
		begun.worked()
		working.speaks()
		fresh.speaks()
		begun.speaks()
		if working.worked(); !begun.working() || fresh.working() {
			t.Error("a handshake that is begun waits behind one that is not")
		}
		if begun.worked(); !fresh.working() {
			t.Error("the other one never comes")
		}
	})
}

// The queue is full of what has not begun, and yet what has begun finds its place.
func TestAFullQueueRefusesOnlyWhatHasNotBegun(t *testing.T) {
	atDesk(t, Limits{Handshakes: 1, HandshakeQueue: 1}, func(t *testing.T, d desk) {
		begun, working, waits, late := d.stranger(one), d.stranger(other), d.stranger(third), d.stranger(third)
		begun.speaks()
		begun.worked()
		working.speaks()
		waits.speaks()
		late.speaks()
		if err := late.refusal(); err != ErrHandshakesWaiting {
			t.Errorf("one too many: %v", err)
		}
		if _, err := d.begin(third.Next(), false); err != ErrHandshakesWaiting {
			t.Errorf("at accept: %v", err)
		}
		if begun.speaks() || begun.refusal() != nil || d.waiting() != 2 {
			t.Errorf("%d wait, and what had begun is told %v", d.waiting(), begun.refusal())
		}
	})
}

func TestAFavouredPeerNeverWaits(t *testing.T) {
	atDesk(t, Limits{Handshakes: 1, HandshakeQueue: 1, HandshakesEach: 1}, func(t *testing.T, d desk) {
		d.stranger(one).speaks()
		d.stranger(other).speaks()
		for range 50 {
			h, err := d.begin(third, true)
			if err != nil {
				t.Fatal(err)
			}
			r := d.reads(h)
			for range 3 {
				if !r.speaks() {
					t.Fatal("a known peer waits behind strangers")
				}
				r.worked()
			}
		}
		if d.free != 0 || d.waiting() != 1 {
			t.Error("it took the turn of a stranger")
		}
	})
}

func TestAnAddressHasSoManyHandshakesOpen(t *testing.T) {
	atDesk(t, Limits{HandshakesEach: 2}, func(t *testing.T, d desk) {
		begin := func(addr netip.Addr) *handshake {
			t.Helper()
			h, err := d.begin(addr, false)
			if err != nil {
				t.Fatalf("a handshake of %v is refused: %v", addr, err)
			}
			return h
		}
		first := begin(one)
		begin(one)
		if _, err := d.begin(one, false); err != ErrHandshakesOpen {
			t.Errorf("the third: %v", err)
		}
		begin(other)
		first.end()
		first.end() // counts once
		begin(one)
		if _, err := d.begin(one, false); err != ErrHandshakesOpen {
			t.Errorf("the third, after one ended: %v", err)
		}
	})
}

func TestAnAddressFailsSoOftenAndThenOnceASecond(t *testing.T) {
	atDesk(t, Limits{HandshakeFailures: 3}, func(t *testing.T, d desk) {
		fail := func(addr netip.Addr) {
			t.Helper()
			h, err := d.begin(addr, false)
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			h.end()
			h.failed()
		}
		for range 3 {
			fail(one)
		}
		for range 2 {
			if _, err := d.begin(one, false); err != ErrHandshakesFailed {
				t.Fatalf("after three failures: %v", err)
			}
			pass(time.Second)
			fail(one)
		}
		fail(other)
		pass(3 * time.Second)
		for range 3 {
			fail(one)
		}
	})
}

// A listed address is not shut out for what fails: its good servers may be behind the same one as the bad.
func TestAKnownAddressThatFailsOftenTakesTurnsUntilItIsQuiet(t *testing.T) {
	atDesk(t, Limits{Handshakes: 1, HandshakeFailures: 3}, func(t *testing.T, d desk) {
		var h *handshake
		for range 1000 {
			var err error
			if h, err = d.begin(one, true); err != nil {
				t.Fatal(err)
			}
			h.end()
			h.failed()
		}
		if h.favoured {
			t.Error("after a thousand failures it still takes no turn")
		}
		d.stranger(other).speaks()
		h, _ = d.begin(one, true)
		if d.reads(h).speaks() {
			t.Error("it does not wait for its turn")
		}
		pass(2 * time.Second)
		if h, _ = d.begin(one, true); !h.favoured {
			t.Error("it is never forgiven")
		}
		h.end()
	})
}

func TestWhomACertificateMadeKnownTakesNoTurnTheNextTime(t *testing.T) {
	atDesk(t, Limits{HandshakeFailures: 3}, func(t *testing.T, d desk) {
		h, _ := d.begin(one, false)
		h.end()
		h.proved()
		if h, _ = d.begin(one, false); !h.favoured {
			t.Error("it is a stranger again")
		}
		for range 3 {
			h.failed()
		}
		if _, err := d.begin(one, false); err != ErrHandshakesFailed {
			t.Errorf("it proved itself, but fails now: %v", err)
		}
		pass(provedFor)
		if h, _ = d.begin(one, false); h.favoured {
			t.Error("it is remembered for ever")
		}
	})
}

// What was read late is worked on no more, even when a turn is free by then.
func TestWaitingForATurnEndsWithTheHandshakesTime(t *testing.T) {
	atDesk(t, Limits{Handshakes: 1, HandshakeIn: 5 * time.Second}, func(t *testing.T, d desk) {
		began := time.Now()
		busy := d.stranger(one)
		busy.speaks()
		waits := d.stranger(other)
		pass(3 * time.Second)
		waits.speaks()
		<-waits.over
		if took := time.Since(began); waits.err != ErrHandshakesWaiting || took != 5*time.Second {
			t.Errorf("ended by %v after %v, want 5 s from accept", waits.err, took)
		}
		late := d.stranger(third)
		late.until = time.Now()
		late.speaks()
		if err := late.refusal(); err != ErrHandshakesWaiting {
			t.Errorf("one whose time is over: %v", err)
		}
		if d.waiting() != 0 {
			t.Errorf("%d still wait", d.waiting())
		}
		busy.worked()
		if pass(longestRest); !d.stranger(one).speaks() {
			t.Error("a turn got lost")
		}
	})
}

func TestAConnectionThatEndsWhileItWaitsLeavesTheQueue(t *testing.T) {
	atDesk(t, Limits{Handshakes: 1}, func(t *testing.T, d desk) {
		busy, waits := d.stranger(one), d.stranger(other)
		busy.speaks()
		waits.speaks()
		waits.goes()
		if err := waits.refusal(); !errors.Is(err, net.ErrClosed) || d.waiting() != 0 {
			t.Errorf("%v; %d wait", err, d.waiting())
		}
	})
}

// Strangers get a fifth of the processor at most.
func TestATurnRestsFourTimesAsLongAsItWasUsed(t *testing.T) {
	atDesk(t, Limits{Handshakes: 1, HandshakeIn: time.Minute}, func(t *testing.T, d desk) {
		addr, began, used := one, time.Now(), time.Duration(0)
		for range 20 {
			addr = addr.Next()
			r := d.stranger(addr)
			r.says <- 1
			<-r.works
			pass(3 * time.Millisecond)
			used += 3 * time.Millisecond
			r.worked()
		}
		if took := time.Since(began); took != 5*used-restsFor*3*time.Millisecond {
			t.Errorf("worked for %v in %v", used, took)
		}
		r := d.stranger(third)
		r.says <- 1
		<-r.works
		pass(10 * time.Second)
		r.worked()
		began, r = time.Now(), d.stranger(other)
		r.says <- 1
		<-r.works
		if took := time.Since(began); took != longestRest {
			t.Errorf("after 10 s the turn rests for %v", took)
		}
	})
}

// In a flood strangers get a fortieth of the processor. Those that come together once do not.
func TestATurnRestsLongerInAFlood(t *testing.T) {
	for waiting, times := range map[int]time.Duration{0: restsFor, 2: restsFor, 3: (restsFor + restsInFlood) / 2, 4: restsInFlood} {
		atDesk(t, Limits{Handshakes: 1, HandshakeQueue: 4, HandshakeIn: time.Minute}, func(t *testing.T, d desk) {
			first := d.stranger(one)
			first.speaks()
			addr := other
			var waits []*reading
			for range waiting {
				addr = addr.Next()
				waits = append(waits, d.stranger(addr))
				waits[len(waits)-1].speaks()
			}
			pass(3 * time.Millisecond)
			began := time.Now()
			first.worked()
			if waiting == 0 {
				waits = append(waits, d.stranger(other))
				waits[0].says <- 1
			}
			<-waits[0].works
			if took := time.Since(began); took != times*3*time.Millisecond {
				t.Errorf("while %d wait a turn of 3 ms rests for %v, not %d times as long", waiting, took, times)
			}
		})
	}
}

// A turn that came in the moment in which nobody waited for it any more is not lost.
func TestATurnThatComesTooLateIsGivenBack(t *testing.T) {
	atDesk(t, Limits{Handshakes: 1}, func(t *testing.T, d desk) {
		h, _ := d.begin(one, false)
		if err := h.enqueue(); err != nil || !h.turn {
			t.Fatalf("no turn: %v", err)
		}
		if h.end(); d.free != 1 || d.peers[one].open != 0 || d.peers[one].busy {
			t.Errorf("%d turns are free, and of the peer %+v is kept", d.free, d.peers[one])
		}
	})
}

func TestAfterTheHandshakeReadingTakesNoTurn(t *testing.T) {
	atDesk(t, Limits{Handshakes: 1}, func(t *testing.T, d desk) {
		d.stranger(one).speaks()
		h, _ := d.begin(other, false)
		h.end()
		if !d.reads(h).speaks() {
			t.Error("a connection that is up waits for a turn")
		}
	})
}

func TestManyAddressesThatFailAreForgotten(t *testing.T) {
	atDesk(t, Limits{}, func(t *testing.T, d desk) {
		kept := d.stranger(one)
		addr := netip.MustParseAddr("10.1.0.0")
		for i := range 3 * mostHandshakers {
			addr = addr.Next()
			h, err := d.begin(addr, false)
			if err != nil {
				t.Fatal(err)
			}
			h.end()
			h.failed()
			if i%100 == 0 {
				pass(time.Millisecond)
			}
		}
		if n := len(d.peers); n > mostHandshakers {
			t.Errorf("%d addresses are remembered", n)
		}
		if d.peers[one] != kept.peer {
			t.Error("one that shakes hands is forgotten")
		}
	})
}

// The quiet go first, and of the others none while they are few: who has failed is no stranger for that.
func TestOfManyAddressesTheQuietAreForgottenFirst(t *testing.T) {
	atDesk(t, Limits{HandshakeFailures: 1}, func(t *testing.T, d desk) {
		fail := func(addr netip.Addr) {
			t.Helper()
			h, err := d.begin(addr, false)
			if err != nil {
				t.Fatal(err)
			}
			h.end()
			h.failed()
		}
		h, _ := d.begin(one, false)
		h.end()
		h.proved()
		fail(other)
		addr := netip.MustParseAddr("10.1.0.0")
		for range mostHandshakers/2 - 1 {
			addr = addr.Next()
			fail(addr)
		}
		if _, err := d.begin(other, false); err != ErrHandshakesFailed {
			t.Errorf("the first of %d addresses that failed: %v", len(d.peers), err)
		}
		pass(2 * time.Second)
		recent := addr.Next()
		for range mostHandshakers/2 - 1 {
			addr = addr.Next()
			fail(addr)
		}
		if h, err := d.begin(addr.Next(), false); err != nil || len(d.peers) != mostHandshakers/2+1 {
			t.Fatalf("%v; %d addresses are remembered", err, len(d.peers))
		} else {
			h.end()
		}
		if _, err := d.begin(recent, false); err != ErrHandshakesFailed {
			t.Errorf("one that failed just now: %v", err)
		}
		if h, _ := d.begin(one, false); !h.favoured {
			t.Error("one that its certificate made known is a stranger again")
		}
	})
}

func TestARefusalIsASentence(t *testing.T) {
	for _, r := range []*HandshakeRefusal{ErrHandshakesWaiting, ErrHandshakesOpen, ErrHandshakesFailed} {
		reason, detail := r.Refusal()
		if want := fmt.Sprintf("%s: %s", reason, detail); r.Error() != want || reason == "" || detail[len(detail)-1] != '.' {
			t.Errorf("%q", r)
		}
	}
}

// A listed address that fails often waits with the others: to list it is no way out for it.
func TestWhoIsListedAndFailsOftenIsToldTheWayOut(t *testing.T) {
	if _, detail := ErrHandshakesWaiting.Refusal(); !strings.HasSuffix(detail, ", or correct what its earlier handshakes failed for.") {
		t.Errorf("%q has no way out for a listed address", detail)
	}
}
