package sip

import "bytes"

// hostPort reads host[:port] at pos, blanks around the colon allowed where blanks are; next is where it stopped.
// The host of an IPv6 reference comes without brackets and is checked by its characters only, because RFC 5118
// section 4.10 wants "[2001:db8:::192.0.2.1]" tolerated.
func hostPort(b []byte, pos int) (host []byte, port, next int, ok bool) {
	host, pos, ok = hostAt(b, pos)
	if !ok {
		return nil, 0, pos, false
	}
	colon := skipBlanks(b, pos)
	if colon == len(b) || b[colon] != ':' {
		return host, 0, pos, true
	}
	start := skipBlanks(b, colon+1)
	end := start
	for end < len(b) && b[end] >= '0' && b[end] <= '9' {
		end++
	}
	port, ok = number(b[start:end], 65535)
	return host, port, end, ok && port > 0 && endsHost(b, end)
}

func hostAt(b []byte, pos int) (host []byte, next int, ok bool) {
	if pos < len(b) && b[pos] == '[' {
		end := bytes.IndexByte(b[pos:], ']')
		if end < 0 {
			return nil, pos, false
		}
		host = b[pos+1 : pos+end]
		return host, pos + end + 1, all(host, ipv6Char) && bytes.Count(host, []byte(":")) >= 2 && endsHost(b, pos+end+1)
	}
	end := run(b, pos, hostChar)
	host = b[pos:end]
	return host, end, hostName(host) && endsHost(b, end)
}

// hostName refuses an empty label; the dot at the end of an absolute name is fine.
func hostName(host []byte) bool {
	last := byte('.')
	for _, ch := range host {
		if ch == '.' && last == '.' {
			return false
		}
		last = ch
	}
	return len(host) > 0
}

func endsHost(b []byte, pos int) bool {
	return pos == len(b) || blank(b[pos]) || b[pos] == ':' || b[pos] == ';' || b[pos] == '?'
}
