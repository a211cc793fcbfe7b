package node

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/proxy"
	"isthmus/internal/sip/transport"
)

// handshakesAgain is until all is told again, should the database have gone back meanwhile.
const handshakesAgain = time.Minute

// Who a failed handshake is worth remembering of, the least first.
type worth int

const (
	unlisted worth = iota // this node did not go on with it: a flood of those hides no stranger that failed
	stranger
	known  // requests from its address are likely to be taken
	opened // this node opened the connection
)

// handshakes are the last that failed, federation.HandshakesKept of them. Strangers fill what is left by hops and peers that
// are known. Its lock is held only by what has just failed, and by the report: no message
// waits for it.
type handshakes struct {
	mu      sync.Mutex
	list    []rememberedHandshake // the newest last
	version int64                 // raised with each change
	told    int64                 // version that the database has; before the first report it has that of another process
	toldAt  time.Time
}

type rememberedHandshake struct {
	federation.RefusedHandshake
	worth worth
}

// note remembers one failure at a time; those that are alike are counted.
func (h *handshakes) note(one federation.RefusedHandshake, w worth, at time.Time) {
	one.Tame()
	one.Count, one.First, one.Last = 1, at.UTC(), at.UTC()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.version++
	if i := slices.IndexFunc(h.list, func(r rememberedHandshake) bool { return alike(r.RefusedHandshake, one) }); i >= 0 {
		one.Count, one.First = h.list[i].Count+1, h.list[i].First
		h.list = slices.Delete(h.list, i, i+1)
	} else {
		h.makeRoom(one)
	}
	h.list = append(h.list, rememberedHandshake{one, w})
	if len(h.list) > federation.HandshakesKept {
		least := h.least()
		h.forget(func(r rememberedHandshake) bool { return r.worth == least })
	}
}

// makeRoom forgets the oldest of a peer that has enough.
func (h *handshakes) makeRoom(one federation.RefusedHandshake) {
	ofPeer := func(r rememberedHandshake) bool {
		return r.Outbound == one.Outbound && r.Peer == one.Peer && r.Port == one.Port
	}
	n := 0
	for _, r := range h.list {
		if ofPeer(r) {
			n++
		}
	}
	if n >= federation.HandshakesPerPeer {
		h.forget(ofPeer)
	}
}

// forget removes the oldest of some.
func (h *handshakes) forget(of func(rememberedHandshake) bool) {
	if i := slices.IndexFunc(h.list, of); i >= 0 {
		h.list = slices.Delete(h.list, i, i+1)
	}
}

func (h *handshakes) least() worth {
	least := opened
	for _, r := range h.list {
		least = min(least, r.worth)
	}
	return least
}

// alike: the same peer failed in the same way. The sentences may differ in numbers and names.
func alike(a, b federation.RefusedHandshake) bool {
	return a.Outbound == b.Outbound && a.Peer == b.Peer && a.Port == b.Port && a.Subject == b.Subject && a.Fingerprint == b.Fingerprint &&
		a.Reason == b.Reason && a.Listener == b.Listener && a.Context == b.Context && (dated(a.Reason) || kind(a.Detail) == kind(b.Detail))
}

// dated: what such a certificate is told changes with the time that passes, and stays one failure.
func dated(reason string) bool {
	return reason == certs.ReasonExpired || reason == certs.ReasonNotYetValid
}

// varying is what sentences of one kind differ in: what a stranger wrote, quoted, and numbers.
var varying = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[0-9a-fA-F]*[0-9][0-9a-fA-F]*`)

// kind is what remains the same of a sentence. Most handshakes that fail have no reason but that: it keeps the one that
// tells something from a load balancer that only tries whether the port is open.
func kind(detail string) string { return varying.ReplaceAllString(detail, "") }

// untold is the list, the newest first, for a report; nil when the database has it already.
func (h *handshakes) untold(now time.Time) (list []federation.RefusedHandshake, version int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told == h.version && now.Sub(h.toldAt) < handshakesAgain {
		return nil, h.version
	}
	list = make([]federation.RefusedHandshake, 0, len(h.list))
	for _, r := range slices.Backward(h.list) {
		list = append(list, r.RefusedHandshake)
	}
	return list, h.version
}

// tell notes that the database has the list of that version.
func (h *handshakes) tell(version int64, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told, h.toldAt = version, at
}

// explain says why a handshake failed, in the words of the configuration in force, as the log, Warning headers and the
// page of refused handshakes all have it.
func (n *Node) explain(f proxy.FailedHandshake) *certs.PeerError {
	why := certs.Explain(f.Err, f.Peer != nil, n.contextOf(f))
	if a := n.current(); a != nil && why.Reason == certs.ReasonTLSOnTCP {
		why.Detail = speaksTLS(a.plan.listeners)
	}
	return why
}

// speaksTLS tells a peer that speaks TLS on a TCP listener where TLS is spoken.
func speaksTLS(listeners []transport.Listener) string {
	var ports []string
	for _, l := range listeners {
		if l.TLS != nil {
			ports = append(ports, fmt.Sprintf("%d (%q)", l.Addr.Port(), l.Name))
		}
	}
	const said = "the peer speaks TLS on a TCP listener; let it use "
	if len(ports) == 0 {
		return said + "TCP, or add a TLS listener."
	}
	return said + "the port of a listener that speaks TLS: " + strings.Join(ports, ", ") + ", or TCP."
}

// contextOf is the name of the TLS context that decided, "" for none.
func (n *Node) contextOf(f proxy.FailedHandshake) string {
	if f.Peer == nil {
		return federation.PeerAuthContext
	}
	if a := n.current(); a != nil {
		return a.contextOf(f.Peer)
	}
	return ""
}

// describe adds what is known of a certificate beside its subject.
func describe(h *federation.RefusedHandshake, leaf *x509.Certificate) {
	d := certs.Describe(leaf)
	h.Subject = cmp.Or(h.Subject, d.Subject)
	h.Issuer, h.Serial, h.Fingerprint, h.NotBefore, h.NotAfter = d.Issuer, d.Serial, d.Fingerprint, d.NotBefore, d.NotAfter
}

// handshakeFailed remembers what the proxy tells.
func (n *Node) handshakeFailed(f proxy.FailedHandshake) {
	why := n.explain(f)
	one := federation.RefusedHandshake{
		Subject: why.Subject, Verified: why.Reason == certs.ReasonNotListed, Reason: why.Reason, Detail: why.Detail, Context: n.contextOf(f),
	}
	if why.Leaf != nil {
		describe(&one, why.Leaf)
	} else if len(f.Shown) > 0 {
		// What refuses us comes after its own certificate was let in.
		describe(&one, f.Shown[0])
		one.Verified = why.Reason == certs.ReasonRefusedOurs
	}
	if f.Peer == nil {
		one.Outbound, one.Peer, one.Port, one.Address = true, f.Hop.Host, f.Hop.Port, f.Addr.String()
		w := opened
		if f.Hop.Host == "" { // where a peer wants its answers: it names the port, and may name a new one each time
			one.Peer, one.Port, w = f.Addr.Addr().String(), 0, known
		}
		n.handshakes.note(one, w, time.Now())
		return
	}
	one.Peer, one.Listener = f.Peer.Remote.Addr().String(), f.Peer.Listener
	w := stranger
	switch _, refused := errors.AsType[*transport.HandshakeRefusal](f.Err); {
	case f.Known:
		w = known
	case refused:
		w, one.Unlisted = unlisted, true
	}
	n.handshakes.note(one, w, time.Now())
}
