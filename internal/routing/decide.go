package routing

import (
	"fmt"
	"strings"
	"sync"

	"isthmus/internal/federation"
)

// Action is what becomes of a request.
type Action uint8

// Actions.
const (
	Answer  Action = iota // answered here with Status
	Drop                  // ends here without an answer
	Cancel                // a CANCEL, matched to its INVITE by the transactions
	Forward               // sent to one hop of Groups after another
)

// A Decision is what becomes of one request, and why.
type Decision struct {
	Action  Action
	Status  int      // of the answer; of a dropped request the status that it would have got
	Log     string   // literal reason for the log, "" for an ordinary answer
	Reason  string   // whole sentences; of a forwarded request only where Explain was asked
	Warning string   // text of the answer's Warning header, "" for none
	Headers []string // further header lines of the answer

	Groups    []Group // hops by priority, best first
	Unreached int     // status when no hop could be reached
	Strict    bool    // the next Route value is a strict router's: it goes into the Request-URI
}

// String is the decision in one line, as tests and logs show it.
func (d Decision) String() string {
	switch d.Action {
	case Drop:
		return "drop"
	case Cancel:
		return "cancel"
	case Answer:
		return fmt.Sprintf("answer %d", d.Status)
	}
	var groups []string
	for _, g := range d.Groups {
		var hops []string
		for _, h := range g {
			hops = append(hops, h.Identity()+" "+h.String())
		}
		groups = append(groups, strings.Join(hops, " or "))
	}
	return "route " + strings.Join(groups, ", then ")
}

// A Step is one question that a decision asked, and what followed from it.
type Step struct {
	Question string
	Applies  bool   // this decided
	Text     string // whole sentences, where it did
}

// Decide finds what becomes of a request that was admitted.
func (p *Policy) Decide(r *Request, dir Directory) Decision {
	w := walks.Get().(*walk)
	defer walks.Put(w)
	*w = walk{policy: p, directory: dir, own: *r}
	w.request = &w.own
	d := w.run()
	*w = walk{}
	return d
}

// walks are reused, as every request takes one. Each has a copy of the request, so that the caller's can stay on his stack.
var walks = sync.Pool{New: func() any { return new(walk) }}

// Explain decides as Decide does and tells each step of it.
func (p *Policy) Explain(r *Request, dir Directory) (Decision, []Step) {
	w := walk{policy: p, request: r, directory: dir, explains: true}
	d := w.run()
	return d, w.steps
}

// A walk is one way through the rows of the decision.
type walk struct {
	policy    *Policy
	request   *Request
	own       Request
	directory Directory
	explains  bool
	steps     []Step
	decision  Decision

	// Of the Request-URI, once it was asked for: the address, and the host as the end of it.
	recipient, domain string
}

func (w *walk) run() Decision {
	for _, row := range rows {
		if row.decides(w) {
			w.narrow()
			w.silence()
			w.note(row.question, true)
			break
		}
		w.note(row.question, false)
	}
	return w.decision
}

func (w *walk) note(question string, applies bool) {
	if w.explains {
		w.steps = append(w.steps, Step{Question: question, Applies: applies, Text: w.decision.Reason})
	}
}

// narrow: a request that may have no branch more goes to nobody (RFC 5393 section 5.3.3.2). Hops are tried one after the
// other, so that one branch is all it takes.
func (w *walk) narrow() {
	if w.decision.Action == Forward && w.request.MaxBreadth == 0 {
		w.refuse(440, "The request has come to the end of its Max-Breadth.", "")
	}
}

// silence: ACK and BENOTIFY are never answered, not even refused ones.
func (w *walk) silence() {
	if m := w.request.Method; w.decision.Action == Answer && (m == "ACK" || m == "BENOTIFY") {
		w.decision.Action = Drop
	}
}

// address is whom the Request-URI names, as users are compared.
func (w *walk) address() string {
	if w.recipient == "" {
		w.recipient = w.request.URI.Address()
		if w.request.URI.IsSIP() {
			w.domain = w.recipient[strings.LastIndexByte(w.recipient, '@')+1:]
		}
	}
	return w.recipient
}

// host is the Request-URI's host, the recipient's domain.
func (w *walk) host() string {
	w.address()
	return w.domain
}

// refuse decides for an answer. The fact is a sentence that the peer may read too, the advice is for administrators.
func (w *walk) refuse(status int, fact, advice string) bool {
	warning := strings.TrimSuffix(fact, ".")
	w.decision = Decision{Action: Answer, Status: status, Warning: warning, Reason: strings.TrimSpace(warning + ". " + advice)}
	return true
}

// forward decides for hops. The sentence is made only where somebody reads it.
func (w *walk) forward(groups []Group, format, name string) bool {
	w.decision = Decision{Action: Forward, Groups: groups, Unreached: 504}
	if w.explains {
		w.decision.Reason = fmt.Sprintf(format, name)
	}
	return true
}

// toLadder decides for the static routes that were found for a name.
func (w *walk) toLadder(l ladder, name string) bool {
	switch {
	case !l.found:
		w.refuse(404, "no static route for "+name, "Add a static route whose destination is "+federation.Reverse(name)+".")
		w.decision.Log = LogNoStaticRoute
		return true
	case l.blocked:
		return w.refuse(403, "The best static route for "+name+" is blocked.", "Unblock it on the page Static routes if it is to be used.")
	}
	return w.forward(l.groups, "The static routes of %s lead there.", name)
}
