package web

import (
	"fmt"
	"strings"
	"time"

	"isthmus/internal/federation"
	"isthmus/templates"
)

// routeState is what administrators decided about a route and, when it is in use, how its next hop is.
func routeState(r federation.StaticRoute, statuses []federation.NodeStatus, now time.Time) templates.State {
	switch {
	case !r.InService:
		return templates.State{Mark: templates.Off, Word: "Out of service"}
	case r.Blocked:
		return templates.State{Mark: templates.Part, Word: "Blocked", Note: "answered with 403"}
	}
	return hopState(r.NextHop, r.Port, r.Transport, statuses, now)
}

// hopState joins what the nodes say of one next hop. Nodes that are silent are not believed.
func hopState(host string, port int, transport string, statuses []federation.NodeStatus, now time.Time) templates.State {
	var up, down int
	var worst federation.HopStatus
	for _, status := range statuses {
		if !status.Live(now) {
			continue
		}
		for _, h := range status.Hops {
			if h.Host != host || h.Port != port || h.Transport != transport {
				continue
			}
			switch h.State {
			case federation.HopUp:
				up++
			case federation.HopDown:
				down++
				worst = h
			}
		}
	}
	return joined(up, down, worst, now)
}

func joined(up, down int, worst federation.HopStatus, now time.Time) templates.State {
	switch {
	case down == 0 && up == 0:
		return templates.State{Mark: templates.Unknown, Word: "Not checked"}
	case down == 0:
		return templates.State{Mark: templates.Up, Word: "Up"}
	case up == 0:
		return templates.State{Mark: templates.Down, Word: "Down", Note: why(worst, now)}
	}
	return templates.State{Mark: templates.Part, Word: fmt.Sprintf("Down on %d of %d nodes", down, up+down), Note: why(worst, now)}
}

func why(h federation.HopStatus, now time.Time) string {
	since := "since " + templates.Clock(h.Since, now)
	if h.Reason == "" {
		return since
	}
	return h.Reason + ", " + since
}

// nodeState is how far a node has come, from what it last reported. It is nil when it never did.
func nodeState(status *federation.NodeStatus, revision int64, now time.Time) templates.State {
	switch {
	case status == nil:
		return templates.State{Mark: templates.Unknown, Word: "Not seen", Note: "isthmus serve has not run on it yet"}
	case !status.Live(now):
		return templates.State{Mark: templates.Down, Word: "Silent", Note: "last heard " + templates.Ago(status.ReportedAt, now)}
	case status.Error != "":
		return templates.State{Mark: templates.Down, Word: "Not applied", Note: status.Error}
	case status.AppliedRevision < revision:
		return templates.State{Mark: templates.Part, Word: "Behind", Note: fmt.Sprintf("holds revision %d", status.AppliedRevision)}
	}
	state := listening(status)
	if status.State == Stopped && state.Mark == templates.Up {
		return templates.State{Mark: templates.Off, Word: "Stopped", Note: "the SIP proxy does not run on it"}
	}
	return state
}

// listening tells which listeners of a node are not open although they should be, and what it cannot keep on its disk.
func listening(status *federation.NodeStatus) templates.State {
	var shut []string
	for _, l := range status.Listeners {
		if !l.Open && l.Error != "" {
			shut = append(shut, l.Name+": "+l.Error)
		}
	}
	if len(shut) > 0 {
		return templates.State{Mark: templates.Down, Word: "Listener not open", Note: strings.Join(shut, "; ")}
	}
	if status.Unkept != "" {
		return templates.State{Mark: templates.Part, Word: "Not kept", Note: status.Unkept}
	}
	return templates.State{Mark: templates.Up, Word: "Ready"}
}

// statusOf is what a node reported, nil when it never did.
func statusOf(statuses []federation.NodeStatus, node string) *federation.NodeStatus {
	for i := range statuses {
		if statuses[i].Node == node {
			return &statuses[i]
		}
	}
	return nil
}
