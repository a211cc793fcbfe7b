package certs

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"isthmus/internal/federation"
)

var versions = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// defaultCiphers are offered by a context that lists none. RSA key exchange and CBC are among them because Lync offers no
// elliptic curves (guide p.58); crypto/tls itself prefers the better ones whatever the order.
var defaultCiphers = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA,
}

// legacyCiphers join them while TLS 1.0 or 1.1 is allowed, for OCS on old versions of Windows.
var legacyCiphers = []uint16{tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}

// ciphers are the cipher suites of a context for TLS 1.0 to 1.2; those of TLS 1.3 are fixed.
func ciphers(context federation.TLSContext) []uint16 {
	if len(context.Ciphers) > 0 {
		return byName(context.Ciphers)
	}
	if versions[context.MinVersion] < tls.VersionTLS12 {
		return slices.Concat(defaultCiphers, legacyCiphers)
	}
	return defaultCiphers
}

func byName(names []string) []uint16 {
	var ids []uint16
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if slices.Contains(names, suite.Name) {
			ids = append(ids, suite.ID)
		}
	}
	return ids
}

// base is what every configuration of a context has in common.
func (c *Configs) base(context federation.TLSContext) *tls.Config {
	config := &tls.Config{MinVersion: versions[context.MinVersion], CipherSuites: ciphers(context), Time: c.now}
	if c.own != nil {
		config.Certificates = []tls.Certificate{*c.own}
	}
	return config
}

// offer is the part of a key that stands for base.
func offer(context federation.TLSContext) []string {
	return append([]string{context.MinVersion}, slices.Sorted(slices.Values(context.Ciphers))...)
}

// server is the configuration of listeners with this context. Where clients are verified there are no session tickets: a
// resumed session would carry a verdict of yesterday, and peers are few and stay connected for long.
func (c *Configs) server(context federation.TLSContext, nodes []federation.Node) config {
	base := c.base(context)
	if !context.VerifyClient {
		return config{tls: base, key: c.key("server", context.Name, offer(context)), context: context.Name, chain: acceptAll}
	}
	names := setOf(context.PeerSubjects)
	subjects := c.verifier(x509.ExtKeyUsageClientAuth, onlyCommonName(names, context.Name))
	byNode, places := c.nodeVerifiers(context, names, nodes)
	base.ClientAuth, base.SessionTicketsDisabled, base.VerifyConnection = tls.RequireAnyClientCert, true, subjects.connection
	base.GetConfigForClient = perAddress(base.Clone(), byNode)
	return config{
		tls: base, key: c.key("server", context.Name, offer(context), slices.Sorted(maps.Keys(names)), places),
		context: context.Name,
		chain: func(remote netip.Addr, chain []*x509.Certificate) (time.Time, error) {
			if v, ok := byNode[remote.Unmap()]; ok {
				return v.chain(chain)
			}
			return subjects.chain(chain)
		},
	}
}

func acceptAll(netip.Addr, []*x509.Certificate) (until time.Time, err error) { return until, nil }

func setOf(names []string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
}

// nodeVerifiers let a node in by its own name, and only from its own address: there is no need to list the cluster's
// nodes as peers. places is their part of the key.
func (c *Configs) nodeVerifiers(context federation.TLSContext, names map[string]bool, nodes []federation.Node) (byNode map[netip.Addr]verifier, places []string) {
	byNode = map[netip.Addr]verifier{}
	for _, n := range nodes {
		address, _ := federation.ParseAddress(n.Address) // a node is not saved without one
		with := maps.Clone(names)
		with[n.Name] = true
		byNode[address] = c.verifier(x509.ExtKeyUsageClientAuth, onlyCommonName(with, context.Name))
		places = append(places, address.String()+" "+n.Name)
	}
	slices.Sort(places)
	return byNode, places
}

// perAddress chooses the configuration by the address that a client comes from. Only the verdict differs.
func perAddress(base *tls.Config, verifiers map[netip.Addr]verifier) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	configs := map[netip.Addr]*tls.Config{}
	for address, v := range verifiers {
		configs[address] = base.Clone()
		configs[address].VerifyConnection = v.connection
	}
	return func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		remote, _ := hello.Conn.RemoteAddr().(*net.TCPAddr)
		return configs[remote.AddrPort().Addr().Unmap()], nil // nil: the configuration that asked
	}
}

// compileClients makes the configurations of connections that this node opens, by the rules of the peer-auth context.
func (c *Configs) compileClients(context federation.TLSContext, nodes []federation.Node) {
	names := setOf(context.PeerSubjects)
	hops := c.verifier(x509.ExtKeyUsageServerAuth, commonNameOrSAN(names, context.Name))
	c.hop = c.client(context, hops, "hop", slices.Sorted(maps.Keys(names)))
	for _, n := range nodes {
		c.nodes[n.Name] = c.client(context, c.verifier(x509.ExtKeyUsageServerAuth, onlyNode(n.Name)), "node", n.Name)
	}
}

// client shows the node's certificate to whoever asks, even when the CAs that the server names are others, so that it is
// the server's log that says whom it does not trust. crypto/tls would check the name that was dialled, which for a next
// hop is an address: our own check replaces it.
func (c *Configs) client(context federation.TLSContext, v verifier, parts ...any) config {
	base := c.base(context)
	base.InsecureSkipVerify, base.VerifyConnection = true, v.connection
	base.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.own, nil }
	return config{
		tls: base, key: c.key("client", offer(context), parts),
		context: context.Name,
		chain:   func(_ netip.Addr, chain []*x509.Certificate) (time.Time, error) { return v.chain(chain) },
	}
}

// Console is the configuration of the web console: TLS 1.2 or better with crypto/tls's own choice of ciphers, whatever
// the SIP contexts allow. own is asked for at each handshake, so that an imported certificate is shown at once.
func Console(own func() (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return own() },
	}
}
