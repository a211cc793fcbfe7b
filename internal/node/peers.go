package node

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/sip/transport"
)

const (
	peersKept  = 512         // certificates; who has a good one may come from any number of addresses
	peersAgain = time.Hour   // until the database is told that a peer still shows the same
	peersRead  = time.Minute // until the node reads again what others saw
)

// peers are the certificates that peers show: those of this node's handshakes until the database has them, and those of
// all nodes and probes as the database has them. Only certificates that were found good are among the first.
type peers struct {
	mu     sync.Mutex
	seen   map[peerKey]seenPeer
	known  []federation.PeerCertificate
	readAt time.Time // of known; zero: it is to be read

	watched   []federation.PeerCertificate // of known
	watchedIn *federation.Snapshot         // the configuration by which; nil: by none
}

type peerKey struct{ address, name string }

type seenPeer struct {
	federation.PeerCertificate
	told time.Time // when what the database has was seen; zero: it has something else
}

func keyOf(p federation.PeerCertificate) peerKey { return peerKey{p.Address, p.CommonName} }

// note remembers what a peer showed in the place of what it showed before. Connections that are older than its renewal
// change nothing when they are judged again.
func (s *peers) note(one federation.PeerCertificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[peerKey]seenPeer{}
	}
	before := s.seen[keyOf(one)]
	if one.SeenAt.Before(before.SeenAt) {
		return
	}
	one.Host = cmp.Or(one.Host, before.Host)
	now := seenPeer{PeerCertificate: one}
	if before.Fingerprint == one.Fingerprint {
		now.told = before.told
	}
	s.seen[keyOf(one)] = now
	if len(s.seen) > peersKept {
		s.forget()
	}
}

// forget makes room: what was seen longest ago goes, and who connected before whom this node connects to.
func (s *peers) forget() {
	var oldest *seenPeer
	for _, p := range s.seen {
		if oldest == nil || cmp.Or(compare(p.Source == federation.SeenOpening, oldest.Source == federation.SeenOpening), p.SeenAt.Compare(oldest.SeenAt)) < 0 {
			oldest = &p
		}
	}
	delete(s.seen, keyOf(oldest.PeerCertificate))
}

// compare puts false before true.
func compare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// untold are those that the database does not have, or has not heard of for long.
func (s *peers) untold() (list []federation.PeerCertificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.seen {
		if p.SeenAt.Sub(p.told) >= peersAgain {
			list = append(list, p.PeerCertificate)
		}
	}
	return list
}

// tell notes that the database has them, and is to be read again.
func (s *peers) tell(list []federation.PeerCertificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range list {
		if now, ok := s.seen[keyOf(p)]; ok && now.Fingerprint == p.Fingerprint {
			now.told = p.SeenAt
			s.seen[keyOf(p)] = now
		}
	}
	if len(list) > 0 {
		s.readAt = time.Time{}
	}
}

// due reports whether it is time to read the database again.
func (s *peers) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Sub(s.readAt) >= peersRead
}

func (s *peers) have(known []federation.PeerCertificate, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.readAt, s.watchedIn = known, at, nil
}

// of are the known ones that matter to a configuration.
func (s *peers) of(snapshot *federation.Snapshot) []federation.PeerCertificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watchedIn != snapshot {
		s.watched, s.watchedIn = snapshot.Watched(s.known), snapshot
	}
	return s.watched
}

// readPeers learns what other nodes and probes saw. Without the database what was read last stays.
func (n *Node) readPeers(ctx context.Context, now time.Time) error {
	if n.config.Peers == nil || !n.peers.due(now) {
		return nil
	}
	known, err := n.config.Peers(ctx)
	if err != nil {
		return fmt.Errorf("read the peers' certificates: %w", err)
	}
	n.peers.have(known, now)
	return nil
}

// certified remembers the certificate of a peer that was just found good, as of its handshake. Those of other nodes are watched as their own.
func (n *Node) certified(p *transport.Peer, in *federation.Snapshot) {
	if len(p.Certificates) == 0 {
		return
	}
	one := certs.Describe(p.Certificates[0]).Peer()
	if in.Node(one.CommonName) != nil {
		return
	}
	one.Address, one.Host, one.Verified, one.SeenAt, one.Node = p.Remote.Addr().String(), p.Target.Host, true, p.Since.UTC(), n.config.Name
	one.Source = federation.SeenAccepting
	if p.Opened && one.Host != "" { // one without is where a peer that connected wants its answers
		one.Source = federation.SeenOpening
	}
	n.peers.note(one)
}
