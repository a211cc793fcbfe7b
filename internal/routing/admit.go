package routing

import (
	"fmt"
	"net/netip"
	"strings"
)

// Literal reasons that administrators look for in logs.
const (
	LogNotTrusted    = "ACL - upstream not trusted"
	LogSlowDNS       = "incoming ACL check took over 2 seconds - check DNS"
	LogSubject       = "TLS peer subject not listed"
	LogLoop          = "loop detected"
	LogNoStaticRoute = "no static route"
)

// A Peer is the other end of a connection: what the network and TLS say of it, never what its headers say.
type Peer struct {
	Addr         netip.Addr
	UDP, TLS     bool
	Listener     string // that accepted the connection, "" on one that this node opened
	VerifyClient bool   // that listener demands certificates
	Subject      string // Common Name of the verified certificate, "" for none
	OpenedTo     string // of a connection that this node opened: a hop's Identity

	Names []string // that DNS confirms for the address, in lower case; needed while NeedsNames says so
	Doubt Doubt    // why there may be more of them
}

// A Doubt is why DNS has not said all about an address.
type Doubt uint8

// Doubts.
const (
	NoDoubt Doubt = iota
	SlowDNS       // it took over 2 s
	NoDNS         // it brought no answer, or could not be asked
)

// Opened reports whether this node opened the connection.
func (p Peer) Opened() bool { return p.OpenedTo != "" }

// A Verdict says whether a peer may send requests.
type Verdict struct {
	Allowed  bool
	Internal bool   // the peer is a node or a connector; its request may carry the side that it had at another node
	Status   int    // of the refusal
	Log      string // literal reason for the log
	Reason   string // whole sentence
	Warning  string // text of the Warning header
	Ban      bool   // a refusal that counts toward closing the address at accept
}

// Admit judges a connection. It is asked for every request, in a dialog or not, since a To tag is only what the peer
// wrote there.
func (p *Policy) Admit(peer Peer) Verdict {
	switch {
	case p.internal(peer):
		return Verdict{Allowed: true, Internal: true}
	case peer.VerifyClient && !p.lists(peer):
		return refusal(LogSubject, fmt.Sprintf("%s: %s", LogSubject, peer.Subject),
			"The TLS peer subject %q is not listed for the listener %q; add it to TLS peer subjects and to the listener's TLS context.", peer.Subject, peer.Listener)
	case !p.acl.admits(peer.Addr) && !p.acl.admitsNamed(peer):
		return notTrusted(peer)
	case p.requireCertificate && !certified(peer):
		const text = "requests from outside need a client certificate"
		return refusal(text, text, "%s sent a request without a client certificate, which the settings demand; use a TLS listener that verifies clients.", peer.Addr.Unmap())
	}
	return Verdict{Allowed: true}
}

// notTrusted refuses by the incoming ACL. A refusal that another answer of DNS might have spared leads to no ban.
func notTrusted(peer Peer) Verdict {
	addr := peer.Addr.Unmap()
	warning := fmt.Sprintf("%s: %s", LogNotTrusted, addr)
	switch peer.Doubt {
	case SlowDNS:
		return Verdict{Status: 403, Log: LogSlowDNS, Reason: LogSlowDNS, Warning: LogSlowDNS}
	case NoDNS:
		return refusal(LogNotTrusted, warning, "The incoming ACL does not list the address %s, and DNS gave no answer about its name; check DNS, or add the address there.", addr)
	}
	v := refusal(LogNotTrusted, warning, "The incoming ACL does not list %s; add the address there if it belongs to the Microsoft side.", addr)
	v.Ban = true
	return v
}

func refusal(log, warning, format string, args ...any) Verdict {
	return Verdict{Status: 403, Log: log, Warning: warning, Reason: fmt.Sprintf(format, args...)}
}

// internal reports whether a connection is a node's or a connector's. UDP never is: its source address proves nothing.
func (p *Policy) internal(peer Peer) bool {
	if peer.Opened() {
		return p.openedInside(peer)
	}
	n := p.addresses[peer.Addr.Unmap()]
	switch {
	case n == nil || peer.UDP:
		return false
	case peer.TLS:
		return strings.EqualFold(peer.Subject, n.Name)
	}
	return true
}

func (p *Policy) openedInside(peer Peer) bool {
	kind, name, _ := strings.Cut(peer.OpenedTo, ":")
	n := p.nodes[name]
	if n == nil {
		return false
	}
	addr := n.address
	if kind == "connector" {
		addr = n.connector.Addr()
	}
	return addr == peer.Addr.Unmap()
}

// lists reports whether the peer's subject may use its listener. A listener that is configured no more is judged by
// the context that holds the subjects of next hops.
func (p *Policy) lists(peer Peer) bool {
	list, ok := p.subjects[peer.Listener]
	if !ok {
		list = p.peerAuth
	}
	return list[strings.ToLower(peer.Subject)]
}

// certified: on a TLS connection that this node opened, the certificate was verified at opening.
func certified(peer Peer) bool {
	return peer.VerifyClient || peer.Opened() && peer.TLS
}

// Lists reports whether the incoming ACL admits an address by itself, or a node has it.
func (p *Policy) Lists(addr netip.Addr) bool {
	return p.addresses[addr.Unmap()] != nil || p.acl.admits(addr)
}

// ListsNamed reports whether the incoming ACL admits an address by the names that DNS confirms for it.
func (p *Policy) ListsNamed(names []string) bool { return p.acl.admitsNamed(Peer{Names: names}) }

// NeedsNames reports whether the names that DNS confirms for a peer can change the verdict on it.
func (p *Policy) NeedsNames(peer Peer) bool {
	return len(p.acl.names) > 0 && !p.acl.admits(peer.Addr) && !p.internal(peer) &&
		(!peer.VerifyClient || p.lists(peer)) && !p.acl.admitsNamed(peer)
}

// ACLNames are the entries of the incoming ACL that are names. Their addresses have to be known to say a peer's names.
func (p *Policy) ACLNames() []string { return p.acl.names }
