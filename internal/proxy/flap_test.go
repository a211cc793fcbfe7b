package proxy

import (
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/sip/transport"
)

// falls marks the first front end down by a connect that is refused, and lets it be reached again.
func (tr *trial) falls() {
	tr.t.Helper()
	tr.fails(fe1At, transport.ErrRefused)
	tr.mu.Lock()
	ends := tr.hosts[fe1At].ends
	tr.mu.Unlock()
	for _, e := range ends {
		e.breaks(transport.ErrClosed)
	}
	tr.ask([]string{"SUBSCRIBE"}, 200)
	if !strings.HasPrefix(tr.state(), "down") {
		tr.t.Fatalf("the hop is %s", tr.state())
	}
	tr.fails(fe1At, nil)
}

// returns waits for the first front end to come back, and says how long that took.
func (tr *trial) returns() time.Duration {
	tr.t.Helper()
	for took := time.Second; took <= 3*time.Minute; took += time.Second {
		tr.after(time.Second)
		if tr.state() == "up" {
			return took
		}
	}
	tr.t.Fatalf("the hop does not come back\n%s", tr.log)
	return 0
}

func TestAHopThatFallsSoonAfterItRoseIsHeldDownTwiceAsLong(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.works(fe1At)
		for i, want := range []int{10, 10, 20, 40, 60, 60} { // the first two take what two good probes take
			tr.falls()
			if got := tr.returns(); got != time.Duration(want)*time.Second {
				t.Errorf("fall %d is over after %v, not %d s", i+1, got, want)
			}
			tr.after(59 * time.Second)
		}
		tr.after(2 * time.Second)
		tr.falls()
		if got := tr.returns(); got != 10*time.Second {
			t.Errorf("after a minute that was well a fall is over after %v, not 10 s", got)
		}
		tr.ends()
	})
}

func TestAHopThatIsHeldDownSaysWhy(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.works(fe1At)
		for range 2 {
			tr.falls()
			tr.returns()
		}
		tr.falls()
		tr.after(15 * time.Second)
		tr.expectState("down answers again, but is held down for 20s because it fails so often")
		tr.fails(fe1At, transport.ErrRefused)
		tr.at(fe1At).breaks(transport.ErrClosed)
		tr.after(6 * time.Second)
		tr.expectState("down connection refused")
		tr.fails(fe1At, nil)
		tr.after(5 * time.Second)
		tr.expectState("down connection refused") // its hold is over, but one good probe is not two
		tr.after(5 * time.Second)
		tr.expectState("up")
		tr.ends()
	})
}

func TestAChangeOfTheConfigurationEndsTheHold(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.works(fe1At)
		for range 4 {
			tr.falls()
			tr.returns()
		}
		tr.falls()
		tr.set(func(s *federation.Snapshot) { s.StaticRoutes[0].Port = 5099 })
		tr.set()
		tr.expectState("unknown")
		tr.falls()
		if got := tr.returns(); got != 10*time.Second {
			t.Errorf("the next fall is over after %v, not 10 s", got)
		}
		tr.ends()
	})
}

// N16: whatever a hop does every other second, its state changes once in a hold at most, and no request pays for it.
func TestAFlappingHopLosesNothingAndIsLeftAlone(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.works(fe1At)
		for second := range 300 {
			if second%2 == 0 {
				tr.fails(fe1At, nil)
			} else {
				tr.fails(fe1At, transport.ErrRefused)
				tr.mu.Lock()
				ends := tr.hosts[fe1At].ends
				tr.hosts[fe1At].ends = nil
				tr.mu.Unlock()
				for _, e := range ends {
					e.breaks(transport.ErrClosed)
				}
			}
			tr.ask([]string{"MESSAGE", "SUBSCRIBE"}, 200)
			tr.after(time.Second)
		}
		if n := strings.Count(tr.log.String(), `"msg":"next hop down"`); n > 9 {
			t.Errorf("the hop went down %d times in five minutes", n)
		}
		tr.ends()
	})
}
