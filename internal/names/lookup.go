package names

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// holdFor is how long the last good answer is believed while nobody gives a new one.
const holdFor = 24 * time.Hour

// partTTL is when a look-up is made again of which a part failed.
const partTTL = 30 * time.Second

// Records of one name beyond these are not believed in.
const (
	maxTargets  = 16 // of SRV
	maxPTRNames = 8
)

// A family is the addresses of a host of one IP version.
type family struct {
	addrs []netip.Addr
	good  time.Time // when DNS said so
}

// A host is the addresses of one name.
type host struct{ four, six family }

func (h host) addrs() []netip.Addr { return slices.Concat(h.four.addrs, h.six.addrs) }

func (h host) has(a netip.Addr) bool {
	return slices.Contains(h.four.addrs, a) || slices.Contains(h.six.addrs, a)
}

// lookUpHost asks for both families at once. The error means that neither was answered for; a family that alone was not
// stays as it was last.
func (ask Ask) lookUpHost(ctx context.Context, name string, last host) (h host, ttl time.Duration, err error) {
	var ttl6 time.Duration
	var err6 error
	var both sync.WaitGroup
	both.Go(func() { h.six, ttl6, err6 = ask.lookUpFamily(ctx, name, dns.TypeAAAA, last.six) })
	both.Go(func() { h.four, ttl, err = ask.lookUpFamily(ctx, name, dns.TypeA, last.four) })
	both.Wait()
	if err != nil && err6 != nil {
		return last, 0, err
	}
	return h, min(ttl, ttl6), nil
}

func (ask Ask) lookUpFamily(ctx context.Context, name string, recordType uint16, last family) (family, time.Duration, error) {
	a, err := ask(ctx, name, recordType)
	if err != nil {
		if time.Since(last.good) > holdFor {
			last = family{}
		}
		return last, partTTL, err
	}
	f := family{good: time.Now()}
	for _, rr := range a.Records {
		switch rr := rr.(type) {
		case *dns.A:
			f.addrs = appendAddr(f.addrs, rr.A)
		case *dns.AAAA:
			f.addrs = appendAddr(f.addrs, rr.AAAA)
		}
	}
	slices.SortFunc(f.addrs, netip.Addr.Compare) // servers turn the order round, which changes nothing
	return f, a.TTL, nil
}

func appendAddr(list []netip.Addr, ip []byte) []netip.Addr {
	if a, ok := netip.AddrFromSlice(ip); ok {
		return append(list, a.Unmap())
	}
	return list
}

// A target is one SRV record with the addresses of its host.
type target struct {
	name     string
	port     uint16
	priority uint16
	weight   uint16
	host     host
}

// lookUpService asks for the SRV records of a name such as _sips._tcp.pool.synergy.com (RFC 3263 section 4.2), and for
// the addresses that they lead to. The error means that nothing is known of any.
func (ask Ask) lookUpService(ctx context.Context, name string, last []target) ([]target, time.Duration, error) {
	a, err := ask(ctx, name, dns.TypeSRV)
	if err != nil {
		return last, 0, err
	}
	var list []target
	for _, rr := range a.Records {
		// A target that is the root says that the service is not offered (RFC 2782).
		if srv := rr.(*dns.SRV); srv.Target != "." && len(list) < maxTargets {
			list = append(list, target{plain(srv.Target), srv.Port, srv.Priority, srv.Weight, hostOf(last, srv.Target)})
		}
	}
	ttls, failures := make([]time.Duration, len(list)), make([]error, len(list))
	var all sync.WaitGroup
	for i := range list {
		all.Go(func() {
			t := &list[i]
			t.host, ttls[i], failures[i] = ask.lookUpHost(ctx, t.name, t.host)
		})
	}
	all.Wait()
	ttl, found := a.TTL, len(list) == 0
	for i, t := range list {
		if failures[i] != nil {
			ttls[i], err = partTTL, failures[i]
		}
		ttl = min(ttl, ttls[i])
		found = found || failures[i] == nil || len(t.host.addrs()) > 0
	}
	if !found {
		return last, 0, err
	}
	return list, ttl, nil
}

func hostOf(list []target, name string) host {
	for _, t := range list {
		if sameName(t.name, name) {
			return t.host
		}
	}
	return host{}
}

// lookUpPeer asks for the names of an address. A name counts only when wanted, and when it leads back to the address:
// its owner writes what he likes into the PTR record.
func (ask Ask) lookUpPeer(ctx context.Context, addr netip.Addr, wanted func(string) bool, last []string) ([]string, time.Duration, error) {
	a, err := ask(ctx, reverseName(addr), dns.TypePTR)
	if err != nil {
		return last, 0, err
	}
	ttl := a.TTL
	var confirmed []string
	asked := 0
	for _, rr := range a.Records {
		name := plain(rr.(*dns.PTR).Ptr)
		if !wanted(name) || asked == maxPTRNames {
			continue
		}
		asked++
		h, hostTTL, failure := ask.lookUpHost(ctx, name, host{})
		switch {
		case failure != nil:
			err, hostTTL = failure, partTTL
		case h.has(addr):
			confirmed = append(confirmed, name)
		}
		ttl = min(ttl, hostTTL)
	}
	slices.Sort(confirmed)
	if err != nil && (confirmed == nil || !covers(confirmed, last)) {
		return last, 0, err
	}
	return confirmed, ttl, nil
}

func covers(list, all []string) bool {
	for _, s := range all {
		if !slices.Contains(list, s) {
			return false
		}
	}
	return true
}
