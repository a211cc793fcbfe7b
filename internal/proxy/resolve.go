package proxy

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"isthmus/internal/sip"
)

// Resolve finds the addresses of a hop that is named by FQDN; port 0 asks for SRV.
type Resolve = func(ctx context.Context, host string, port int, t sip.Transport) ([]netip.AddrPort, error)

// A resolver asks DNS for next hops that are named by FQDN (RFC 3263 section 4.2).
type resolver struct{ dns *net.Resolver }

// DNS resolves next hops with a resolver of the caller's choice; nil is the system's.
func DNS(r *net.Resolver) Resolve {
	return resolver{r}.resolve
}

func (r resolver) resolve(ctx context.Context, host string, port int, t sip.Transport) ([]netip.AddrPort, error) {
	if port != 0 {
		return r.addresses(ctx, host, port)
	}
	service := "sip"
	if t == sip.TLS {
		service = "sips"
	}
	_, records, err := r.dns.LookupSRV(ctx, service, "tcp", host)
	if err != nil {
		return nil, fmt.Errorf("no SRV record of %s: %w", host, err)
	}
	var list []netip.AddrPort
	for _, s := range records {
		found, lookupErr := r.addresses(ctx, s.Target, int(s.Port))
		list = append(list, found...)
		err = lookupErr
	}
	if len(list) > 0 {
		return list, nil
	}
	return nil, err
}

func (r resolver) addresses(ctx context.Context, host string, port int) ([]netip.AddrPort, error) {
	addrs, err := r.dns.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("no address of %s: %w", host, err)
	}
	var list []netip.AddrPort
	for _, a := range addrs {
		list = append(list, netip.AddrPortFrom(a.Unmap(), uint16(port)))
	}
	return list, nil
}
