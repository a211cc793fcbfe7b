package certs

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"isthmus/internal/federation"
)

// Limits of a probe.
const (
	probeConnect   = 2 * time.Second
	probeHandshake = 3 * time.Second
	// probeVerdict is the time for a server with TLS 1.3 to refuse our certificate, of which its client hears only after the
	// handshake.
	probeVerdict = 500 * time.Millisecond
	// probeAddresses is how many addresses are tried before a host counts as unreachable: all of that together stays under
	// the time that a page has.
	probeAddresses = 3
)

// A Probe looks how a server of the Microsoft side does its part of a handshake, as the node would in its place.
type Probe struct {
	Snapshot federation.Snapshot
	Own      *tls.Certificate // shown to whoever asks; nil: none is
	Local    netip.Addr       // address to connect from; the zero Addr: any
	Now      func() time.Time
}

// A Probed is what a server showed. Nothing but a handshake was sent to it.
type Probed struct {
	Address   string     // IP:port that was connected to, or tried last
	Version   string     // such as TLS 1.2; "" when the handshake did not come so far
	Cipher    string     // IANA name
	Asked     bool       // the server asked for a client certificate
	Shown     bool       // and got the node's own
	Problem   string     // why no connection or handshake of the node comes about, whole sentence; "" when one does
	Beyond    bool       // the handshake needed a version or cipher that the TLS context leaves out
	Candidate *Candidate // of its certificate; nil when it showed none
}

// Run probes the first of the addresses that takes a connection. Failures are part of the answer.
func (p Probe) Run(ctx context.Context, addresses []netip.AddrPort) Probed {
	context := federation.NewTLSContext()
	if found := p.Snapshot.TLSContext(federation.PeerAuthContext); found != nil {
		context = *found
	}
	r, reason := p.one(ctx, addresses, context)
	if reason != ReasonNothing {
		return r
	}
	context.MinVersion, context.Ciphers = "1.0", everyCipher()
	answering, _ := netip.ParseAddrPort(r.Address) // it took a connection, so it is one of those given
	if all, _ := p.one(ctx, []netip.AddrPort{answering}, context); all.Version != "" {
		all.Problem, all.Beyond = r.Problem, true
		return all
	}
	return r
}

func everyCipher() []string {
	var names []string
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		names = append(names, suite.Name)
	}
	return names
}

// one tries a connection and a handshake by the rules of one context. reason is that of a failed handshake.
func (p Probe) one(ctx context.Context, addresses []netip.AddrPort, context federation.TLSContext) (r Probed, reason string) {
	conn, address, err := p.dial(ctx, addresses)
	r.Address = address
	if err != nil {
		r.Problem = unreachable(address, err)
		return r, ""
	}
	defer conn.Close()
	var chain []*x509.Certificate
	err = p.shake(ctx, conn, p.config(context, &r, &chain))
	if len(chain) > 0 {
		c := Judge(p.Snapshot, p.Now(), chain)
		r.Candidate = &c
	}
	switch {
	case err == nil:
		return r, ""
	case r.Asked && !r.Shown:
		r.Problem = "The peer demands a certificate, and this node has none to show; import one for it."
		return r, ReasonRefusedOurs
	}
	r.Problem, reason = sentence(err, context.Name), Reason(err)
	if reason == ReasonNothing && r.Version != "" { // version and cipher were agreed upon, so it was something else
		reason = ReasonHandshake
	}
	return r, reason
}

// dial connects from the node's address, as the SIP core does.
func (p Probe) dial(ctx context.Context, addresses []netip.AddrPort) (conn net.Conn, address string, err error) {
	err = errNoAddress
	for _, a := range addresses[:min(len(addresses), probeAddresses)] {
		d := net.Dialer{Timeout: probeConnect, KeepAlive: -1}
		if p.Local.IsValid() && p.Local.Is4() == a.Addr().Is4() {
			d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(p.Local, 0))
		}
		if conn, err = d.DialContext(ctx, "tcp", a.String()); err == nil {
			return conn, a.String(), nil
		}
		address = a.String()
	}
	return nil, address, err
}

var errNoAddress = errors.New("it has no address")

func unreachable(address string, err error) string {
	var timeout net.Error
	switch {
	case errors.Is(err, errNoAddress):
		return "Its name leads to no address; add it to the DNS, or see whether the DNS answers."
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("Nothing listens at %s; see whether the service runs there, and whether the port is right.", address)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("%s does not answer within %.0f seconds; see whether it is up, and whether a firewall lets this node's address through.", address, probeConnect.Seconds())
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "This node's own address is not on this machine, so nothing can be connected to from it; correct the address of the node."
	}
	return fmt.Sprintf("%s cannot be reached (%s); see whether the network leads there.", address, clipError(err.Error()))
}

// config completes any handshake, so that all of it can be seen; what is wrong with the certificate is judged afterwards.
func (p Probe) config(context federation.TLSContext, r *Probed, chain *[]*x509.Certificate) *tls.Config {
	config := (&Configs{own: p.Own, now: p.Now}).base(context)
	config.InsecureSkipVerify = true
	config.VerifyConnection = func(state tls.ConnectionState) error {
		r.Version, r.Cipher, *chain = tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite), state.PeerCertificates
		return nil
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		r.Asked, r.Shown = true, p.Own != nil
		return cmp.Or(p.Own, &tls.Certificate{}), nil
	}
	return config
}

func (p Probe) shake(ctx context.Context, conn net.Conn, config *tls.Config) error {
	deadline := time.Now().Add(probeHandshake)
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	client := tls.Client(conn, config)
	if err := client.HandshakeContext(ctx); err != nil {
		return err
	}
	defer client.Close()
	if client.ConnectionState().Version < tls.VersionTLS13 {
		return nil
	}
	if err := conn.SetReadDeadline(time.Now().Add(probeVerdict)); err != nil {
		return err
	}
	// Only an alert says anything here: a server of SIP waits, and one that hangs up at once has refused nothing.
	_, err := client.Read(make([]byte, 1))
	if Reason(err) == ReasonRefusedOurs || errors.Is(err, syscall.ECONNRESET) {
		return err
	}
	return nil
}
