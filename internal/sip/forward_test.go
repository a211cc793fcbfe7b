package sip_test

import (
	"net/netip"
	"strings"
	"testing"

	"isthmus/internal/sip"
)

var ours = []byte("SIP/2.0/TLS imp1.synergy.com:5061;branch=z9hG4bKours")

func forwarded(t testing.TB, raw string, f sip.Forward) string {
	t.Helper()
	if f.Via == nil {
		f.Via = ours
	}
	return string(parsed(t, raw).AppendForward(nil, f))
}

func TestAForwardedRequestKeepsEverythingElseByteForByte(t *testing.T) {
	for name, raw := range samples(t) {
		m := parsed(t, raw)
		if !m.IsRequest() {
			continue
		}
		hops, _ := m.MaxForwards()
		first, rest, _ := strings.Cut(raw, "\r\n")
		want := first + "\r\nVia: " + string(ours) + "\r\nRecord-Route: <sip:imp1.synergy.com:5061;transport=tls;lr>\r\n" + rest
		f := sip.Forward{RecordRoutes: [][]byte{[]byte("<sip:imp1.synergy.com:5061;transport=tls;lr>")}, MaxForwards: hops}
		equal(t, name, forwarded(t, raw, f), want)
	}
}

// Each case names the lines that differ: what is forwarded, from what, with which changes.
func TestForwardChangesWhatItWasToldOnly(t *testing.T) {
	uri := []byte("sip:bob@imp2.synergy.com")
	const a, b, c = "<sip:a.synergy.com;lr>", "<sip:b.synergy.com;lr>", `"C, D" <sip:c.synergy.com;lr>`
	for _, c := range []struct {
		promise string
		in      []string
		f       sip.Forward
		out     []string
		leading string // lines after our Via
	}{
		{"Max-Forwards is replaced", nil, sip.Forward{}, []string{"Max-Forwards: 69"}, ""},
		{"the name of Max-Forwards stays as written", []string{"-Max-Forwards", "+MAX-forwards  :  0070"}, sip.Forward{},
			[]string{"-Max-Forwards", "+MAX-forwards: 69"}, ""},
		{"a missing Max-Forwards is added", []string{"-Max-Forwards"}, sip.Forward{}, []string{"-Max-Forwards"}, "Max-Forwards: 69\r\n"},
		{"a missing Max-Breadth is added", nil, sip.Forward{MaxBreadth: 60}, []string{"Max-Forwards: 69"}, "Max-Breadth: 60\r\n"},
		{"a Max-Breadth that is there stays", []string{"+max-breadth: 007"}, sip.Forward{MaxBreadth: 60},
			[]string{"Max-Forwards: 69", "+max-breadth: 007"}, ""},
		{"the Request-URI is replaced", nil, sip.Forward{RequestURI: uri},
			[]string{"=MESSAGE sip:bob@imp2.synergy.com SIP/2.0", "Max-Forwards: 69"}, ""},
		{"two Record-Routes come in order", nil, sip.Forward{RecordRoutes: [][]byte{[]byte(a), []byte(b)}},
			[]string{"Max-Forwards: 69"}, "Record-Route: " + a + "\r\nRecord-Route: " + b + "\r\n"},
		{"blanks before a colon are removed, folds stay", []string{"+X \t :  y\r\n  z", "+To-Do : a"}, sip.Forward{},
			[]string{"Max-Forwards: 69", "+X:  y\r\n  z", "+To-Do: a"}, ""},
		{"a whole Route line is dropped", []string{"+Route: " + a, "+Route: " + b}, sip.Forward{DropRoutes: 1},
			[]string{"Max-Forwards: 69", "+Route: " + b}, ""},
		{"part of a Route line is dropped", []string{"+Route: " + a + " , " + c, "+Route: " + b}, sip.Forward{DropRoutes: 1},
			[]string{"Max-Forwards: 69", "+Route: " + c, "+Route: " + b}, ""},
		{"routes are dropped across lines", []string{"+Route: " + a + "," + b, "+X: y", "+Route: " + c + "," + a}, sip.Forward{DropRoutes: 3},
			[]string{"Max-Forwards: 69", "+X: y", "+Route: " + a}, ""},
		{"all routes are dropped", []string{"+Route: " + a + "," + b, "+route: " + c}, sip.Forward{DropRoutes: 3},
			[]string{"Max-Forwards: 69"}, ""},
		{"more are dropped than there are", []string{"+Route: " + a}, sip.Forward{DropRoutes: 9}, []string{"Max-Forwards: 69"}, ""},
		{"the last route is added", []string{"+Route: " + a, "+X: y"}, sip.Forward{LastRoute: []byte(b)},
			[]string{"Max-Forwards: 69", "+Route: " + a, "+Route: " + b, "+X: y"}, ""},
		{"the last route replaces the dropped", []string{"+Route: " + a, "+X: y"}, sip.Forward{DropRoutes: 1, LastRoute: []byte(b)},
			[]string{"Max-Forwards: 69", "+Route: " + b, "+X: y"}, ""},
		{"the last route is dropped from its line", []string{"+Route: " + a + "," + b + " , " + c, "+X: y"}, sip.Forward{DropLast: true},
			[]string{"Max-Forwards: 69", "+Route: " + a + "," + b, "+X: y"}, ""},
		{"... with the line", []string{"+Route: " + a, "+X: y", "+Route: " + b}, sip.Forward{DropLast: true},
			[]string{"Max-Forwards: 69", "+Route: " + a, "+X: y"}, ""},
		{"... with the first", []string{"+Route: " + a + "," + b, "+Route: " + c}, sip.Forward{DropLast: true, DropRoutes: 1},
			[]string{"Max-Forwards: 69", "+Route: " + b}, ""},
		{"... with all", []string{"+Route: " + a + "," + b}, sip.Forward{DropLast: true, DropRoutes: 1}, []string{"Max-Forwards: 69"}, ""},
		{"... and replaced", []string{"+Route: " + a + "," + b}, sip.Forward{DropLast: true, LastRoute: []byte(c)},
			[]string{"Max-Forwards: 69", "+Route: " + a, "+Route: " + c}, ""},
		{"the last route is the only one", nil, sip.Forward{LastRoute: []byte(b)}, []string{"Max-Forwards: 69"}, "Route: " + b + "\r\n"},
		{"a missing Content-Length is added", []string{"-Content-Length"}, sip.Forward{},
			[]string{"Max-Forwards: 69", "-Content-Length"}, "Content-Length: 0\r\n"},
	} {
		t.Run(c.promise, func(t *testing.T) {
			c.f.MaxForwards = 69
			first, rest, _ := strings.Cut(request(c.out...), "\r\n")
			want := first + "\r\nVia: " + string(ours) + "\r\n" + c.leading + rest
			equal(t, "forwarded", forwarded(t, request(c.in...), c.f), want)
		})
	}
}

// The sender's Via gets received and rport (RFC 3261 section 18.2.1, RFC 3581 section 4).
func TestTheSendersViaIsStamped(t *testing.T) {
	v4, v6 := netip.MustParseAddr("192.0.2.21"), netip.MustParseAddr("2001:db8::1")
	for _, c := range []struct {
		promise, via string
		received     netip.Addr
		want         string
	}{
		{"a sent-by that is the address stays", "SIP/2.0/TCP 192.0.2.21:5060;branch=z9hG4bKa", v4, "SIP/2.0/TCP 192.0.2.21:5060;branch=z9hG4bKa"},
		{"without an address nothing is stamped", "SIP/2.0/TCP h;rport", netip.Addr{}, "SIP/2.0/TCP h;rport"},
		{"a host name gets received", "SIP/2.0/TLS lync01.synergy.com;branch=z9hG4bKa", v4,
			"SIP/2.0/TLS lync01.synergy.com;branch=z9hG4bKa;received=192.0.2.21"},
		{"another address gets received", "SIP/2.0/TCP 192.0.2.2", v4, "SIP/2.0/TCP 192.0.2.2;received=192.0.2.21"},
		{"rport is answered, with received", "SIP/2.0/UDP 192.0.2.21;rport;branch=z9hG4bKa", v4,
			"SIP/2.0/UDP 192.0.2.21;rport=1234;branch=z9hG4bKa;received=192.0.2.21"},
		{"what the sender claims is replaced", "SIP/2.0/UDP h;received=10.0.0.1;rport=9;branch=z9hG4bKa", v4,
			"SIP/2.0/UDP h;received=192.0.2.21;rport=1234;branch=z9hG4bKa"},
		{"a received without value is filled", "SIP/2.0/UDP h;received;branch=z9hG4bKa", v4, "SIP/2.0/UDP h;received=192.0.2.21;branch=z9hG4bKa"},
		{"IPv6 goes without brackets", "SIP/2.0/TCP [2001:db8::2]", v6, "SIP/2.0/TCP [2001:db8::2];received=2001:db8::1"},
		{"another spelling of the IPv6 address stays", "SIP/2.0/TCP [2001:DB8:0::1]:5060", v6, "SIP/2.0/TCP [2001:DB8:0::1]:5060"},
		{"a mapped address is the IPv4 address", "SIP/2.0/TCP 192.0.2.21", netip.MustParseAddr("::ffff:192.0.2.21"), "SIP/2.0/TCP 192.0.2.21"},
		{"only the topmost is stamped", "SIP/2.0/TCP h ,SIP/2.0/TCP i;rport", v4, "SIP/2.0/TCP h;received=192.0.2.21 ,SIP/2.0/TCP i;rport"},
		{"quotes are no parameters", `SIP/2.0/TLS h;x=";rport;received=1"`, v4, `SIP/2.0/TLS h;x=";rport;received=1";received=192.0.2.21`},
	} {
		t.Run(c.promise, func(t *testing.T) {
			f := sip.Forward{MaxForwards: 70, Received: c.received, RPort: 1234}
			first, rest, _ := strings.Cut(request("Via: "+c.want), "\r\n")
			equal(t, "forwarded", forwarded(t, request("Via: "+c.via), f), first+"\r\nVia: "+string(ours)+"\r\n"+rest)
			answer := parsed(t, request("Via: "+c.via)).AppendAnswer(nil, sip.Answer{Status: 200, Received: c.received, RPort: 1234})
			if !strings.Contains(string(answer), "\r\nVia: "+c.want+"\r\n") {
				t.Errorf("answer:\n%s", answer)
			}
		})
	}
}

func TestUpstreamAResponseLosesItsTopViaOnly(t *testing.T) {
	const own, next = "SIP/2.0/TLS imp1.synergy.com;branch=z9hG4bKown", `SIP/2.0/TCP h;x="a,b"`
	for _, c := range []struct {
		promise string
		in, out []string
	}{
		{"a line of its own", nil, []string{"-Via"}},
		{"a line shared with the next", []string{"-Via", "Via: " + own + " ,\r\n " + next}, []string{"-Via", "Via: " + next}},
		{"a compact line", []string{"-Via", "-Via", "+v: " + own + "," + next}, []string{"-Via", "-Via", "+v: " + next}},
		{"blanks before a colon go too", []string{"+X : y"}, []string{"-Via", "+X: y"}},
		{"the Via of others with blanks", []string{"-Via", "Via: " + own, "+Via : " + next}, []string{"-Via", "-Via", "+Via: " + next}},
	} {
		t.Run(c.promise, func(t *testing.T) {
			equal(t, "upstream", string(parsed(t, response(c.in...)).AppendUpstream(nil)), response(c.out...))
		})
	}
	raw := sample(t, "101-progress-report.sip")
	top := "Via: SIP/2.0/TLS imp1.synergy.com:5061;branch=z9hG4bKimp.1;ms-received-port=41200;ms-received-cid=44F00\r\n"
	equal(t, "sample", string(parsed(t, raw).AppendUpstream(nil)), strings.Replace(raw, top, "", 1))
	datagram := response("-Content-Length") + "hello"
	up := parsed(t, string(parsed(t, datagram).AppendUpstream(nil)))
	length, _ := up.HeaderValue("Content-Length")
	equal(t, "a missing Content-Length is added", string(length)+string(up.Body()), "5hello")
}

func TestAppendingKeepsWhatIsThere(t *testing.T) {
	dst := parsed(t, request()).AppendForward([]byte("before"), sip.Forward{Via: ours, MaxForwards: 1})
	if !strings.HasPrefix(string(dst), "beforeMESSAGE sip:bob@synergy.com SIP/2.0\r\nVia: SIP/2.0/TLS imp1") {
		t.Errorf("appended: %q", dst)
	}
}
