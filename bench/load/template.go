package load

import (
	"bytes"
	"strings"
)

// Numbers have a fixed width, so that a request is a copy of a text with digits put in.
const (
	idDigits       = 14 // run, caller, number of the transaction
	runDigits      = 4
	callerDigits   = 1
	sequenceDigits = 10 // of the message among those that its sender sent
)

var (
	placeholder         = strings.Repeat("#", idDigits)
	sequencePlaceholder = strings.Repeat("?", callerDigits+sequenceDigits)
)

// A template is a text with places for numbers.
type template struct {
	text      []byte
	ids       []int // where the transaction's number stands
	sequences []int
}

func newTemplate(text string) template {
	return template{[]byte(text), placesOf(text, placeholder), placesOf(text, sequencePlaceholder)}
}

func placesOf(text, what string) (list []int) {
	for from := 0; ; {
		at := strings.Index(text[from:], what)
		if at < 0 {
			return list
		}
		list = append(list, from+at)
		from += at + len(what)
	}
}

// append appends the text of one message.
func (t *template) append(dst []byte, id identity, sequence uint64) []byte {
	from := len(dst)
	dst = append(dst, t.text...)
	for _, at := range t.ids {
		id.put(dst[from+at:])
	}
	for _, at := range t.sequences {
		putSequence(dst[from+at:], id.caller, sequence)
	}
	return dst
}

// An identity names a transaction.
type identity struct {
	run    int
	caller int
	number uint64
}

func (i identity) put(dst []byte) {
	putNumber(dst[:runDigits], uint64(i.run))
	putNumber(dst[runDigits:runDigits+callerDigits], uint64(i.caller))
	putNumber(dst[runDigits+callerDigits:idDigits], i.number)
}

// readIdentity reads what put wrote.
func readIdentity(b []byte) (i identity, ok bool) {
	if len(b) < idDigits {
		return i, false
	}
	run, ok1 := number(b[:runDigits])
	caller, ok2 := number(b[runDigits : runDigits+callerDigits])
	n, ok3 := number(b[runDigits+callerDigits : idDigits])
	return identity{int(run), int(caller), n}, ok1 && ok2 && ok3
}

func putSequence(dst []byte, caller int, n uint64) {
	putNumber(dst[:callerDigits], uint64(caller))
	putNumber(dst[callerDigits:callerDigits+sequenceDigits], n)
}

func readSequence(b []byte) (caller int, n uint64, ok bool) {
	if len(b) != callerDigits+sequenceDigits {
		return 0, 0, false
	}
	c, ok1 := number(b[:callerDigits])
	n, ok2 := number(b[callerDigits:])
	return int(c), n, ok1 && ok2
}

func putNumber(dst []byte, n uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
}

func number(b []byte) (n uint64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(b) > 0
}

// after returns what follows mark in text, nil when mark is not there.
func after(text []byte, mark string) []byte {
	at := bytes.Index(text, []byte(mark))
	if at < 0 {
		return nil
	}
	return text[at+len(mark):]
}
