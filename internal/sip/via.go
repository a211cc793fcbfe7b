package sip

import "strconv"

// Via is one Via value (RFC 3261 section 20.42). The fields are spans of the message.
type Via struct {
	Raw        []byte // the whole value
	Transport  []byte // as written: TLS, tls
	Host       []byte // sent-by host, an IPv6 address without its brackets
	Port       int    // sent-by port, 0: none written
	Branch     []byte // nil: none, which Microsoft clients do (RFC 2543)
	Received   []byte // received parameter, as written
	RPort      bool   // the rport parameter of RFC 3581 is there
	RPortValue int    // its value, 0: none
}

// SentBy returns host:port in lower case, the default port of the transport filled in: the sender's identity that
// transactions are matched by.
func (v Via) SentBy() string { return string(v.AppendSentBy(nil)) }

// AppendSentBy appends what SentBy returns.
func (v Via) AppendSentBy(dst []byte) []byte {
	ipv6 := false
	for _, ch := range v.Host {
		ipv6 = ipv6 || ch == ':'
	}
	if ipv6 {
		dst = append(dst, '[')
	}
	dst = appendLower(dst, v.Host)
	if ipv6 {
		dst = append(dst, ']')
	}
	port := v.Port
	if port == 0 {
		port = v.defaultPort()
	}
	return strconv.AppendInt(append(dst, ':'), int64(port), 10)
}

func (v Via) defaultPort() int {
	if equalFold(v.Transport, "tls") {
		return TLS.DefaultPort()
	}
	return UDP.DefaultPort()
}

// read reads a trimmed value: SIP/2.0/TRANSPORT host[:port];params, with blanks and folds between all of these.
func (v *Via) read(b []byte) (problem string) {
	*v = Via{Raw: b}
	pos, ok := v.readProtocol()
	if !ok {
		return "does not begin with SIP/2.0/ and a transport"
	}
	v.Host, v.Port, pos, ok = hostPort(b, pos)
	if !ok {
		return "has no valid host and port"
	}
	return v.readParams(pos)
}

func (v *Via) readProtocol() (pos int, ok bool) {
	b := v.Raw
	pos, ok = viaVersion(b)
	end := run(b, pos, tokenChar)
	v.Transport = b[pos:end]
	host := skipBlanks(b, end)
	return host, ok && end > pos && host > end
}

// viaVersion reads what nearly everybody writes without blanks.
func viaVersion(b []byte) (pos int, ok bool) {
	const usual = "SIP/2.0/"
	if len(b) > len(usual) && string(b[:len(usual)]) == usual && !blank(b[len(usual)]) {
		return len(usual), true
	}
	name, pos := viaToken(b, 0)
	version, pos := viaToken(b, pos)
	return pos, equalFold(name, "sip") && equalFold(version, "2.0")
}

// viaToken reads a token and the slash after it; without the slash the token is nil.
func viaToken(b []byte, pos int) (token []byte, next int) {
	end := run(b, pos, tokenChar)
	slash := skipBlanks(b, end)
	if slash == len(b) || b[slash] != '/' {
		return nil, end
	}
	return b[pos:end], skipBlanks(b, slash+1)
}

func (v *Via) readParams(pos int) (problem string) {
	p := params{b: v.Raw, pos: pos}
	branches := 0
	for p.next() {
		switch name := p.name(); {
		case equalFold(name, "branch"):
			branches++
			if len(p.value()) > 0 {
				v.Branch = p.value()
			}
		case equalFold(name, "received"):
			v.Received = p.value()
		case equalFold(name, "rport"):
			v.RPort = true
			v.RPortValue, _ = number(p.value(), 65535)
		}
	}
	if branches > 1 {
		return "has more than one branch"
	}
	return p.problem
}
