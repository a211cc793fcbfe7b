package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"isthmus/internal/federation"
)

// Configs are the TLS configurations that one node needs, made from one snapshot. Each comes with a key, which changes
// exactly when something in the configuration did: who holds a key already may keep what it has.
type Configs struct {
	own         *tls.Certificate
	ownErr      error // why there is no own certificate, a whole sentence
	trusted     *x509.CertPool
	authorities []*x509.Certificate // the same
	now         func() time.Time
	identity    string            // part of every key: own certificate and trusted CAs
	contexts    map[string]config // by name of the TLS context
	hop         config
	nodes       map[string]config // to each node, by name
}

type config struct {
	tls     *tls.Config
	key     string
	context string // whose versions and ciphers these are
	chain   func(remote netip.Addr, chain []*x509.Certificate) (until time.Time, err error)
}

// recheck judges an open connection as its handshake would be judged today.
func (c config) recheck(remote netip.Addr, s Session) (until time.Time, err error) {
	if err := forbidden(s, c.tls, c.context); err != nil {
		return until, err
	}
	return c.chain(remote, s.Chain)
}

// Compile makes the configurations of a node. It does not fail: without a usable certificate of its own, each of them
// comes with the reason instead, and the rest of the snapshot can still be applied. Peers that are connected are judged
// all the same: about them the own certificate says nothing. now is the clock that certificates
// are checked against.
func Compile(s federation.Snapshot, node string, k *Key, now func() time.Time) *Configs {
	trusted := authorities(s.Certificates)
	c := &Configs{trusted: poolOf(trusted), authorities: trusted, now: now, contexts: map[string]config{}, nodes: map[string]config{}}
	entry := s.Own(node)
	if entry == nil {
		c.ownErr = federation.Refuse("The node %s has no certificate; import one with isthmus cert import --purpose cup.", node)
	} else if c.own, c.ownErr = Unseal(k, *entry); c.ownErr == nil {
		c.identity = identity(s, *entry)
	}
	for _, context := range s.TLSContexts {
		c.contexts[context.Name] = c.server(context, s.Nodes)
	}
	if context := s.TLSContext(federation.PeerAuthContext); context != nil {
		c.compileClients(*context, s.Nodes)
	}
	return c
}

func identity(s federation.Snapshot, own federation.Certificate) string {
	parts := []string{}
	for _, entry := range s.Certificates {
		if entry.Purpose == federation.PurposeTrust {
			parts = append(parts, entry.Fingerprint)
		}
	}
	slices.Sort(parts)
	// The chain belongs to the identity: one certificate imported twice may come with other issuers.
	chain := sha256.Sum256(own.Chain)
	return strings.Join(append(parts, own.Fingerprint, hex.EncodeToString(chain[:])), " ")
}

// Listener is the configuration of a listener with this TLS context.
func (c *Configs) Listener(context string) (*tls.Config, string, error) {
	if c.ownErr != nil {
		return nil, "", c.ownErr
	}
	found, ok := c.contexts[context]
	if !ok {
		return nil, "", federation.Refuse("There is no TLS context %s; choose an existing one for this listener.", context)
	}
	return found.tls, found.key, nil
}

// Hop is the configuration of connections to next hops on the Microsoft side.
func (c *Configs) Hop() (*tls.Config, string, error) {
	if c.ownErr != nil {
		return nil, "", c.ownErr
	}
	if c.hop.tls == nil {
		return nil, "", noPeerContext()
	}
	return c.hop.tls, c.hop.key, nil
}

// Node is the configuration of connections to another node, which has to show a certificate with that node's name as
// its Common Name.
func (c *Configs) Node(name string) (*tls.Config, string, error) {
	if c.ownErr != nil {
		return nil, "", c.ownErr
	}
	if c.hop.tls == nil {
		return nil, "", noPeerContext()
	}
	found, ok := c.nodes[name]
	if !ok {
		return nil, "", federation.Refuse("There is no node %s; it may have been removed.", name)
	}
	return found.tls, found.key, nil
}

func noPeerContext() error {
	return federation.Refuse("The TLS context %s is missing; add it again.", federation.PeerAuthContext)
}

// Own is the node's certificate, or the reason why it has none.
func (c *Configs) Own() (*tls.Certificate, error) { return c.own, c.ownErr }

// Recheck asks again about the connection of a peer that came from remote to a listener with this TLS context, so
// that a removed subject or CA, and a forbidden version or cipher, bite on open connections too. until is when the last
// way to a trusted CA ends with one of its certificates; it is zero when the verdict rests on none.
func (c *Configs) Recheck(context string, remote netip.Addr, s Session) (until time.Time, err error) {
	found, ok := c.contexts[context]
	if !ok {
		return until, federation.Refuse("There is no TLS context %s; choose an existing one for this listener.", context)
	}
	return found.recheck(remote, s)
}

// RecheckHop does the same for a connection that this node opened to the Microsoft side.
func (c *Configs) RecheckHop(s Session) (until time.Time, err error) {
	if c.hop.tls == nil {
		return until, noPeerContext()
	}
	return c.hop.recheck(netip.Addr{}, s)
}

// RecheckNode does the same for a connection that this node opened to another one.
func (c *Configs) RecheckNode(name string, s Session) (until time.Time, err error) {
	found, ok := c.nodes[name]
	if !ok {
		return until, federation.Refuse("There is no node %s; it may have been removed.", name)
	}
	return found.recheck(netip.Addr{}, s)
}

// key sums up everything that a configuration is made of.
func (c *Configs) key(parts ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %#v", c.identity, parts))
	return hex.EncodeToString(sum[:16])
}

// verifier checks peers of this node against its trusted CAs and clock.
func (c *Configs) verifier(usage x509.ExtKeyUsage, named func(*x509.Certificate) *PeerError) verifier {
	return verifier{trusted: c.trusted, authorities: c.authorities, usage: usage, now: c.now, named: named}
}
