package transaction

import "time"

// Clock is where transactions take their time from; tests inject one that they turn themselves.
type Clock interface {
	Now() time.Time
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is what AfterFunc returns, with the meaning that time.Timer gives to both methods.
type Timer interface {
	Stop() bool
	Reset(d time.Duration) bool
}

// Wall returns the real clock. Its timers run on the monotonic reading, so that a step of the system's time neither ends nor
// prolongs a transaction.
func Wall() Clock { return wall{} }

type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func (wall) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }

// Times are the durations of RFC 3261 section 17, of which all lettered timers are multiples.
type Times struct {
	T1 time.Duration // estimated round trip, 500 ms
	T2 time.Duration // longest pause between two retransmissions, 4 s
	T4 time.Duration // longest life of a message in the network, 5 s
	// Proceeding ends an INVITE that rings without a further provisional response and that nobody ended otherwise. It must
	// exceed the proxy's Timer C (3 min) and the 64*T1 that a cancelled INVITE is still waited for.
	Proceeding time.Duration
}

// Defaults are the values of RFC 3261's table 4.
func Defaults() Times {
	return Times{T1: 500 * time.Millisecond, T2: 4 * time.Second, T4: 5 * time.Second, Proceeding: 5 * time.Minute}
}

// Whole is 64*T1: timers B, F, H and J, and at most L and M.
func (t Times) Whole() time.Duration { return 64 * t.T1 }
