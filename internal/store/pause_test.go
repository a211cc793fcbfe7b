package store

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoPausesGoesOnAsSoonAsTheDatabaseIsReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Store{door: newDoor()}
		began, paused := time.Now(), func(d time.Duration) time.Duration {
			before := time.Now()
			s.Pause(t.Context(), d)
			return time.Since(before)
		}
		if took := paused(time.Second); took != time.Second {
			t.Errorf("while the database is there the pause takes %s", took)
		}
		s.door.connects(time.Now(), errShut)
		if took := paused(time.Hour); took < minBackoff || took > 2*minBackoff {
			t.Errorf("after a connect that failed the pause takes %s", took)
		}
		number := begins(t, s.door, time.Now())
		time.AfterFunc(10*time.Millisecond, func() { s.door.leave(number, time.Now(), nil) })
		if took := paused(time.Hour); took != 10*time.Millisecond {
			t.Errorf("a connect that goes well ends the pause after %s", took)
		}
		s.door.connects(time.Now(), errShut)
		ctx, cancel := context.WithDeadline(t.Context(), began)
		defer cancel()
		before := time.Now()
		if s.Pause(ctx, time.Hour); time.Since(before) != 0 {
			t.Error("the end of its caller does not end a pause")
		}
	})
}

// What is asked for may be refused before it comes to a connect.
func TestWhoMightTryAndDoesNotPausesAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, began := &Store{door: newDoor()}, time.Now()
		s.door.connects(began, errShut)
		s.Pause(t.Context(), time.Second)
		tried := time.Now()
		for range 3 {
			s.Pause(t.Context(), time.Second)
		}
		if took := time.Since(tried); took != 3*time.Second {
			t.Errorf("three pauses of a second take %s", took)
		}
		time.AfterFunc(10*time.Millisecond, func() { s.door.connects(time.Now(), nil) })
		tried = time.Now()
		if s.Pause(t.Context(), time.Second); time.Since(tried) != 10*time.Millisecond {
			t.Errorf("a connect of somebody else ends the pause after %s", time.Since(tried))
		}
	})
}
