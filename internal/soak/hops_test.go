package soak

import (
	"crypto/tls"
	"fmt"
	"strings"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// listen opens everything around the node: its connector, the second node and three front ends.
func (w *world) listen() {
	w.t.Helper()
	w.newcomer, w.visitor = w.ca.Leaf("fe2.synergy.com"), w.otherCA.Leaf(visitor)
	w.serve("connector", w.connectorAt(), nil)
	second := w.ca.Server(w.ca.Leaf(imp2))
	for port, config := range map[int]*tls.Config{5060: nil, 5070: nil, 5061: second, 5071: second} {
		w.serve("imp2", fmt.Sprintf("%s:%d", w.address(imp2Host), port), config)
	}
	for i, host := range []int{fe1Host, fe2Host, fe3Host} {
		name := fmt.Sprintf("fe%d", i+1)
		w.serve(name, w.address(host)+":5061", w.ca.Server(w.ca.Leaf(name+".synergy.com")))
	}
}

func (w *world) connectorAt() string { return fmt.Sprintf("%s:%d", w.address(imp1Host), connectorPort) }

// serve has a hop answer whatever comes with 200.
func (w *world) serve(name, address string, config *tls.Config) *siptest.Listener {
	w.t.Helper()
	l, err := siptest.Listen(address, config)
	w.check(err)
	l.Serve(func(c *siptest.Conn, m *sip.Message) { w.hop(name, c, m) })
	w.t.Cleanup(func() { l.Close() })
	return l
}

func (w *world) hop(name string, c *siptest.Conn, m *sip.Message) {
	if !m.IsRequest() {
		return
	}
	book := w.book.Load()
	if book != nil {
		book.processed(name, m)
	}
	switch m.Method() {
	case "ACK":
	case "INVITE":
		_ = c.Answer(m, 180)
		_ = c.Answer(m, 200, "Contact: <"+w.contactOf(name)+">")
	case "SUBSCRIBE":
		_ = c.Answer(m, 200, "Contact: <"+w.contactOf(name)+">", "Expires: 7200")
		if name == "connector" {
			w.notify(m)
		}
	default:
		_ = c.Answer(m, 200) // a connection that broke shows in the ledger
	}
}

// notify is the connector's, in the dialog of a SUBSCRIBE; it comes over a lane of the inside.
func (w *world) notify(m *sip.Message) {
	r := siptest.Callee(m).Request("NOTIFY", "Event: presence", "Subscription-State: active;expires=7200", "Contact: <"+w.contactOf("connector")+">")
	w.notifier.Load().ask("NOTIFY outward", r, answeredBy("fe1"))
}

// contactOf is how a hop is reached in a dialog.
func (w *world) contactOf(name string) string {
	if name == "connector" {
		return "sip:ann@" + w.connectorAt() + ";transport=tcp"
	}
	return "sip:carl@" + name + ".synergy.com:5061;transport=tls"
}

// hopOf is the hop that a contact names.
func (w *world) hopOf(contact string) string {
	_, host, _ := strings.Cut(contact, "@")
	if name, ok := strings.CutPrefix(host, "fe"); ok {
		return "fe" + name[:1]
	}
	return "connector"
}

func roamName(n int) string { return fmt.Sprint("roam", n) }

// openRoam opens the next hop of a number. Those before stay open: it is the node that has to leave them.
func (w *world) openRoam(n int) {
	w.t.Helper()
	for len(w.roams) <= n {
		w.roams = append(w.roams, w.serve(roamName(len(w.roams)), w.address(roamHost)+":0", nil))
	}
}

func (w *world) roamPort(n int) int { return w.roams[n].Port() }
