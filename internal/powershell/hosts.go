package powershell

import (
	"net/netip"
	"slices"

	"isthmus/internal/federation"
)

// ipv6 reports whether one of the two sides is reached over IPv6.
func (v values) ipv6() bool {
	list := []string{v.Answers.LoadBalancer, v.Address(v.Destination())}
	for _, h := range v.Answers.FrontEnds {
		list = append(list, h.Address)
	}
	for _, n := range v.Nodes {
		list = append(list, v.Addresses[n])
	}
	return slices.ContainsFunc(list, func(address string) bool {
		a, err := netip.ParseAddr(address)
		return err == nil && a.Unmap().Is6()
	})
}

// Destination is the host to which the Microsoft side sends everything.
func (v values) Destination() string { return v.Answers.Destination() }

// DestinationPort is the port on it.
func (v values) DestinationPort() int {
	switch {
	case v.Calling():
		return v.Answers.Expressway.Port
	case v.TCP():
		return portTCP
	}
	return portTLS
}

// DestinationAddress is what its name should resolve to, "" when that is not known or means nothing elsewhere.
func (v values) DestinationAddress() string { return v.Address(v.Destination()) }

// Names are the hosts that every front end has to find by name: where the routes lead, and all nodes (guide p.74, 134).
func (v values) Names() []string {
	names := []string{v.Destination()}
	for _, n := range v.Nodes {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// Address is what the name of a node or of the Expressway should resolve to, "" when that is not known or is an address
// that means nothing on another machine.
func (v values) Address(name string) string {
	address := v.Addresses[name]
	if e := v.Answers.Expressway; v.Calling() && e.FQDN == name {
		address = e.Address
	}
	if a, err := netip.ParseAddr(address); err != nil || a.IsLoopback() {
		return ""
	}
	return address
}

// Pools are the names under which the pool's own collection of routes can stand.
func (v values) Pools() []string {
	pools := []string{v.Answers.Registrar}
	if v.Name != v.Answers.Registrar {
		pools = append(pools, v.Name)
	}
	return pools
}

// FrontEnds are the names of the front ends.
func (v values) FrontEnds() []string {
	var names []string
	for _, h := range v.Answers.FrontEnds {
		names = append(names, h.FQDN)
	}
	return names
}

// NextHop is how OCS names the destination: by address over TCP, by name over TLS (guide p.88-89).
func (v values) NextHop() (string, error) {
	if !v.TCP() {
		return v.Destination(), nil
	}
	if address := v.Addresses[v.Answers.RoutingNode]; address != "" {
		return address, nil
	}
	return "", federation.Refuse("There is no node %s any more.", v.Answers.RoutingNode)
}

// Computers are what the trusted application pool holds: every node, and the load balancer before them, which the routes
// name.
func (v values) Computers() []string {
	if v.Answers.FrontName == "" {
		return v.Nodes
	}
	return append(slices.Clone(v.Nodes), v.Answers.FrontName)
}

// AuthorizedHosts are the entries of OCS's host authorization: each node by address, over TLS also by name (guide p.89-90),
// and the load balancer before them, which the routes name.
func (v values) AuthorizedHosts() []string {
	var hosts []string
	for _, n := range v.Nodes {
		if !v.TCP() {
			hosts = append(hosts, n)
		}
		if address := v.Addresses[n]; address != "" {
			hosts = append(hosts, address)
		}
	}
	if front := v.Answers.FrontName; front != "" && !v.TCP() {
		hosts = append(hosts, front)
	}
	return hosts
}
