package sip

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// URI is a SIP or SIPS URI taken apart (RFC 3261 section 19.1). The fields are spans of the text it was read from.
type URI struct {
	Scheme  []byte // as written
	User    []byte // escapes and a password part left in
	Host    []byte // an IPv6 address without its brackets
	Params  []byte // from the first semicolon: ";transport=tls;lr"
	Headers []byte // after the question mark
	Opaque  []byte // what follows the colon in a scheme other than sip and sips; the fields above are empty then
	Port    int    // 0: none written
	HasUser bool
}

// ParseURI reads a URI. For a scheme other than sip and sips it checks the scheme only. The error is an *Error with
// status 400, or 414 beyond MaxURI.
func ParseURI(b []byte) (URI, error) {
	u, problem := parseURI(b)
	if problem == "" {
		return u, nil
	}
	if len(b) > MaxURI {
		return u, &Error{Status: 414, Reason: problem}
	}
	return u, badRequest(problem)
}

func parseURI(b []byte) (u URI, problem string) {
	if len(b) > MaxURI {
		return u, "The URI is longer than 1024 bytes."
	}
	colon := schemeEnd(b)
	if colon < 0 {
		return u, "The URI has no scheme such as sip: in front."
	}
	u.Scheme = b[:colon]
	rest := b[colon+1:]
	if !all(rest, uriChar) {
		return u, "The URI is empty after its scheme, or holds a blank, a control character, a quotation mark or an angle bracket."
	}
	if !u.IsSIP() {
		u.Opaque = rest
		return u, ""
	}
	return u, u.parseRest(rest)
}

// schemeEnd returns the position of the colon after a URI's scheme, -1 when there is no scheme.
func schemeEnd(b []byte) int {
	end := run(b, 0, schemeChar)
	if end == 0 || end == len(b) || b[end] != ':' || !letter(b[0]) {
		return -1
	}
	return end
}

func letter(ch byte) bool { return ch|0x20 >= 'a' && ch|0x20 <= 'z' }

// parseRest reads [user@]host[:port][;params][?headers]. The user part may hold semicolons and question marks
// (RFC 4475 section 3.1.1.9), but neither it nor what follows may hold another unescaped at sign.
func (u *URI) parseRest(rest []byte) (problem string) {
	if at := bytes.IndexByte(rest, '@'); at >= 0 {
		u.User, u.HasUser = rest[:at], true
		rest = rest[at+1:]
		if at == 0 || bytes.IndexByte(rest, '@') >= 0 {
			return "The URI has an empty user part or a second @ sign."
		}
	}
	host, port, pos, ok := hostPort(rest, 0)
	if !ok {
		return "The URI has no valid host and port."
	}
	u.Host, u.Port = host, port
	return u.parseTail(rest[pos:])
}

func (u *URI) parseTail(tail []byte) (problem string) {
	u.Params = tail
	if q := bytes.IndexByte(tail, '?'); q >= 0 {
		u.Params, u.Headers = tail[:q], tail[q+1:]
		if len(u.Headers) == 0 {
			return "The URI ends in a question mark without headers."
		}
	}
	p := params{b: u.Params, uri: true}
	for p.next() {
	}
	if p.problem != "" {
		return "The URI " + p.problem + "."
	}
	return ""
}

// IsSIP reports whether the scheme is sip or sips.
func (u URI) IsSIP() bool { return equalFold(u.Scheme, "sip") || u.IsSIPS() }

// IsSIPS reports whether the scheme is sips.
func (u URI) IsSIPS() bool { return equalFold(u.Scheme, "sips") }

// Param returns the value of a URI parameter by its name in any case; a flag such as lr has the value "".
func (u URI) Param(name string) (value []byte, ok bool) {
	return findParam(params{b: u.Params, uri: true}, strings.ToLower(name))
}

// Address returns "user@host" in lower case with percent escapes resolved, the key that users are compared by, as
// "sip:%61lice@Synergy.com" and "sip:alice@synergy.com" are one user (RFC 3261 section 19.1.4). A password is left out.
// Without a user part it is the host alone, for another scheme the whole URI.
func (u URI) Address() string {
	var space [128]byte
	return string(u.AppendAddress(space[:0]))
}

// AppendAddress appends what Address returns.
func (u URI) AppendAddress(dst []byte) []byte {
	if u.Opaque != nil {
		dst = append(appendLower(dst, u.Scheme), ':')
		return appendLower(dst, u.Opaque)
	}
	if u.HasUser {
		dst = append(u.appendUser(dst), '@')
	}
	return u.appendHost(dst)
}

func (u URI) appendUser(dst []byte) []byte {
	user := u.User
	if colon := bytes.IndexByte(user, ':'); colon >= 0 {
		user = user[:colon]
	}
	start, ascii := len(dst), true
	for i := 0; i < len(user); i++ {
		ch := user[i]
		if value, ok := escaped(user[i:]); ok {
			ch = value
			i += 2
		}
		ascii = ascii && ch < utf8.RuneSelf
		dst = append(dst, lower(ch))
	}
	if !ascii && utf8.Valid(dst[start:]) {
		dst = append(dst[:start], bytes.ToLower(dst[start:])...)
	}
	return dst
}

// escaped reads "%41". A percent sign that begins no escape stays as it is (RFC 4475 section 3.1.1.5).
func escaped(b []byte) (value byte, ok bool) {
	if len(b) < 3 || b[0] != '%' {
		return 0, false
	}
	high, low := hexDigit(b[1]), hexDigit(b[2])
	return byte(high<<4 | low), high >= 0 && low >= 0
}

func hexDigit(ch byte) int {
	switch {
	case ch >= '0' && ch <= '9':
		return int(ch - '0')
	case ch|0x20 >= 'a' && ch|0x20 <= 'f':
		return int(ch|0x20-'a') + 10
	}
	return -1
}

// HostString returns the host in lower case, without a trailing dot and without the brackets of an IPv6 address.
func (u URI) HostString() string {
	var space [128]byte
	return string(u.appendHost(space[:0]))
}

func (u URI) appendHost(dst []byte) []byte {
	host := u.Host
	if n := len(host); n > 0 && host[n-1] == '.' {
		host = host[:n-1]
	}
	return appendLower(dst, host)
}
