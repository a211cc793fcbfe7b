package node

import (
	"context"
	"time"
)

const (
	maxBehind     = 10 * time.Second // a change is in force well within a second
	maxSkew       = 5 * time.Second  // from there on people who compare logs are led astray
	askClockEvery = 30 * time.Second
	clockLimit    = time.Second
)

// A lag tells the log when this node is behind the configuration, and when its clock is not the database's. It belongs to
// the goroutine that reports.
type lag struct {
	behind bool      // it was told that the node is behind
	skewed bool      // and that the clock is wrong
	asked  time.Time // for the database's clock
}

// tellBehind says once that the newest state of the database is not in force for too long, and why.
func (l *lag) tellBehind(n *Node, now time.Time) {
	n.mu.Lock()
	since, newest, inForce, reason := n.facts.behind, n.facts.newest, n.facts.inForce, n.facts.trouble()
	n.mu.Unlock()
	late := !since.IsZero() && now.Sub(since) > maxBehind
	if late && !l.behind {
		n.log.Error("this node is behind the configuration", "revision", newest.Revision, "applied_revision", inForce.Revision,
			"since", since, "reason", reason)
	}
	l.behind = late
}

// compareClocks asks for the database's clock now and then. An answer says what the clock was at some moment between the
// question and itself, so half the time between is added.
func (l *lag) compareClocks(ctx context.Context, n *Node) {
	began := time.Now()
	if n.config.Clock == nil || began.Sub(l.asked) < askClockEvery {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, clockLimit)
	defer cancel()
	database, err := n.config.Clock(ctx)
	if err != nil {
		return // that it cannot be asked is told elsewhere
	}
	l.asked = began
	skew := began.Add(time.Since(began) / 2).Sub(database)
	n.mu.Lock()
	n.facts.skew = skew
	n.mu.Unlock()
	l.tellSkew(n, skew)
}

func (l *lag) tellSkew(n *Node, skew time.Duration) {
	off := skew.Abs() > maxSkew
	switch {
	case off && !l.skewed:
		n.log.Warn("this machine's clock and the database's differ; set both by NTP, or certificates begin and end at the wrong time",
			"ahead_seconds", skew.Seconds())
	case !off && l.skewed:
		n.log.Info("this machine's clock and the database's agree again")
	}
	l.skewed = off
}

// lagging is since how long the newest state that is known is not in force, 0 while it is.
func (f *facts) lagging(now time.Time) time.Duration {
	if f.behind.IsZero() {
		return 0
	}
	return now.Sub(f.behind)
}
