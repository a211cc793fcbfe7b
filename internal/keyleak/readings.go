package keyleak

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// Shorter runs of an encoding are words and numbers of a text; the beginning of a key has more.
const (
	minRun  = 20 // characters
	minList = 16 // octets written one by one
)

// readings calls see with a text, and with what is encoded in it, that many encodings deep.
func readings(text []byte, depth int, see func([]byte)) {
	see(text)
	if depth == 0 || len(text) < minRun {
		return
	}
	deeper := func(b []byte) { readings(b, depth-1, see) }
	if plain := unescaped(text); plain != nil {
		deeper(plain)
	}
	base64Runs(text, deeper)
	hexRuns(text, deeper)
	lists(text, deeper)
}

// sixBits are the values of the letters of both base64 alphabets (RFC 4648 sections 4 and 5), 0xff for others.
var sixBits = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		table[c] = byte(i)
	}
	table['-'], table['_'] = 62, 63
	return table
}()

// base64Runs decodes every run of letters, over the ends of lines. Where in it the encoding begins is not known, so that
// each of the four ways is tried.
func base64Runs(text []byte, see func([]byte)) {
	var run []byte
	flush := func() {
		for shift := 0; shift < 4 && len(run) >= minRun+shift; shift++ {
			see(fromSixBits(run[shift:]))
		}
		run = run[:0]
	}
	for i := 0; i < len(text); i++ {
		switch v := sixBits[text[i]]; {
		case v != 0xff:
			run = append(run, v)
		case text[i] == '\n' || text[i] == '\r':
			for i+1 < len(text) && (text[i+1] == ' ' || text[i+1] == '\t') {
				i++
			}
		case len(run) > 0:
			flush()
		}
	}
	flush()
}

func fromSixBits(run []byte) []byte {
	out := make([]byte, 0, len(run)*3/4)
	for ; len(run) >= 4; run = run[4:] {
		out = append(out, run[0]<<2|run[1]>>4, run[1]<<4|run[2]>>2, run[2]<<6|run[3])
	}
	if len(run) > 1 {
		out = append(out, run[0]<<2|run[1]>>4)
	}
	if len(run) > 2 {
		out = append(out, run[1]<<4|run[2]>>2)
	}
	return out
}

// fourBits are the values of hexadecimal digits, 0xff for others.
var fourBits = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i, c := range []byte("0123456789abcdef") {
		table[c] = byte(i)
		table[bytes.ToUpper([]byte{c})[0]] = byte(i)
	}
	return table
}()

// hexRuns decodes every run of digits from its first and from its second one on.
func hexRuns(text []byte, see func([]byte)) {
	var run []byte
	flush := func() {
		for shift := 0; shift < 2 && len(run) >= minRun+shift; shift++ {
			out := make([]byte, 0, len(run)/2)
			for i := shift; i+1 < len(run); i += 2 {
				out = append(out, run[i]<<4|run[i+1])
			}
			see(out)
		}
		run = run[:0]
	}
	for _, c := range text {
		if v := fourBits[c]; v != 0xff {
			run = append(run, v)
		} else if len(run) > 0 {
			flush()
		}
	}
	flush()
}

// between are what stands between octets that are written one by one.
var between = func() (table [256]bool) {
	for _, c := range []byte(" ,:;\t\r\n") {
		table[c] = true
	}
	return table
}()

// lists decodes octets that are written one by one, as fmt and JSON do in decimals and openssl in hexadecimal digits.
func lists(text []byte, see func([]byte)) {
	var decimals, hexes []byte
	take := func(list *[]byte, v int) {
		if v >= 0 {
			*list = append(*list, byte(v))
			return
		}
		if len(*list) >= minList {
			see(*list)
		}
		*list = (*list)[:0]
	}
	for i := 0; i < len(text); {
		if between[text[i]] {
			i++
			continue
		}
		size := octet(text[i:])
		if size == 0 {
			take(&decimals, -1)
			take(&hexes, -1)
			i++
			continue
		}
		take(&decimals, valueOf(text[i:i+size], 10))
		take(&hexes, valueOf(bytes.TrimPrefix(text[i:i+size], []byte("0x")), 16))
		i += size
	}
	take(&decimals, -1)
	take(&hexes, -1)
}

// octet is the length of a word that may be an octet in digits, 0 when there is none.
func octet(b []byte) int {
	size := 0
	for size < len(b) && (fourBits[b[size]] != 0xff || size == 1 && b[size] == 'x') {
		if size++; size > 4 {
			return 0
		}
	}
	return size
}

// valueOf is the octet that digits of a base stand for, -1 for none.
func valueOf(digits []byte, base int) int {
	v := 0
	for _, c := range digits {
		if int(fourBits[c]) >= base {
			return -1
		}
		v = v*base + int(fourBits[c])
	}
	if len(digits) == 0 || v > 255 {
		return -1
	}
	return v
}

// unescaped undoes the escapes of JSON and Go, of a URL, of HTML and of Postgres. It is nil when there are none.
func unescaped(text []byte) []byte {
	var out []byte
	done := 0 // octets of text that out holds
	for i := 0; i < len(text); i++ {
		if c := text[i]; c != '\\' && c != '%' && c != '&' {
			continue
		}
		plain, size := escape(text[i:])
		if size > 0 {
			out = append(append(out, text[done:i]...), plain...)
			done, i = i+size, i+size-1
		}
	}
	if done == 0 {
		return nil
	}
	return append(out, text[done:]...)
}

// escape reads one escape sequence: what it stands for, and its length, 0 when there is none.
func escape(b []byte) (plain []byte, size int) {
	switch {
	case len(b) < 2:
	case b[0] == '%':
		return number(b, 1, 2, 16)
	case b[0] == '&':
		return reference(b)
	case b[0] == '\\' && b[1] == 'x':
		return number(b, 2, 2, 16)
	case b[0] == '\\' && b[1] == 'u':
		return number(b, 2, 4, 16)
	case b[0] == '\\' && b[1] >= '0' && b[1] <= '3':
		return number(b, 1, 3, 8)
	case b[0] == '\\':
		if at := bytes.IndexByte([]byte(`nrt"\/'`), b[1]); at >= 0 {
			return []byte{"\n\r\t\"\\/'"[at]}, 2
		}
	}
	return nil, 0
}

// number reads digits of a fixed count.
func number(b []byte, from, count, base int) ([]byte, int) {
	if len(b) < from+count {
		return nil, 0
	}
	return code(string(b[from:from+count]), base, from+count)
}

// code is one octet, or a character beyond Latin-1.
func code(digits string, base, size int) ([]byte, int) {
	v, err := strconv.ParseUint(digits, base, 21)
	switch {
	case err != nil:
		return nil, 0
	case v < 256:
		return []byte{byte(v)}, size
	}
	return utf8.AppendRune(nil, rune(v)), size
}

// reference reads a character reference of HTML.
func reference(b []byte) ([]byte, int) {
	end := bytes.IndexByte(b[:min(len(b), 10)], ';')
	if end < 2 {
		return nil, 0
	}
	name := string(b[1:end])
	switch {
	case name == "amp":
		return []byte("&"), end + 1
	case name == "quot":
		return []byte(`"`), end + 1
	case name == "lt":
		return []byte("<"), end + 1
	case name == "gt":
		return []byte(">"), end + 1
	case name[0] != '#' || len(name) < 2:
		return nil, 0
	case name[1] == 'x' || name[1] == 'X':
		return code(name[2:], 16, end+1)
	}
	return code(name[1:], 10, end+1)
}
