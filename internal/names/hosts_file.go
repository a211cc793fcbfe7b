package names

import (
	"bufio"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// A hostsFile is a file in the form of /etc/hosts, read again when it has changed. A name or address that is in it is
// not asked DNS for.
type hostsFile struct {
	path string

	mu        sync.Mutex
	changed   time.Time
	size      int64
	addresses map[string][]netip.Addr
	names     map[string][]string // by name in in-addr.arpa or ip6.arpa
}

// answer reports whether the file decides. A name with IPv4 addresses alone has no IPv6 address.
func (h *hostsFile) answer(name string, recordType uint16) (Answer, bool) {
	if h == nil {
		return Answer{}, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refresh()
	a := Answer{TTL: hostsTTL}
	header := dns.RR_Header{Name: dns.Fqdn(name), Rrtype: recordType, Class: dns.ClassINET}
	switch recordType {
	case dns.TypePTR:
		for _, n := range h.names[plain(name)] {
			a.Records = append(a.Records, &dns.PTR{Hdr: header, Ptr: dns.Fqdn(n)})
		}
		return a, a.Records != nil
	case dns.TypeA, dns.TypeAAAA:
		found := h.addresses[plain(name)]
		for _, addr := range found {
			if addr.Is4() == (recordType == dns.TypeA) {
				a.Records = append(a.Records, addressRecord(header, addr))
			}
		}
		return a, found != nil
	}
	return Answer{}, false
}

func addressRecord(header dns.RR_Header, a netip.Addr) dns.RR {
	if a.Is4() {
		return &dns.A{Hdr: header, A: a.AsSlice()}
	}
	return &dns.AAAA{Hdr: header, AAAA: a.AsSlice()}
}

// refresh reads the file when it is not the one that was read. One that cannot be read holds nothing.
func (h *hostsFile) refresh() {
	info, err := os.Stat(h.path)
	if err != nil {
		h.forget()
		return
	}
	if info.ModTime().Equal(h.changed) && info.Size() == h.size {
		return
	}
	file, err := os.Open(h.path)
	if err != nil {
		h.forget()
		return
	}
	defer file.Close()
	h.changed, h.size = info.ModTime(), info.Size()
	h.addresses, h.names = map[string][]netip.Addr{}, map[string][]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		h.add(lines.Text())
	}
}

func (h *hostsFile) forget() { h.addresses, h.names, h.changed = nil, nil, time.Time{} }

func (h *hostsFile) add(line string) {
	line, _, _ = strings.Cut(line, "#")
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return
	}
	addr, err := netip.ParseAddr(fields[0])
	if err != nil {
		return
	}
	addr = addr.Unmap().WithZone("")
	reverse := reverseName(addr)
	for _, name := range fields[1:] {
		name = plain(name)
		h.addresses[name] = append(h.addresses[name], addr)
		h.names[reverse] = append(h.names[reverse], name)
	}
}

// reverseName is the name whose PTR records are an address's names.
func reverseName(a netip.Addr) string {
	name, _ := dns.ReverseAddr(a.String()) // fails for what is no address alone
	return plain(name)
}
