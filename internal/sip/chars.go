package sip

import "bytes"

// Classes of octets in RFC 3261 section 25.1.
const (
	tokenChar  = 1 << iota // token
	hostChar               // hostname or IPv4 address; the underscore is no host character but Windows hosts carry it
	ipv6Char               // inside the brackets of an IPv6 reference
	schemeChar             // scheme after its first letter
	valueChar              // unquoted parameter value: generous, since Microsoft servers put base64 there
	uriChar                // anywhere in a URI: neither blank, control, quote, backslash nor angle bracket
	plainChar              // valueChar but for what others want quoted: an equals sign, a backslash
)

var classes = makeClasses()

func makeClasses() (c [256]uint8) {
	for b := 0x21; b < 0x100; b++ {
		if b == 0x7f {
			continue
		}
		ch := byte(b)
		alpha := ch|0x20 >= 'a' && ch|0x20 <= 'z'
		digit := ch >= '0' && ch <= '9'
		hex := digit || ch|0x20 >= 'a' && ch|0x20 <= 'f'
		mark(&c, ch, tokenChar, alpha || digit || in(ch, "-.!%*_+`'~"))
		mark(&c, ch, hostChar, alpha || digit || in(ch, "-._"))
		mark(&c, ch, ipv6Char, hex || in(ch, ":."))
		mark(&c, ch, schemeChar, alpha || digit || in(ch, "+-."))
		mark(&c, ch, valueChar, !in(ch, `;,"<>`))
		mark(&c, ch, uriChar, !in(ch, `"<>\`))
		mark(&c, ch, plainChar, !in(ch, `;,"<>=\`))
	}
	return c
}

func mark(c *[256]uint8, ch byte, class uint8, member bool) {
	if member {
		c[ch] |= class
	}
}

func in(ch byte, set string) bool { return bytes.IndexByte([]byte(set), ch) >= 0 }

func isClass(ch byte, class uint8) bool { return classes[ch]&class != 0 }

// all reports whether b is not empty and wholly of one class.
func all(b []byte, class uint8) bool {
	return len(b) > 0 && run(b, 0, class) == len(b)
}

// run returns the end of the octets of class that begin at pos.
func run(b []byte, pos int, class uint8) int {
	for i, ch := range b[pos:] {
		if classes[ch]&class == 0 {
			return pos + i
		}
	}
	return len(b)
}

// blank reports linear white space. CR and LF count, because inside an indexed header value they only occur as a fold.
func blank(ch byte) bool {
	return ch <= ' ' && (ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n')
}

func skipBlanks(b []byte, pos int) int {
	for pos < len(b) && blank(b[pos]) {
		pos++
	}
	return pos
}

func trim(b []byte) []byte {
	start, end := trimmed(b, 0, len(b))
	return b[start:end]
}

func trimmed(b []byte, start, end int) (int, int) {
	for start < end && blank(b[start]) {
		start++
	}
	for end > start && blank(b[end-1]) {
		end--
	}
	return start, end
}

// lowerCase maps ASCII capitals to small letters; a table, as names are compared for every line of every message.
var lowerCase = makeLowerCase()

func makeLowerCase() (table [256]byte) {
	for i := range table {
		table[i] = byte(i)
		if i >= 'A' && i <= 'Z' {
			table[i] = byte(i) | 0x20
		}
	}
	return table
}

func lower(ch byte) byte { return lowerCase[ch] }

func appendLower(dst, b []byte) []byte {
	for _, ch := range b {
		dst = append(dst, lower(ch))
	}
	return dst
}

// equalFold compares with text that is already in small letters, without regard to ASCII case.
func equalFold(b []byte, small string) bool {
	if len(b) != len(small) {
		return false
	}
	for i, ch := range b {
		if lower(ch) != small[i] {
			return false
		}
	}
	return true
}

// quotedEnd returns the position after the quoted string that begins at pos, or -1 when it does not end.
func quotedEnd(b []byte, pos int) int {
	for pos++; pos < len(b); pos++ {
		switch b[pos] {
		case '"':
			return pos + 1
		case '\\':
			if pos++; pos < len(b) && (b[pos] == '\r' || b[pos] == '\n') {
				return -1 // a fold cannot be escaped: RFC 3261 section 25.1, quoted-pair
			}
		}
	}
	return -1
}

// number reads decimal digits, leading zeros included, up to max; ten digits at most, so that it cannot overflow.
func number(b []byte, max int) (n int, ok bool) {
	if len(b) == 0 || len(b) > 10 {
		return 0, false
	}
	for _, ch := range b {
		if ch < '0' || ch > '9' {
			return 0, false
		}
		n = n*10 + int(ch-'0')
	}
	return n, n <= max
}
