package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"isthmus/internal/names"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
)

// keepNames has DNS looked up for what policies name: the incoming ACL and the next hops. While one policy takes the
// place of another it is told of both, as either may be asked.
func (p *Proxy) keepNames(policies ...*routing.Policy) {
	if p.config.Names == nil {
		return
	}
	var w names.Wanted
	for _, policy := range policies {
		if policy != nil {
			want(&w, policy)
		}
	}
	p.config.Names.Keep(w)
}

func want(w *names.Wanted, policy *routing.Policy) {
	w.ACL = append(w.ACL, policy.ACLNames()...)
	for _, h := range policy.NamedHops() {
		if h.Port == 0 {
			w.Services = append(w.Services, service(h))
		} else {
			w.Hosts = append(w.Hosts, h.Host)
		}
	}
}

// service is the name whose SRV records lead to a hop (RFC 3263 section 4.2).
func service(h *routing.Hop) string {
	switch h.Transport {
	case sip.TLS:
		return "_sips._tcp." + h.Host
	case sip.UDP:
		return "_sip._udp." + h.Host
	}
	return "_sip._tcp." + h.Host
}

var errNoDNS = errors.New("names of next hops are not looked up here")

// resolve finds the addresses of a hop, from memory but for the first look-up of a name.
func (p *Proxy) resolve(h *routing.Hop) ([]netip.AddrPort, error) {
	switch {
	case h.Addr.IsValid():
		return []netip.AddrPort{h.Addr}, nil
	case p.config.Names == nil:
		return nil, errNoDNS
	case h.Port == 0:
		addrs, err := p.config.Names.Service(context.Background(), service(h))
		return p.elsewhere(h, addrs, err)
	}
	addrs, err := p.config.Names.Host(context.Background(), h.Host, h.Port)
	return p.elsewhere(h, addrs, err)
}

// elsewhere leaves out addresses of nodes: an address is refused as a next hop when it is saved, and a name must not
// lead around that.
func (p *Proxy) elsewhere(h *routing.Hop, addrs []netip.AddrPort, err error) ([]netip.AddrPort, error) {
	policy := p.policy.Load()
	left := slices.DeleteFunc(slices.Clone(addrs), func(a netip.AddrPort) bool { return policy.HasNode(a.Addr()) })
	if len(left) == 0 && len(addrs) > 0 {
		return nil, fmt.Errorf("%s is the name of a node by DNS; a next hop is a server of the Microsoft side", h.Host)
	}
	return left, err
}
