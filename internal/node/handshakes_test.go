package node

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/proxy"
	"isthmus/internal/routing"
	"isthmus/internal/sip/transport"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// from is a failed handshake of a peer.
func from(peer, reason string) federation.RefusedHandshake {
	return federation.RefusedHandshake{Peer: peer, Reason: reason, Detail: "as the test says."}
}

// list is what is remembered, the newest first.
func (h *handshakes) remembered() (list []string) {
	all, _ := h.untold(noon.Add(24 * time.Hour))
	for _, r := range all {
		list = append(list, fmt.Sprintf("%s %s %d", r.Peer, r.Reason, r.Count))
	}
	return list
}

func TestFailuresThatAreAlikeAreCounted(t *testing.T) {
	var h handshakes
	h.note(from("a", "x"), stranger, noon)
	h.note(from("b", "x"), stranger, noon.Add(time.Second))
	h.note(from("a", "y"), stranger, noon.Add(2*time.Second))
	h.note(from("a", "x"), stranger, noon.Add(3*time.Second))
	if got := h.remembered(); !slices.Equal(got, []string{"a x 2", "a y 1", "b x 1"}) {
		t.Errorf("remembered are %q", got)
	}
	all, _ := h.untold(noon)
	if !all[0].First.Equal(noon) || !all[0].Last.Equal(noon.Add(3*time.Second)) {
		t.Errorf("from %v to %v", all[0].First, all[0].Last)
	}
}

func TestFailuresThatDifferInOneRespectAreKeptApart(t *testing.T) {
	whole := federation.RefusedHandshake{Outbound: true, Peer: "fe1", Port: 5061, Subject: "pool", Fingerprint: "aa", Reason: "x", Listener: "TLS", Context: "c", Detail: "it ended."}
	for respect, edit := range map[string]func(*federation.RefusedHandshake){
		"direction": func(h *federation.RefusedHandshake) { h.Outbound = false }, "peer": func(h *federation.RefusedHandshake) { h.Peer = "fe2" },
		"port": func(h *federation.RefusedHandshake) { h.Port = 5062 }, "subject": func(h *federation.RefusedHandshake) { h.Subject = "other" },
		"certificate": func(h *federation.RefusedHandshake) { h.Fingerprint = "bb" }, "reason": func(h *federation.RefusedHandshake) { h.Reason = "y" },
		"listener": func(h *federation.RefusedHandshake) { h.Listener = "Lab" }, "context": func(h *federation.RefusedHandshake) { h.Context = "d" },
	} {
		var h handshakes
		other := whole
		edit(&other)
		for _, one := range []federation.RefusedHandshake{whole, other, whole} {
			h.note(one, opened, noon)
		}
		if all, _ := h.untold(noon); len(all) != 2 || all[0].Count != 2 {
			t.Errorf("two that differ in their %s are remembered as %+v", respect, all)
		}
	}
}

func TestAServersPortsAndWhatItOpensHaveTheirOwnPlaces(t *testing.T) {
	var h handshakes
	note := func(outbound bool, port, n int) {
		for i := range n {
			one := from("fe1", fmt.Sprint("x", i))
			one.Outbound, one.Port = outbound, port
			h.note(one, opened, noon)
		}
	}
	note(true, 5061, 1)
	note(true, 5062, federation.HandshakesPerPeer+1)
	note(false, 5061, federation.HandshakesPerPeer+1)
	if n := len(h.remembered()); n != 1+2*federation.HandshakesPerPeer {
		t.Errorf("%d are remembered: %q", n, h.remembered())
	}
}

// Two CAs may vouch for one name, and which of them did is what the reader has to compare.
func TestCertificatesOfOneNameAreKeptApart(t *testing.T) {
	var h handshakes
	for i, fingerprint := range []string{"aa", "bb", "aa"} {
		one := from("a", "x")
		one.Subject, one.Fingerprint = "fe1", fingerprint
		h.note(one, stranger, noon.Add(time.Duration(i)*time.Second))
	}
	if got := h.remembered(); !slices.Equal(got, []string{"a x 2", "a x 1"}) {
		t.Errorf("remembered are %q", got)
	}
}

// Whoever only opens the port and closes it does so again and again, and is not what the reader looks for.
func TestFailuresWithoutAReasonAreKeptApartByWhatTheySay(t *testing.T) {
	var h handshakes
	for i, detail := range []string{
		"the peer does not speak TLS.", "the peer did not complete the handshake in time.", "it ended with: a message of 4718592 bytes.",
		"the peer closed the connection.", "it ended with: a message of 17 bytes.", "the peer closed the connection.", `it is "a\"1".`, `it is "b".`,
	} {
		one := from("a", certs.ReasonHandshake)
		one.Detail = detail
		h.note(one, stranger, noon.Add(time.Duration(i)*time.Second))
	}
	all, _ := h.untold(noon)
	var got []string
	for _, r := range all {
		got = append(got, fmt.Sprint(r.Detail, r.Count))
	}
	want := []string{`it is "b".2`, "the peer closed the connection.2", "it ended with: a message of 17 bytes.2",
		"the peer did not complete the handshake in time.1", "the peer does not speak TLS.1"}
	if !slices.Equal(got, want) {
		t.Errorf("remembered are %q, want %q", got, want)
	}
}

// An hour after its end a certificate is told otherwise, and is the same.
func TestACertificateOfTheWrongTimeStaysOneFailure(t *testing.T) {
	for _, reason := range []string{certs.ReasonExpired, certs.ReasonNotYetValid} {
		var h handshakes
		for _, detail := range []string{"it expired on 2026-03-04; renew it.", "it expired on 2026-03-04, less than an hour ago; renew it."} {
			one := from("a", reason)
			one.Detail = detail
			h.note(one, stranger, noon)
		}
		if got := h.remembered(); len(got) != 1 {
			t.Errorf("remembered are %q", got)
		}
	}
}

func TestAFloodOfStrangersFillsNoMemoryAndHidesNobodyWhoIsKnown(t *testing.T) {
	var h handshakes
	hop := from("hop", "x")
	hop.Outbound = true
	h.note(hop, opened, noon)
	h.note(from("front end", "x"), known, noon)
	for i := range 10_000 {
		one := from(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), "x")
		one.Subject = strings.Repeat("\x00", 64<<10)
		h.note(one, stranger, noon.Add(time.Duration(i)))
	}
	got := h.remembered()
	if len(got) != federation.HandshakesKept || len(h.list) != federation.HandshakesKept || cap(h.list) > 2*federation.HandshakesKept {
		t.Fatalf("%d are remembered in room for %d", len(got), cap(h.list))
	}
	if got[0] != "10.0.39.15 x 1" || !slices.Contains(got, "hop x 1") || !slices.Contains(got, "front end x 1") {
		t.Errorf("remembered are %q and so on to %q", got[0], got[len(got)-2:])
	}
	all, _ := h.untold(noon)
	if n := len(all[0].Subject); n > 2000 {
		t.Errorf("a subject takes %d bytes", n)
	}
}

// What is refused before it begins costs a stranger nothing, so that there may be more of it than of all else.
func TestAFloodThatIsRefusedHidesNoStrangerThatFailed(t *testing.T) {
	var n Node
	failed := func(i int, err error) {
		a := netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)})
		n.handshakeFailed(proxy.FailedHandshake{Peer: &transport.Peer{Remote: netip.AddrPortFrom(a, 2000), Listener: "Lab"}, Err: err})
	}
	failed(0, errors.New("x"))
	for i := range 2 * federation.HandshakesKept {
		failed(1+i, transport.ErrHandshakeCut)
	}
	failed(2*federation.HandshakesKept, transport.ErrHandshakeCut)
	all, _ := n.handshakes.untold(noon)
	if last := all[len(all)-1]; len(all) != federation.HandshakesKept || last.Peer != "10.9.0.0" || last.Unlisted {
		t.Errorf("%d are remembered, the oldest %+v", len(all), last)
	}
	if !all[0].Unlisted || all[0].Count != 2 || all[0].Reason != transport.ErrHandshakeCut.Reason {
		t.Errorf("the newest is %+v", all[0])
	}
}

func TestAKnownPeerThatFailedIsRememberedAsOne(t *testing.T) {
	var n Node
	failed := func(i int, isKnown bool) {
		a := netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)})
		n.handshakeFailed(proxy.FailedHandshake{Peer: &transport.Peer{Remote: netip.AddrPortFrom(a, 2000), Listener: "Lab"}, Known: isKnown, Err: errors.New("x")})
	}
	failed(0, true)
	for i := range 2 * federation.HandshakesKept {
		failed(1+i, false)
	}
	if all, _ := n.handshakes.untold(noon); all[len(all)-1].Peer != "10.9.0.0" {
		t.Errorf("strangers hide it: the oldest is %+v", all[len(all)-1])
	}
}

func TestKnownPeersGiveWayToHopsAndToEachOther(t *testing.T) {
	var h handshakes
	h.note(from("hop", "x"), opened, noon)
	for i := range 300 {
		h.note(from(fmt.Sprint("front end ", i), "x"), known, noon)
	}
	h.note(from("stranger", "x"), stranger, noon)
	got := h.remembered()
	if len(got) != federation.HandshakesKept || got[0] != "front end 299 x 1" || got[len(got)-1] != "hop x 1" || got[len(got)-2] != "front end 101 x 1" {
		t.Errorf("%d are remembered, from %s to %q", len(got), got[0], got[len(got)-2:])
	}
}

// A peer names in its Via where it wants its answers: as many ports as it likes.
func TestPortsThatAPeerNamesPushNoHopOut(t *testing.T) {
	var n Node
	n.handshakeFailed(proxy.FailedHandshake{Hop: &routing.Hop{Host: "fe1", Port: 5061}, Addr: netip.MustParseAddrPort("10.1.20.21:5061"), Err: errors.New("x")})
	for port := range uint16(2 * federation.HandshakesKept) {
		n.handshakeFailed(proxy.FailedHandshake{Hop: &routing.Hop{}, Addr: netip.AddrPortFrom(netip.MustParseAddr("10.1.20.99"), 2000+port), Err: errors.New("x")})
	}
	got := n.handshakes.remembered()
	if len(got) != 2 || !strings.HasPrefix(got[0], "10.1.20.99 ") || !strings.HasPrefix(got[1], "fe1 ") {
		t.Errorf("remembered are %q", got)
	}
}

func TestOnePeerHoldsAFewPlacesOnly(t *testing.T) {
	var h handshakes
	h.note(from("other", "x"), stranger, noon)
	for i := range 1000 {
		one := from("liar", "x")
		one.Subject = fmt.Sprint(i)
		h.note(one, stranger, noon)
	}
	if got := h.remembered(); len(got) != federation.HandshakesPerPeer+1 || got[federation.HandshakesPerPeer] != "other x 1" {
		t.Errorf("remembered are %q", got)
	}
}

func TestAListIsToldWhenItChangedAndNowAndThen(t *testing.T) {
	var h handshakes
	list, version := h.untold(noon)
	if list == nil || len(list) != 0 {
		t.Errorf("the first report tells %v; it has to end what an earlier process told", list)
	}
	h.tell(version, noon)
	if list, _ := h.untold(noon.Add(time.Second)); list != nil {
		t.Errorf("told again: %v", list)
	}
	h.note(from("a", "x"), stranger, noon)
	list, version = h.untold(noon.Add(time.Second))
	h.note(from("a", "x"), stranger, noon) // while that is on its way
	h.tell(version, noon.Add(time.Second))
	if again, _ := h.untold(noon.Add(time.Second)); len(list) != 1 || len(again) != 1 || again[0].Count != 2 {
		t.Errorf("told %v, then %v", list, again)
	}
	h.tell(version+1, noon.Add(time.Second))
	if list, _ := h.untold(noon.Add(time.Second + handshakesAgain)); len(list) != 1 {
		t.Errorf("a minute later %v is told; the database may have gone back", list)
	}
}
