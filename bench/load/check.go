package load

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
)

// A Breach is a kind of thing that a proxy must not do.
type Breach int

// Breaches.
const (
	Via         Breach = iota // its own is missing, ours was changed, or there are more
	RecordRoute               // missing where a dialog begins, or there where none does
	Route                     // its own was not removed
	Forwards                  // Max-Forwards is not one less
	Body                      // not what was sent
	Tag                       // the To tag is not the upstream's
	Identity                  // Request-URI, From, Call-ID or CSeq changed, or the message belongs to nothing
	Order                     // overtook another message of its connection
	Status                    // another final response than 200
	breaches
)

func (b Breach) String() string {
	return [...]string{"Via", "Record-Route", "Route", "Max-Forwards", "body", "To tag", "identity", "order", "status"}[b]
}

// Findings counts breaches and keeps the first message of each kind.
type Findings struct {
	mu       sync.Mutex
	counts   [breaches]int
	examples [breaches]string
}

// Count returns how often a breach was found.
func (f *Findings) Count(b Breach) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[b]
}

// Total counts all breaches but those of order, which reports name for themselves.
func (f *Findings) Total() (n int) {
	for b := range breaches {
		if b != Order {
			n += f.Count(b)
		}
	}
	return n
}

// String names what was found with an example of each, empty when nothing was.
func (f *Findings) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var text strings.Builder
	for b := range breaches {
		if f.counts[b] > 0 {
			fmt.Fprintf(&text, "%d times %s, first in:\n%s\n", f.counts[b], b, f.examples[b])
		}
	}
	return text.String()
}

func (f *Findings) found(b Breach, h *head) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[b]++
	if f.counts[b] == 1 {
		f.examples[b] = h.describe()
	}
}

func (h *head) describe() string {
	return fmt.Sprintf("%s\nVia %q\nRecord-Route %q\nRoute %q\nFrom %s\nTo %s\nCall-ID %s\nCSeq %s\nMax-Forwards %s\nX-Sequence %s\nbody of %d bytes",
		h.start, h.vias.all(), h.recordRoutes.all(), h.routes.all(), h.from, h.to, h.callID, h.cseq, h.forwards, h.sequence, len(h.body))
}

// An expectation is what the messages of one run look like behind the proxy.
type expectation struct {
	run      int
	relay    bool // which changes nothing: what a proxy has to change is not asked
	vias     []string
	from     string // the value up to the tag's number
	first    string // start line of the first request, up to its end
	contact  string
	body     []byte
	findings *Findings
	order    *order
}

// request checks a request as the upstream gets it.
func (e *expectation) request(h *head, id identity, method string) {
	first := method == "MESSAGE" || method == "NOTIFY" || method == "INVITE"
	e.headers(h, id, method)
	switch {
	case first && !bytes.Equal(h.body, e.body), !first && len(h.body) > 0:
		e.findings.found(Body, h)
	case first && string(h.start) != e.first, !first && !isRequest(h.start, method, e.contact),
		!bytes.HasPrefix(h.from, []byte(e.from)), !has(h.from[len(e.from):], id), !has(h.callID, id):
		e.findings.found(Identity, h)
	}
	e.order.up(e.findings, h)
}

// headers checks what a proxy has to change.
func (e *expectation) headers(h *head, id identity, method string) {
	own := 0
	if !e.relay {
		own = 1
	}
	if h.vias.n != own+1 || !sameVia(h.vias.list[own], e.vias[id.caller], id) || own == 1 && !bytes.Contains(h.vias.list[0], []byte(";branch=z9hG4bK")) {
		e.findings.found(Via, h)
	}
	if e.relay {
		return
	}
	if string(h.forwards) != "69" {
		e.findings.found(Forwards, h)
	}
	if h.routes.n > 0 {
		e.findings.found(Route, h)
	}
	if recorded := method == "INVITE" || method == "NOTIFY"; recorded != (h.recordRoutes.n > 0) {
		e.findings.found(RecordRoute, h)
	}
}

// sameVia: a Via is what was sent, but for received and rport, which whoever got it adds (RFC 3261 section 18.2.1).
func sameVia(got []byte, prefix string, id identity) bool {
	if !bytes.HasPrefix(got, []byte(prefix)) || !has(got[len(prefix):], id) {
		return false
	}
	rest := got[len(prefix)+idDigits:]
	return len(rest) == 0 || bytes.HasPrefix(rest, []byte(";received=")) || bytes.HasPrefix(rest, []byte(";rport="))
}

// has reports whether text begins with that transaction's number.
func has(text []byte, id identity) bool {
	got, ok := readIdentity(text)
	return ok && got == id
}

func isRequest(start []byte, method, uri string) bool {
	rest, ok := bytes.CutPrefix(start, []byte(method))
	if !ok {
		return false
	}
	rest, ok = bytes.CutPrefix(rest, []byte(" "+uri))
	return ok && string(rest) == " SIP/2.0"
}
