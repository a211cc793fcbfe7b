package routing

import (
	"testing"

	"isthmus/internal/federation"
)

// An entry of one family says nothing of the other; IPv4 in IPv6 is IPv4, and a zone is no part of an address.
func TestTheACLComparesAddressesAndNotTheirSpelling(t *testing.T) {
	list := func(pattern string) func(*federation.Snapshot) {
		return func(s *federation.Snapshot) {
			s.ACL = []federation.ACLEntry{{Pattern: pattern}}
			s.Configuration.Normalize()
		}
	}
	refused := func(addr string) string { return "ACL - upstream not trusted: " + addr }
	admits(t, []admitted{
		{"IPv4 by IPv4 in IPv6", at(plain, "10.1.1.1"), list("::ffff:10.1.1.1"), "outside"},
		{"IPv4 in IPv6 by IPv4", at(plain, "::ffff:10.1.1.1"), list("10.1.1.1"), "outside"},
		{"... by a range", at(plain, "::ffff:10.1.1.1"), list("10.1.0.0/16"), "outside"},
		{"... by all of IPv4", at(plain, "::ffff:10.1.1.1"), list("0.0.0.0/0"), "outside"},
		{"IPv4 by a range of IPv4 in IPv6", at(plain, "10.1.1.1"), list("::ffff:10.1.0.0/112"), "outside"},
		{"a range with host bits", at(plain, "10.1.9.9"), list("10.1.1.77/16"), "outside"},
		{"IPv6 in another spelling", at(plain, "2001:db8::1"), list("2001:DB8:0:0::0001"), "outside"},
		{"IPv6 by a range", at(plain, "2001:db8::ffff"), list("2001:db8::/64"), "outside"},
		{"IPv6 not by all of IPv4", at(plain, "2001:db8::1"), list("0.0.0.0/0"), refused("2001:db8::1")},
		{"IPv4 not by all of IPv6", at(plain, "10.1.1.1"), list("::/0"), refused("10.1.1.1")},
		{"IPv4 in IPv6 not by all of IPv6", at(plain, "::ffff:10.1.1.1"), list("::/0"), refused("10.1.1.1")},
		{"IPv4-compatible IPv6 is no IPv4", at(plain, "::10.1.1.1"), list("10.1.1.1"), refused("::a01:101")},
		{"the next address", at(plain, "10.1.1.2"), list("10.1.1.1"), refused("10.1.1.2")},
		{"the address above a range", at(plain, "10.1.2.0"), list("10.1.1.0/24"), refused("10.1.2.0")},
		{"the unspecified address is not everybody", at(plain, "10.1.1.1"), list("0.0.0.0"), refused("10.1.1.1")},
		{"a link's address by itself", at(plain, "fe80::1%eth0"), list("fe80::1"), "outside"},
		{"a link's address by a range", at(plain, "fe80::1%eth0"), list("fe80::/10"), "outside"},
	})
}
