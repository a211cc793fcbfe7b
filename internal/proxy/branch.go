package proxy

import (
	"bytes"
	"strconv"

	"isthmus/internal/routing"
)

// unique is what makes a branch of ours unique: the connection that carries the request, by which the response on it is
// known, and a serial number.
func (p *Proxy) unique(dst []byte, link uint64) []byte {
	dst = strconv.AppendUint(dst, link, 16)
	return strconv.AppendUint(append(dst, '-'), p.serial.Add(1), 16)
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
func (p *Proxy) branch(dst []byte, hash uint64, link uint64, kind routing.HopKind, side routing.Side) []byte {
	var space [48]byte
	from := len(dst)
	dst = routing.AppendBranch(dst, hash, p.unique(space[:0], link))
	if kind == routing.NodeHop {
		dst = p.key.AppendSide(dst, from, side)
	}
	return dst
}

// tag is a To tag for an answer of our own.
func (p *Proxy) tag() string { return strconv.FormatUint(p.serial.Add(1), 36) }
