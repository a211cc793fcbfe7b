package transport

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"time"

	"isthmus/internal/sip"
)

// Peer is who is at the other end of a connection, by what the connection itself shows and never by a header.
type Peer struct {
	Remote, Local netip.AddrPort // IPv4 addresses as such, not mapped into IPv6
	Transport     sip.Transport
	Listener      string // name of the listener that accepted; "" on a connection that this node opened
	ListenerPort  int
	VerifyClient  bool                // that listener's
	Subject       string              // CN of the peer's verified certificate, "" without one
	Certificates  []*x509.Certificate // as presented, the peer's own first
	Version       uint16              // of TLS, as crypto/tls numbers them; zero over TCP and UDP
	Cipher        uint16              // suite, likewise
	Opened        bool                // this node opened the connection
	Target        Target              // of a connection that this node opened
	Since         time.Time           // when its TLS handshake had succeeded; zero over TCP and UDP
}

// Target is where Dial connects to. Connections are shared between equal Addr, Transport, Name and TLSKey.
type Target struct {
	Addr      netip.AddrPort
	Transport sip.Transport
	Name      string        // the identity that is expected there
	Host      string        // as configured, "" for who is none of the configuration; the first one's where a connection is shared
	TLS       *tls.Config   // for TLS only
	TLSKey    string        // changes when TLS does
	Connect   time.Duration // how long the TCP connect may take; 0: as Limits has it
	// Subject reads the verified CN from a completed handshake; nil: the CN of the chain that crypto/tls verified.
	Subject func(tls.ConnectionState) string
}

func addrPort(a net.Addr) netip.AddrPort {
	known, ok := a.(interface{ AddrPort() netip.AddrPort }) // of TCP and of UDP
	if !ok {
		return netip.AddrPort{}
	}
	ap := known.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// identify fills in what the handshake showed.
func (p *Peer) identify(state tls.ConnectionState, subject func(tls.ConnectionState) string) {
	if subject == nil {
		subject = commonName
	}
	p.Subject, p.Certificates, p.Since = subject(state), state.PeerCertificates, time.Now()
	p.Version, p.Cipher = state.Version, state.CipherSuite
}
