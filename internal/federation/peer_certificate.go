package federation

import (
	"net/netip"
	"slices"
	"time"
)

// Where the certificate of a peer was seen.
const (
	SeenProbing   = "probe"    // an administrator had a node look
	SeenOpening   = "opened"   // in the handshake of a connection that a node opened
	SeenAccepting = "accepted" // in that of a connection that a node accepted
)

// A PeerCertificate is the certificate that a server of the Microsoft side showed when it was seen last. One server is an
// address and a Common Name: a pool's name stands on all of its front ends, and what a renewed one shows takes the place of
// what it showed before.
type PeerCertificate struct {
	Address     string    `json:"address"`     // IP address
	CommonName  string    `json:"common_name"` // in lower case; without one the whole subject, else the first of its other names, else "no subject"
	Host        string    `json:"host"`        // next hop or server as configured, "" when it was only seen connecting here
	Source      string    `json:"source"`      // SeenProbing, SeenOpening or SeenAccepting
	Verified    bool      `json:"verified"`    // its chain was trusted; always so in a handshake
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"`      // hexadecimal octets, such as ab:01
	Fingerprint string    `json:"fingerprint"` // SHA-256 of its DER, lower-case hexadecimal
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	SeenAt      time.Time `json:"seen_at"`
	Node        string    `json:"node"` // that saw it
}

// PeerMemory is how long a peer that was not seen again is remembered.
const PeerMemory = 90 * 24 * time.Hour

// Tame makes what a peer wrote into its certificate fit to be stored and shown, as with refused handshakes.
func (p *PeerCertificate) Tame() {
	p.CommonName, p.Issuer, p.Serial = tame(p.CommonName, subjectLimit), tame(p.Issuer, subjectLimit), tame(p.Serial, subjectLimit)
	p.NotBefore, p.NotAfter = TameDate(p.NotBefore), TameDate(p.NotAfter)
}

// PlacesOf returns a function that finds the port where a peer can be probed; it finds nil for a peer that the configuration
// does not name any more.
func (s *Snapshot) PlacesOf() func(PeerCertificate) *Place {
	byHost, byAddress := map[string]*Place{}, map[netip.Addr]*Place{}
	for _, at := range slices.Backward(s.Places()) { // of several, the first stays
		byHost[at.Host] = &at
		for _, text := range append([]string{at.Host}, at.Addresses...) {
			if a, err := ParseAddress(text); err == nil {
				byAddress[a] = &at
			}
		}
	}
	return func(p PeerCertificate) *Place {
		if at := byHost[p.Host]; at != nil {
			return at
		}
		address, _ := ParseAddress(p.Address)
		return byAddress[address]
	}
}

// Watched are those of the peers whose certificates matter to the configuration of today: servers that are connected to,
// and who was let in by a subject that is listed still.
func (s *Snapshot) Watched(peers []PeerCertificate) []PeerCertificate {
	var watched []PeerCertificate
	placeOf := s.PlacesOf()
	for _, p := range peers {
		if placeOf(p) != nil || p.Source == SeenAccepting && s.HasPeerSubject(p.CommonName) {
			watched = append(watched, p)
		}
	}
	return watched
}
