package routing

import "net/netip"

// networks are address ranges. A look-up costs one map access for each prefix length in use, however many ranges there are.
type networks struct {
	ranges  map[netip.Prefix]bool
	lengths [2][]int // prefix lengths in use: of IPv4, of IPv6
}

func (n *networks) add(p netip.Prefix) {
	p = p.Masked()
	if n.ranges[p] {
		return
	}
	if n.ranges == nil {
		n.ranges = map[netip.Prefix]bool{}
	}
	n.ranges[p] = true
	lengths := n.lengthsOf(p.Addr())
	for _, bits := range *lengths {
		if bits == p.Bits() {
			return
		}
	}
	*lengths = append(*lengths, p.Bits())
}

// contain reports whether an address without a zone lies in a range. An IPv4 address written as an IPv6 one is another.
func (n *networks) contain(addr netip.Addr) bool {
	for _, bits := range *n.lengthsOf(addr) {
		if p, err := addr.Prefix(bits); err == nil && n.ranges[p] {
			return true
		}
	}
	return false
}

func (n *networks) lengthsOf(addr netip.Addr) *[]int {
	if addr.Is4() {
		return &n.lengths[0]
	}
	return &n.lengths[1]
}
