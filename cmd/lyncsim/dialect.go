package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// dialect writes messages in the manner of one kind of server.
type dialect interface {
	dress(r siptest.Request) siptest.Request // a request as it leaves the server
	answer(l *link, request *sip.Message, a answer) string
	owns(route string) bool         // whether a Route value names this server
	progress() []int                // the provisional answers before an INVITE's 200
	contact(address string) string  // the value
	presence(address string) string // the document that a NOTIFY brings
	passes(l *link) sip.Forward     // what is written into a request that is passed on
}

// answer is what a station says to a request.
type answer struct {
	status            int
	lines             []string
	contentType, body string
}

// plain writes as RFC 3261 has it: a connector behind its node.
type plain struct {
	listen string // host:port where the connector is reached
}

func (plain) dress(r siptest.Request) siptest.Request { return r }

func (plain) answer(_ *link, request *sip.Message, a answer) string {
	return siptest.ResponseWithBody(request, a.status, a.contentType, a.body, a.lines...)
}

func (plain) owns(string) bool { return false }

func (plain) progress() []int { return []int{100, 180} }

func (d plain) contact(address string) string {
	return fmt.Sprintf("<sip:%s@%s;transport=tcp>", userOf(address), d.listen)
}

func (plain) presence(address string) string { return siptest.PIDF(address, "open") }

func (plain) passes(l *link) sip.Forward {
	return sip.Forward{Via: fmt.Appendf(nil, "SIP/2.0/TCP %s;branch=%s", l.LocalAddr(), siptest.Unique("z9hG4bK"))}
}

// digits returns n random hexadecimal digits, as Microsoft's opaque parameters have them.
func digits(n int) string {
	b := make([]byte, (n+1)/2)
	rand.Read(b)
	return strings.ToUpper(hex.EncodeToString(b)[:n])
}

func userOf(address string) string {
	user, _, _ := strings.Cut(address, "@")
	return user
}

// displayName makes "Carl" of carl@synergy.com.
func displayName(address string) string {
	user := userOf(address)
	return strings.ToUpper(user[:min(1, len(user))]) + user[min(1, len(user)):]
}
