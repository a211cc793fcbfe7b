package transaction

import (
	"bytes"
	"strconv"

	"isthmus/internal/sip"
)

// cookie begins every branch that RFC 3261 makes unique. A sender of RFC 2543 has another branch or none, and some
// Microsoft clients have none; the cookie alone is no better than none.
var cookie = []byte("z9hG4bK")

// unique reports whether the branch alone identifies a transaction of its sender (RFC 3261 section 17.2.3).
func unique(branch []byte) bool { return len(branch) > len(cookie) && bytes.HasPrefix(branch, cookie) }

// appendServerKey appends what a request's server transaction is found by, were its method the one given: an ACK belongs to
// its INVITE. legacy reports that RFC 2543's rules were used.
func appendServerKey(dst []byte, m *sip.Message, method string) (key []byte, legacy bool) {
	top := m.Via(0)
	if !unique(top.Branch) {
		return appendLegacyKey(dst, m, top, method), true
	}
	dst = append(append(dst, method...), 0)
	dst = append(append(dst, top.Branch...), 0)
	return top.AppendSentBy(dst), false
}

// appendLegacyKey holds the fields that RFC 3261 section 17.2.3 compares for want of a branch. The To tag of an INVITE is left out,
// as its ACK repeats the response's tag instead.
func appendLegacyKey(dst []byte, m *sip.Message, top sip.Via, method string) []byte {
	number, _ := m.CSeq()
	dst = append(append(dst, method...), 0, 0)
	dst = append(append(dst, m.RequestURI()...), 0)
	dst = append(append(dst, m.From().Tag()...), 0)
	dst = append(append(dst, m.CallID()...), 0)
	dst = append(strconv.AppendUint(dst, uint64(number), 10), 0)
	if method != "INVITE" {
		dst = append(append(dst, m.To().Tag()...), 0)
	}
	return append(dst, top.Raw...)
}

// appendClientKey appends what a client transaction is found by: the branch that we made, and the method, as a CANCEL has
// the branch of its INVITE (RFC 3261 section 17.1.3).
func appendClientKey(dst, branch []byte, method string) []byte {
	dst = append(append(dst, method...), 0)
	return append(dst, branch...)
}
