package routing

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"hash/fnv"
	"sync"

	"isthmus/internal/sip"
)

// Side is where a request came from.
type Side uint8

// Sides. The zero value is the one that trusts less.
const (
	Outside Side = iota
	Inside
)

func (s Side) String() string {
	if s == Inside {
		return "inside"
	}
	return "outside"
}

// letter stands for the side in a branch.
func (s Side) letter() byte { return s.String()[0] }

// Our branch is z9hG4bK HASH . UNIQUE, and toward another node . SIDE MAC after it: the hash of Request-URI and
// remaining Route, what makes it unique, and the side that the request had here.
const (
	cookie    = "z9hG4bK"
	macDigits = 32
)

// AppendBranch appends a branch. unique holds letters, digits and hyphens only.
func AppendBranch(dst []byte, hash uint64, unique []byte) []byte {
	dst = appendHash(append(dst, cookie...), hash)
	return append(append(dst, '.'), unique...)
}

func appendHash(dst []byte, hash uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[hash>>shift&15])
	}
	return dst
}

// A BranchKey authenticates the side that one node tells another. The nodes of a cluster share it.
type BranchKey struct {
	macs *sync.Pool // of *mac, with the key worked in: that takes longer than a branch itself
}

type mac struct {
	hash.Hash
	sum [sha256.Size]byte
}

// NewBranchKey derives the key from a secret of the cluster. The secret may serve other purposes too.
func NewBranchKey(secret []byte) BranchKey {
	derive := hmac.New(sha256.New, secret)
	derive.Write([]byte("side of a request in a Via branch"))
	key := derive.Sum(nil)
	return BranchKey{&sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }}}
}

// AppendSide appends the side to a branch that AppendBranch made, for the node that gets the request. from is where the
// branch begins in dst.
func (k BranchKey) AppendSide(dst []byte, from int, side Side) []byte {
	dst = append(dst, '.', side.letter())
	return k.appendMAC(dst, dst[from:])
}

// Side reads the side out of another node's branch. One that does not verify is from outside.
func (k BranchKey) Side(branch []byte) Side {
	var space [macDigits]byte
	end := len(branch) - macDigits
	if end < 2 || !hmac.Equal(k.appendMAC(space[:0], branch[:end]), branch[end:]) {
		return Outside
	}
	if bytes.HasSuffix(branch[:end], []byte{'.', Inside.letter()}) {
		return Inside
	}
	return Outside
}

func (k BranchKey) appendMAC(dst, text []byte) []byte {
	m := k.macs.Get().(*mac)
	defer k.macs.Put(m)
	m.Reset()
	m.Write(text)
	return hex.AppendEncode(dst, m.Sum(m.sum[:0])[:macDigits/2])
}

// LoopHash is a hash of Request-URI and remaining Route that every node computes alike. It is no secret: who forges it
// has only his own request refused.
func LoopHash(uri sip.URI, routes []sip.URI) uint64 {
	var space [512]byte
	text := appendComparable(space[:0], uri)
	for _, r := range routes {
		text = appendComparable(append(text, '\n'), r)
	}
	h := fnv.New64a()
	h.Write(text)
	return h.Sum64()
}

// appendComparable appends a URI in one spelling: what differs in case or escapes only is the same for routing.
func appendComparable(dst []byte, u sip.URI) []byte {
	if u.IsSIPS() {
		dst = append(dst, "sips:"...)
	}
	dst = u.AppendAddress(dst)
	dst = append(dst, ':', byte(u.Port>>8), byte(u.Port))
	return append(dst, bytes.ToLower(u.Params)...)
}

// madeFor reports whether a branch of ours carries that hash.
func madeFor(branch []byte, hash uint64) bool {
	var space [32]byte
	want := append(appendHash(append(space[:0], cookie...), hash), '.')
	return len(branch) >= len(want) && bytes.EqualFold(branch[:len(want)], want)
}
