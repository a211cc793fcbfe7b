package transaction

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// bell notes when it rang.
type bell struct {
	alarm Alarm
	want  time.Time // zero: not at all
	rang  []time.Time
}

func (b *bell) Ring() { b.rang = append(b.rang, time.Now()) }

func TestEachAlarmRingsOnceAtItsTimeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alarms, random := NewAlarms(Wall()), rand.New(rand.NewPCG(7, 3))
		bells := make([]bell, 2000)
		for range 20_000 {
			b := &bells[random.IntN(len(bells))]
			if random.IntN(3) == 0 {
				b.alarm.Stop()
				b.want = time.Time{}
				continue
			}
			b.want = time.Now().Add(time.Duration(random.IntN(1000)) * time.Millisecond)
			alarms.Set(&b.alarm, alarms.Now().Add(time.Until(b.want)), b)
		}
		after(time.Second)
		for i := range bells {
			b := &bells[i]
			if b.want.IsZero() && len(b.rang) == 0 || len(b.rang) == 1 && b.rang[0].Equal(b.want) {
				continue
			}
			t.Errorf("alarm %d rang at %v, want %v", i, b.rang, b.want)
		}
	})
}

func TestAnAlarmMayBeSetAgainWhenItRang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alarms, b := NewAlarms(Wall()), new(bell)
		for range 3 {
			alarms.Set(&b.alarm, alarms.Now().Add(time.Second), b)
			after(time.Second)
		}
		if len(b.rang) != 3 {
			t.Errorf("it rang %d times, want 3", len(b.rang))
		}
	})
}

// stopped is the clock of a process that stands still for a while: time goes on, and its timers do not.
type stopped struct {
	Clock
	lost atomic.Int64 // nanoseconds
}

func (c *stopped) Now() time.Time { return c.Clock.Now().Add(time.Duration(c.lost.Load())) }

func TestAfterAStandstillAlarmsRingOnceWhatCameMeanwhileCouldStopThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := &stopped{Clock: Wall()}
		alarms, bells := NewAlarms(clock), make([]bell, 64)
		for i := range bells {
			alarms.Set(&bells[i].alarm, alarms.Now().Add(4*time.Second), &bells[i])
		}
		after(time.Second)
		clock.lost.Store(int64(10 * time.Second))
		after(3 * time.Second) // until the timers
		stop, later := bells[:32], new(bell)
		for i := range stop {
			stop[i].alarm.Stop()
		}
		alarms.Set(&later.alarm, alarms.Now().Add(time.Millisecond), later)
		after(catchUp)
		for i := range bells {
			if got, want := len(bells[i].rang), i/32; got != want {
				t.Errorf("alarm %d rang %d times, want %d", i, got, want)
			}
		}
		if len(later.rang) != 1 {
			t.Errorf("what was set then rang %d times", len(later.rang))
		}
	})
}

func TestAnAlarmIsSetAndStoppedWithoutAllocations(t *testing.T) {
	alarms, b := NewAlarms(Wall()), new(bell)
	at := alarms.Now().Add(time.Hour)
	n := testing.AllocsPerRun(100, func() {
		alarms.Set(&b.alarm, at, b)
		b.alarm.Stop()
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRoomForManyAlarmsIsGivenBack(t *testing.T) {
	alarms, bells := NewAlarms(Wall()), make([]bell, 200_000)
	at := alarms.Now().Add(time.Hour)
	for i := range bells {
		alarms.Set(&bells[i].alarm, at, &bells[i])
	}
	for i := range bells {
		bells[i].alarm.Stop()
	}
	for i := range alarms.pieces {
		if room := len(alarms.pieces[i].list.pieces) * pieceRoom; room > 2*pieceRoom {
			t.Errorf("a heap without alarms has room for %d, want at most %d", room, 2*pieceRoom)
		}
	}
}

// A holdup is an alarm that holds up whoever lets it ring.
type holdup struct {
	alarm  Alarm
	at     *atomic.Int64
	goOn   <-chan struct{}
	passed *sync.WaitGroup
}

func (h *holdup) Ring() {
	h.at.Add(1)
	<-h.goOn
	h.passed.Done()
}

func TestManyAlarmsAtOneTimeRingAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 20_000
		alarms, goOn := NewAlarms(Wall()), make(chan struct{})
		var at atomic.Int64
		var passed sync.WaitGroup
		passed.Add(n)
		due := alarms.Now().Add(time.Second)
		for range n {
			h := &holdup{at: &at, goOn: goOn, passed: &passed}
			alarms.Set(&h.alarm, due, h)
		}
		after(time.Second)
		if most := int64(ringing * len(alarms.pieces)); at.Load() > most {
			t.Errorf("%d rang at one time, want at most %d", at.Load(), most)
		}
		close(goOn)
		passed.Wait()
	})
}

// slow is the clock of a machine whose timers are always late, up to a bound.
type slow struct{ Clock }

const slowest = stoodStill + time.Second

func late(d time.Duration) time.Duration {
	return max(d, 0) + stoodStill + time.Duration(rand.Int64N(int64(slowest-stoodStill)))
}

func (c slow) AfterFunc(d time.Duration, f func()) Timer {
	return slowTimer{c.Clock.AfterFunc(late(d), f)}
}

type slowTimer struct{ Timer }

func (t slowTimer) Reset(d time.Duration) bool { return t.Timer.Reset(late(d)) }

func TestOnAMachineThatIsAlwaysLateNoAlarmIsPutOffTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alarms, bells := NewAlarms(slow{Wall()}), make([]bell, 500)
		for i := range bells {
			bells[i].want = time.Now().Add(10 * time.Millisecond)
			alarms.Set(&bells[i].alarm, alarms.Now().Add(10*time.Millisecond), &bells[i])
			after(40 * time.Millisecond)
		}
		after(10 * slowest)
		for i := range bells {
			if b := &bells[i]; len(b.rang) != 1 || b.rang[0].Sub(b.want) > 2*slowest+catchUp {
				t.Errorf("alarm %d rang at %v, want %v and no later than twice the machine is late", i, b.rang, b.want)
			}
		}
	})
}
