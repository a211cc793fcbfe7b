package siptest

import "time"

// Passed returns a channel that is closed once d has passed, at once when there is nothing to wait for: in a synctest bubble
// a timer of no length crashes the race detector's runtime.
func Passed(d time.Duration) <-chan struct{} {
	done := make(chan struct{})
	if d <= 0 {
		close(done)
	} else {
		time.AfterFunc(d, func() { close(done) })
	}
	return done
}
