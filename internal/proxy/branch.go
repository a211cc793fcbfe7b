package proxy

import (
	"bytes"
	"strconv"

	"isthmus/internal/routing"
)

// unique is what makes a branch of ours unique: the connection that carries the request, by which the response on it is
// known, and a serial number.
func (e exit) unique(dst []byte) []byte {
	dst = strconv.AppendUint(dst, e.link, 16)
	return strconv.AppendUint(append(dst, '-'), uint64(e.serial), 16)
}

// A serial numbers a request that goes out. All that its branch says but for its sender is in one word, as each that is open keeps it.
type serial uint64

const towardNode serial = 1 // the hop is another node

// next numbers one more request, which goes to a hop.
func (p *Proxy) next(hop *routing.Hop) serial {
	s := serial(p.serial.Add(1) << 1)
	if hop.Kind == routing.NodeHop {
		s |= towardNode
	}
	return s
}

// carried reports whether a branch of ours was made for that connection.
func carried(branch []byte, link uint64) bool {
	_, rest, _ := bytes.Cut(branch, []byte("."))
	text, _, ok := bytes.Cut(rest, []byte("-"))
	if !ok {
		return false
	}
	var space [16]byte
	return bytes.Equal(text, strconv.AppendUint(space[:0], link, 16))
}

// branch appends a branch. Toward another node it carries the side that the request has here.
func (p *Proxy) branch(dst []byte, hash uint64, e exit, side routing.Side) []byte {
	var space [48]byte
	from := len(dst)
	dst = routing.AppendBranch(dst, hash, e.unique(space[:0]))
	if e.serial&towardNode != 0 {
		dst = p.key.AppendSide(dst, from, side)
	}
	return dst
}

// tag is a To tag for an answer of our own.
func (p *Proxy) tag() string { return strconv.FormatUint(p.serial.Add(1), 36) }
