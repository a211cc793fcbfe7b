package wizard

import (
	"net/netip"

	"isthmus/internal/federation"
)

// WithIPv6 names a host of the two sides that has an IPv6 address, "" when none has one. With one, the Microsoft side
// takes no routes for child domains (guide p.69). These are the hosts by which the scripts are refused then.
func WithIPv6(a federation.Answers, s federation.Snapshot) string {
	hosts := []federation.Host{{FQDN: "The load balancer", Address: a.LoadBalancer}}
	hosts = append(hosts, a.FrontEnds...)
	for _, n := range s.Nodes {
		hosts = append(hosts, federation.Host{FQDN: n.Name, Address: n.Address})
	}
	if callsToo(a) && a.Expressway != nil {
		hosts = append(hosts, *a.Expressway)
	}
	for _, h := range hosts {
		if address, err := netip.ParseAddr(h.Address); err == nil && address.Unmap().Is6() {
			return h.FQDN
		}
	}
	return ""
}

// IsLoopback reports whether a text is an address that every machine has for itself alone.
func IsLoopback(address string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && a.IsLoopback()
}

// isNetwork reports whether an IPv4 address ends as those of networks of 256 addresses and their broadcasts do. Larger
// networks have servers with such addresses, so it is no more than a doubt.
func isNetwork(address string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && a.Is4() && (a.As4()[3] == 0 || a.As4()[3] == 255)
}
