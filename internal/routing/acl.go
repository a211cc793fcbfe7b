package routing

import (
	"fmt"
	"net/netip"

	"isthmus/internal/federation"
)

// An acl admits source addresses. Without an entry it admits nobody.
//
// Entries that are names admit nobody: to believe them takes look-ups that are confirmed forward, off the message path.
type acl struct {
	everybody bool
	addresses map[netip.Addr]bool
	prefixes  []netip.Prefix
}

func newACL(entries []federation.ACLEntry) (acl, error) {
	list := acl{addresses: map[netip.Addr]bool{}}
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
		a.prefixes = append(a.prefixes, prefix)
		return nil
	}
	if _, err := federation.ParseFQDN(e.Pattern); err != nil {
		return fmt.Errorf("The incoming ACL holds %q, which is no address and no name; correct it on the page Incoming ACL.", e.Pattern)
	}
	return nil
}

func (a *acl) admits(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if a.everybody || a.addresses[addr] {
		return true
	}
	for _, p := range a.prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
