package routing

import (
	"fmt"
	"net/netip"
	"strings"

	"isthmus/internal/federation"
)

// An acl admits source addresses. Without an entry it admits nobody.
//
// An entry that is a name admits by what DNS confirmed of the address and by what the peer proved with its certificate
// (guide p.54). It asks nobody: the names come with the peer.
type acl struct {
	everybody bool
	addresses map[netip.Addr]bool
	networks  networks
	names     []string
	named     map[string]bool // the same
}

func newACL(entries []federation.ACLEntry) (acl, error) {
	list := acl{addresses: map[netip.Addr]bool{}, named: map[string]bool{}}
	for _, e := range entries {
		if err := list.add(e); err != nil {
			return acl{}, err
		}
	}
	return list, nil
}

func (a *acl) add(e federation.ACLEntry) error {
	if e.Pattern == federation.ACLAll {
		a.everybody = true
		return nil
	}
	if addr, err := federation.ParseAddress(e.Pattern); err == nil {
		a.addresses[addr] = true
		return nil
	}
	if prefix, err := netip.ParsePrefix(e.Pattern); err == nil {
		a.networks.add(prefix)
		return nil
	}
	name, err := federation.ParseFQDN(e.Pattern)
	if err != nil {
		return fmt.Errorf("The incoming ACL holds %q, which is no address and no name; correct it on the page Incoming ACL.", e.Pattern)
	}
	a.names = append(a.names, name)
	a.named[name] = true
	return nil
}

func (a *acl) admits(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return a.everybody || a.addresses[addr] || a.networks.contain(addr)
}

// admitsName reports whether a name, in lower case, is an entry or lies under one: host.foo.com under foo.com, barfoo.com
// not.
func (a *acl) admitsName(name string) bool {
	for ; name != ""; name = parent(name) {
		if a.named[name] {
			return true
		}
	}
	return false
}

// admitsNamed reports whether one of the peer's names is admitted: those that DNS confirms, and that of its certificate.
func (a *acl) admitsNamed(peer Peer) bool {
	for _, name := range peer.Names {
		if a.admitsName(name) {
			return true
		}
	}
	return certified(peer) && a.admitsName(strings.ToLower(peer.Subject))
}
