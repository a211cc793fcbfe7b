// Package diagnose judges whether the federation can work: each check is a function of the configuration and of what the
// nodes report, and ends in findings with the way out. It asks no peer and changes nothing.
package diagnose

import (
	"fmt"
	"slices"
	"time"

	"isthmus/internal/federation"
)

// State is how bad a finding is.
type State string

// States, worst first.
const (
	Red   State = "red"   // does not work
	Amber State = "amber" // works, but wants attention
	Green State = "green"
)

// A Finding is the answer of one check.
type Finding struct {
	Check  string `json:"check"` // stable name of the check, such as acl_complete
	State  State  `json:"state"`
	Text   string `json:"text"`             // what was found, a whole sentence
	Advice string `json:"advice,omitempty"` // the way out, a whole sentence
	Page   string `json:"page,omitempty"`   // path of the console's page that changes it
}

// Facts are what checks judge.
type Facts struct {
	Snapshot federation.Snapshot
	Statuses []federation.NodeStatus
	Peers    []federation.PeerCertificate // that peers showed when they were seen last
	Now      time.Time
}

// checks in the order of the guide's workflow (guide p.39-42); troubleshooting is its chapter 11.
var checks = []func(Facts) []Finding{
	domains, federationOn, routes, routeTransport, aclComplete, aclAll, peerSubjects, peerAuthListener, tlsCiphers, peerCertificate,
	services, routingNode, backups, scriptNodes, ownCertificates, trustedCAs, peersEnds, nodesBehind, listenersOpen, nextHops,
}

// Run makes every check and returns the findings, worst first; within one state the order of the workflow stands.
func Run(f Facts) []Finding {
	var list []Finding
	for _, check := range checks {
		list = append(list, check(f)...)
	}
	rank := map[State]int{Red: 0, Amber: 1, Green: 2}
	slices.SortStableFunc(list, func(a, b Finding) int { return rank[a.State] - rank[b.State] })
	return list
}

// Worst is the worst state among findings, Green for none.
func Worst(list []Finding) State {
	worst := Green
	for _, f := range list {
		if f.State == Red {
			return Red
		}
		if f.State == Amber {
			worst = Amber
		}
	}
	return worst
}

// report starts the findings of one check; green is what it says when nothing is wrong.
type report struct {
	check, page string
	list        []Finding
}

func (r *report) add(s State, advice, format string, args ...any) {
	r.list = append(r.list, Finding{Check: r.check, State: s, Text: fmt.Sprintf(format, args...), Advice: advice, Page: r.page})
}

func (r *report) orGreen(format string, args ...any) []Finding {
	if len(r.list) == 0 {
		r.add(Green, "", format, args...)
	}
	return r.list
}
