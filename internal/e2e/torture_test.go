package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

const tortureDir = "../sip/testdata/torture/"

// fate is a line of fates.txt: what becomes of a message, word for word in the order in which it happens.
type fate struct {
	name             string
	tcp, routed, udp []string
}

var column = regexp.MustCompile(` {2,}`)

// fates reads the table, whose columns stand at least two blanks apart.
func fates(t *testing.T) []fate {
	t.Helper()
	text, err := os.ReadFile(tortureDir + "fates.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []fate
	for l := range strings.Lines(string(text)) {
		if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
			continue
		}
		f := column.Split(l, 5)
		if len(f) != 5 {
			t.Fatalf("fates.txt: five columns with two blanks between are wanted: %q", l)
		}
		list = append(list, fate{f[0], strings.Fields(f[1]), strings.Fields(f[2]), strings.Fields(f[3])})
	}
	return list
}

func TestEachTortureMessageHasAFate(t *testing.T) {
	var named, there []string
	for _, f := range fates(t) {
		named = append(named, f.name)
	}
	files, err := filepath.Glob(tortureDir + "*.sip")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		there = append(there, strings.TrimSuffix(filepath.Base(f), ".sip"))
	}
	slices.Sort(named)
	slices.Sort(there)
	if !slices.Equal(named, there) || len(there) != 49+12 {
		t.Errorf("%d messages and %d fates:\n%q\n%q", len(there), len(named), there, named)
	}
}

// torture is a world whose node knows the domains that the messages name. What is forwarded arrives at all.
type torture struct {
	*world
	all *inbox
}

func newTorture(t *testing.T) torture {
	w := newWorld(t, newDatabase(t))
	w.node.apply(w.tortureDocument())
	w.importCertificates(w.ca)
	w.node.serve()
	all := &inbox{w.fe1.Listener, make(chan arrival, 64)}
	for _, i := range []*inbox{w.connector, w.fe1, w.fe2} {
		go i.moveTo(all, t.Context().Done())
	}
	return torture{w, all}
}

// moveTo lets another inbox have what arrives.
func (i *inbox) moveTo(other *inbox, end <-chan struct{}) {
	for {
		select {
		case a := <-i.arrived:
			other.arrived <- a
		case <-end:
			return
		}
	}
}

func (w *world) tortureDocument() string {
	text := fmt.Sprintf(`settings: {partitioned_federation: true, default_domain: synergy.com}
nodes:
  - {name: imp1.synergy.com, address: %[1]s%[2]s}
users:
  - {id: user, im_address: user@example.com, licensed: true, node: imp1.synergy.com}
  - {id: userb, im_address: userb@example.com, licensed: true, node: imp1.synergy.com}
acl:
  - {pattern: %[1]s0/24}
listeners:
  - {name: Default SIP Proxy TCP Listener, transport: tcp, port: 5060}
  - {name: Default SIP Proxy UDP Listener, transport: udp, port: 5060}
  - {name: Default SIP Proxy TLS Listener - Peer Auth, transport: tls, port: 5061, tls_context: sip-proxy-peer-auth}
tls_contexts:
  - {name: sip-proxy-peer-auth, verify_client: true, peer_subjects: [fe1.synergy.com, fe2.synergy.com]}
  - {name: sip-proxy-server-auth, verify_client: false}
tls_peer_subjects:
  - name: fe1.synergy.com
  - name: fe2.synergy.com
domains:
  - name: synergy.com
`, w.net, nodeHost)
	routes := w.routes("{destination: .com.example.services, type: domain, next_hop: FE1, port: 5061, transport: tls}",
		"{destination: .com.synergy.fe2, type: domain, next_hop: FE2, port: 5061, transport: tls}")
	for _, domain := range []string{"com.example", "net.example", "org.example", "com.example.chair-dnrc", "com.example.registrar"} {
		labels := strings.Split(domain, ".")
		slices.Reverse(labels)
		text += "  - name: " + strings.Join(labels, ".") + "\n"
		routes += fmt.Sprintf("  - {destination: .%s, type: domain, next_hop: %s%s, port: 5061, transport: tls}\n", domain, w.net, fe1Host)
	}
	return text + routes
}

func TestTortureMessagesMeetTheirFate(t *testing.T) {
	t.Parallel()
	w := newTorture(t)
	for _, f := range fates(t) {
		raw := read(t, f.name)
		t.Run(f.name, func(t *testing.T) { w.meets(t, f.tcp, w.stream(t), raw) })
		if f.routed[0] != "-" && !slices.Equal(f.tcp, []string{"closed"}) {
			t.Run(f.name+", routed", func(t *testing.T) {
				c := w.stream(t)
				w.meets(t, f.routed, c, rerouted(raw, c.LocalAddr().String()))
			})
		}
	}
}

// TestTortureDatagramsMeetTheirFate sends each message from an address of its own, and from the port to which its Via wants
// the answer. Over UDP a transaction is remembered for a while, so messages that share a branch get one of their own.
func TestTortureDatagramsMeetTheirFate(t *testing.T) {
	t.Parallel()
	w := newTorture(t)
	seen := map[string]bool{}
	for i, f := range fates(t) {
		t.Run(f.name, func(t *testing.T) {
			raw := read(t, f.name)
			branch := string(topVia(raw).Branch)
			if seen[branch] {
				raw = strings.Replace(raw, "branch="+branch, "branch="+siptest.Unique("z9hG4bK"), 1)
			}
			seen[branch] = true
			c, err := datagrams(fmt.Sprint(w.net, 100+i), raw, w.net+nodeHost)
			if err != nil {
				t.Fatal(err)
			}
			w.meets(t, f.udp, c, raw)
		})
	}
}

// topVia is the first Via, as far as it can be read.
func topVia(raw string) sip.Via {
	var m sip.Message
	_ = m.Parse([]byte(raw)) // many are meant to be refused
	return m.Via(0)
}

func datagrams(from, raw, node string) (*siptest.Conn, error) {
	port := topVia(raw).Port
	if port == 0 {
		port = sip.UDP.DefaultPort()
	}
	d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from), Port: port}}
	c, err := d.Dial("udp", node+":5060")
	if err != nil {
		return nil, err
	}
	return siptest.NewConn(c, patience), nil
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(tortureDir + name + ".sip")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// stream is a connection from inside.
func (w torture) stream(t *testing.T) *siptest.Conn {
	c, err := siptest.Dial(w.net+nodeHost+":5060", siptest.Options{Local: w.net + nodeHost, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// meets sends a message over a connection of its own, and sees what becomes of it.
func (w torture) meets(t *testing.T, want []string, c *siptest.Conn, raw string) {
	defer c.Close()
	s := sender{t: t, conn: c, raw: raw}
	s.writes(raw)
	closes := want[len(want)-1] == "closed"
	for _, word := range want {
		s.sees(w, word)
	}
	if !closes {
		s.writes(with(siptest.Probe("imp1.synergy.com"), func(r *siptest.Request) { r.SentBy = c.LocalAddr().String() }).String())
		s.expect("200")
	}
	w.all.nothing(t)
}

// sender reads answers as text, since they repeat what was broken.
type sender struct {
	t    *testing.T
	conn *siptest.Conn
	raw  string // as sent
	read string // and not yet looked at
	last string // status, which may come again over UDP
}

func (s *sender) writes(raw string) {
	s.t.Helper()
	if err := s.conn.Write(raw); err != nil {
		s.t.Fatal(err)
	}
}

// sees waits for one part of the fate. What was forwarded is answered before the connection is closed.
func (s *sender) sees(w torture, word string) {
	s.t.Helper()
	switch word {
	case "forwarded":
		s.arrives(w)
		s.expect("200")
	case "discarded":
	case "closed":
		s.closed()
	default:
		s.expect(word)
	}
}

func (s *sender) arrives(w torture) {
	s.t.Helper()
	select {
	case a := <-w.all.arrived:
		sent := s.raw
		if at := strings.LastIndex(sent, "\r\n\r\n\r\n"+a.Method()+" "); at >= 0 {
			sent = sent[at+6:]
		}
		same(s.t, sent, string(a.Bytes()))
		a.answers(s.t, 200)
	case <-time.After(siptest.Timeout):
		answer, _ := s.conn.ReadRaw(time.Millisecond)
		s.t.Fatalf("it did not arrive; the answer was %q", answer)
	}
}

var statusLine = regexp.MustCompile(`(?m)^SIP/2\.0 (\d\d\d) `)

// expect reads up to the next status but 100.
func (s *sender) expect(status string) {
	s.t.Helper()
	for {
		for m := statusLine.FindStringSubmatchIndex(s.read); m != nil; m = statusLine.FindStringSubmatchIndex(s.read) {
			got := s.read[m[2]:m[3]]
			rest := s.read[m[1]:]
			if got != "100" && got != status && got != s.last {
				s.t.Fatalf("answered %q instead of %s", s.read, status)
			}
			if s.read = rest; got == status {
				s.last = status
				return
			}
		}
		more, err := s.conn.ReadRaw(siptest.Timeout)
		if err != nil {
			s.t.Fatalf("waiting for %s after %q: %v", status, s.read, err)
		}
		s.read += more
	}
}

func (s *sender) closed() {
	s.t.Helper()
	for {
		more, err := s.conn.ReadRaw(patience)
		if siptest.Closed(err) {
			return
		}
		if status := statusLine.FindStringSubmatch(more); err != nil || status != nil && status[1] != "100" {
			s.t.Fatalf("instead of closing: %q %v", more, err)
		}
	}
}

// parts are a message's start line, its header lines with the lines that continue them, and its body.
func parts(raw string) (start string, headers []string, body string) {
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	for i, l := range strings.Split(head, "\r\n") {
		switch {
		case i == 0:
			start = l
		case strings.HasPrefix(l, " ") || strings.HasPrefix(l, "\t"):
			headers[len(headers)-1] += "\r\n" + l
		default:
			headers = append(headers, l)
		}
	}
	return start, headers, body
}

// nameOf is a header's name in small letters, long.
func nameOf(header string) string {
	name, _, _ := strings.Cut(header, ":")
	name = strings.ToLower(strings.TrimSpace(name))
	return map[string]string{"v": "via", "l": "content-length"}[name] + map[bool]string{true: name}[name != "v" && name != "l"]
}

// rerouted is the message as a proxy at this address passes it on toward the second front end.
func rerouted(raw, sender string) string {
	at := strings.Index(raw, "\r\n\r\n")
	if at < 0 {
		at = len(raw)
	}
	start, headers, _ := parts(raw[:at] + "\r\n\r\n")
	headers = slices.DeleteFunc(headers, func(h string) bool { return nameOf(h) == "route" })
	headers = append([]string{start, "Via: SIP/2.0/TCP " + sender + ";branch=" + siptest.Unique("z9hG4bK"),
		"Route: <sip:fe2.synergy.com:5061;transport=tls;lr>"}, headers...)
	return strings.Join(headers, "\r\n") + raw[at:]
}

var (
	stamp      = regexp.MustCompile(`;received=[^;,\s]*|(;rport)=\d+`)
	colonBlank = regexp.MustCompile(`^([^\s:]+)\s+:`)
)

// same holds that what arrived is what was sent but for what a proxy adds, counts down and takes off.
func same(t *testing.T, sent, arrived string) {
	t.Helper()
	sentStart, sentHeaders, sentBody := parts(sent)
	start, headers, body := parts(arrived)
	if start != sentStart {
		t.Errorf("the request line became %q", start)
	}
	if hops := hopsOf(sentHeaders) - 1; hopsOf(headers) != max(hops, 0)+map[bool]int{true: 70}[hops < 0] {
		t.Errorf("Max-Forwards became %d", hopsOf(headers))
	}
	if !strings.HasPrefix(headers[0], "Via: SIP/2.0/T") || !strings.Contains(headers[0], " imp1.synergy.com:") {
		t.Errorf("our Via is not on top: %q", headers[0])
	}
	want, got := kept(sentHeaders), kept(headers[1:])
	if !slices.ContainsFunc(want, lengths) && slices.Contains(got, fmt.Sprint("Content-Length: ", len(body))) {
		got = slices.DeleteFunc(got, lengths)
	}
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("header %d is not the same:\n%q\n%q", i, want, got)
		}
	}
	if length := len(body); body != sentBody[:min(length, len(sentBody))] || length == 0 && len(sentBody) > 0 {
		t.Errorf("the body became %q", body)
	}
}

// hopsOf is the Max-Forwards, 0 when there is none.
func hopsOf(headers []string) int {
	for _, h := range headers {
		if nameOf(h) == "max-forwards" {
			_, value, _ := strings.Cut(h, ":")
			n, _ := strconv.Atoi(strings.TrimSpace(value))
			return n
		}
	}
	return 0
}

func lengths(header string) bool { return nameOf(header) == "content-length" }

// kept are the lines that have to be there as they were. The first Via is without the address that the node noted there.
func kept(headers []string) []string {
	var list []string
	stamped := false
	for _, h := range headers {
		switch name := nameOf(h); {
		case name == "route" || name == "max-forwards" || name == "max-breadth":
			continue
		case name == "record-route" && strings.Contains(h, "sip:imp1.synergy.com:"):
			continue
		case name == "via" && !stamped:
			h, stamped = stamp.ReplaceAllString(h, "$1"), true
		}
		list = append(list, colonBlank.ReplaceAllString(h, "$1:"))
	}
	return list
}

// TestTortureResponsesAsAnswers has the front end answer with the messages that are responses, once they name the request
// that they answer.
func TestTortureResponsesAsAnswers(t *testing.T) {
	t.Parallel()
	w := newTorture(t)
	for _, r := range []struct{ name, upstream string }{
		{"unreason", "SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e "},
		{"noreason", ""},
		{"bigcode", ""},
		{"scalarlg", ""}, // a 503 is for the node alone; the front end is asked no more
		{"bcast", "SIP/2.0 200 OK\r\n"},
	} {
		t.Run(r.name, func(t *testing.T) {
			peer := w.inside(t)
			peer.Sends(hello(ann, "somebody@example.net"))
			a := w.all.expect(t, "MESSAGE")
			if err := a.conn.Write(answering(read(t, r.name), a)); err != nil {
				t.Fatal(err)
			}
			if r.upstream == "" {
				a.answers(t, 200)
				r.upstream = "SIP/2.0 200 OK\r\n"
				if r.name == "scalarlg" {
					r.upstream = "SIP/2.0 504 "
				}
			}
			if got := peer.Expect(r.upstream[8:11]); !strings.HasPrefix(string(got.Bytes()), r.upstream) {
				t.Errorf("upstream came\n%s", got.Bytes())
			}
		})
	}
}

// answering is a response with the headers in place that say what it answers.
func answering(raw string, a arrival) string {
	start, headers, body := parts(raw)
	_, request, _ := parts(string(a.Bytes()))
	kept := []string{start}
	for _, h := range request {
		if slices.Contains([]string{"via", "from", "to", "call-id", "cseq"}, nameOf(h)) {
			kept = append(kept, h)
		}
	}
	for _, h := range headers {
		if !slices.Contains([]string{"via", "from", "to", "call-id", "cseq"}, nameOf(h)) {
			kept = append(kept, h)
		}
	}
	return strings.Join(kept, "\r\n") + "\r\n\r\n" + body
}
