package routing

import (
	"cmp"
	"slices"
	"strings"
)

// userPatterns are the patterns for user parts, sorted by text, so that those which begin alike stand together: a look-up
// follows the user part letter by letter through ever smaller parts of the list, and costs the logarithm of its length.
type userPatterns []*pattern

// order sorts the list and ranks the patterns: longest first; of one length, those with digits before those with dots, as
// these sort.
func (u userPatterns) order() {
	slices.SortFunc(u, func(a, b *pattern) int {
		return cmp.Or(cmp.Compare(len(b.text), len(a.text)), strings.Compare(b.text, a.text))
	})
	for i, p := range u {
		p.rank = i
	}
	slices.SortFunc(u, func(a, b *pattern) int { return strings.Compare(a.text, b.text) })
}

// fitting appends the patterns that a user part fits, the most specific first. No user part fits none.
func (u userPatterns) fitting(dst []*pattern, user string) []*pattern {
	if len(u) == 0 || user == "" {
		return dst
	}
	dst = u.find(dst, user, 0)
	slices.SortFunc(dst, func(a, b *pattern) int { return cmp.Compare(a.rank, b.rank) })
	return dst
}

// fewPatterns are compared one by one sooner than searched.
const fewPatterns = 8

// find looks among patterns whose first octets, as many as at says, the user part fits.
func (u userPatterns) find(dst []*pattern, user string, at int) []*pattern {
	if len(u) <= fewPatterns {
		return u.compare(dst, user)
	}
	dst = u.next(at, end).compare(dst, user)
	dst = u.next(at, '*').compare(dst, user)
	if at == len(user) {
		return dst
	}
	dst = u.next(at, '.').find(dst, user, at+1)
	if c := user[at]; c != '.' && c != '*' {
		dst = u.next(at, int(c)).find(dst, user, at+1)
	}
	return dst
}

func (u userPatterns) compare(dst []*pattern, user string) []*pattern {
	for _, p := range u {
		if fitsUser(p.text, user) {
			dst = append(dst, p)
		}
	}
	return dst
}

// end stands for the octet after a pattern's last one; it sorts before every other.
const end = -1

// next is the part of the list with that octet at a position, up to which all are alike.
func (u userPatterns) next(at, octet int) userPatterns {
	search := func(octet int) int {
		i, _ := slices.BinarySearchFunc(u, octet, func(p *pattern, octet int) int { return cmp.Compare(octetAt(p.text, at), octet) })
		return i
	}
	return u[search(octet):search(octet+1)]
}

func octetAt(text string, at int) int {
	if at >= len(text) {
		return end
	}
	return int(text[at])
}

// fitsUser matches a user part with a pattern: a dot is any one character, a star at the end any number of them.
func fitsUser(pattern, user string) bool {
	stem, open := strings.CutSuffix(pattern, "*")
	if len(user) < len(stem) || !open && len(user) != len(stem) {
		return false
	}
	for i := range len(stem) {
		if stem[i] != '.' && stem[i] != user[i] {
			return false
		}
	}
	return true
}
