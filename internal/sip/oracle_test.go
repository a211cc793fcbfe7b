//go:build oracle

package sip_test

import (
	"flag"
	"fmt"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
)

// messages is how many readings have to agree.
var messages = flag.Int("messages", 10_000, "messages to compare with Kamailio's reading")

// A message that two servers read differently lets somebody past one of them: what this reader accepts and a proxy would
// send on, Kamailio must read alike, or not at all.
func TestKamailioReadsWhatIsForwardedAlike(t *testing.T) {
	o := oracle{t: t, kamailio: startKamailio(t)}
	seeds := oracleSeeds(t)
	for _, raw := range seeds {
		o.compare(raw)
	}
	random := rand.New(rand.NewSource(1))
	for tries := 0; o.alike < *messages && tries < 100**messages; tries++ {
		o.compare(mutated(random, seeds))
	}
	t.Logf("%d messages read alike by both; of %d more Kamailio reads a part only, and that alike; %d it does not read; %d are refused here",
		o.alike, o.part, o.unread, o.refused)
	if o.alike < *messages {
		t.Errorf("only %d messages could be compared", o.alike)
	}
}

// oracle counts what became of the messages.
type oracle struct {
	t                            *testing.T
	kamailio                     *kamailio
	alike, part, unread, refused int
}

func (o *oracle) compare(raw []byte) {
	m := new(sip.Message)
	if m.Parse(raw) != nil || m.IsResponse() && m.ViaCount() < 2 {
		o.refused++
		return
	}
	passed := pass(nil, m)
	got, ok := o.kamailio.reads(o.t, passed)
	want := reading(o.t, passed)
	switch {
	case !ok:
		o.unread++
	case got == want:
		o.alike++
	case readInPart(strings.Split(got, "|"), strings.Split(want, "|")):
		o.part++
	default:
		o.t.Errorf("two readings of one message:\n%q\nKamailio  %s\nwe        %s", passed, got, want)
	}
}

// readInPart reports whether Kamailio differs only by what it could not read: a From or To of which it tells nothing (a
// fold inside quotation marks is too much for it), or a header anywhere, after which it counts no values and knows no body.
func readInPart(theirs, ours []string) bool {
	const fromURI, toURI, vias = 0, 2, 7
	for i := range ours {
		party := i &^ 1
		unread := party == fromURI || party == toURI
		unread = unread && theirs[party] == "" && theirs[party+1] == "" || i >= vias && theirs[vias] == "0"
		if theirs[i] != ours[i] && !unread {
			return false
		}
	}
	return true
}

// reading is what this reader makes of a message, as testdata/kamailio.cfg tells it.
func reading(t *testing.T, raw []byte) string {
	m := new(sip.Message)
	if err := m.Parse(raw); err != nil {
		t.Fatalf("what was passed on is refused: %v\n%q", err, raw)
	}
	number, method := m.CSeq()
	return fmt.Sprintf("%x|%x|%x|%x|%x|%d|%x|%d|%d|%d", m.From().URI, m.From().Tag(), m.To().URI, m.To().Tag(), m.CallID(), number, method,
		m.ViaCount(), m.RouteCount(), len(m.Body()))
}

// oracleSeeds are all messages of testdata, in a fixed order.
func oracleSeeds(t *testing.T) [][]byte {
	all := map[string][]byte{}
	for name, raw := range samples(t) {
		all[name] = []byte(raw)
	}
	for name, raw := range tortured(t) {
		all["torture "+name] = raw
	}
	var list [][]byte
	for _, name := range sortedKeys(all) {
		list = append(list, all[name])
	}
	return append(list, []byte(request()), []byte(response()))
}

func sortedKeys(m map[string][]byte) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// spice is what messages are changed with: what ends, folds, quotes, hides or doubles a header somewhere.
var spice = []string{"\r\n", "\n", "\r", "\r\n ", "\r\n\t", " ", "\t", "\x00", "\x01", "\"", "\\", "\\\"", "<", ">", ";", ",", ":", "=", "@", "%00", "%", "?", "[", "]", "(", ")",
	";tag=9", ";tag", ";=", ",<sip:x>", "To: <sip:eve@x>;tag=9\r\n", "t: <sip:eve@x>\r\n", "From: <sip:eve@x>;tag=8\r\n", "f : <sip:eve@x>\r\n", "Call-ID: other\r\n", "i: other\r\n",
	"CSeq: 2 BYE\r\n", "Content-Length: 0\r\n", "l: 5\r\n", "Via: SIP/2.0/TCP evil;branch=z9hG4bK9\r\n", "v: SIP/2.0/UDP a,SIP/2.0/UDP b\r\n", "Route: <sip:evil;lr>\r\n",
	"route: <sip:a;lr>,\"x,y\" <sip:b;lr>\r\n", "X: \"\r\n", "Subject: a\r\n b\r\n", "\xc3\xa9", "\xff"}

// mutated changes a message in one to three places.
func mutated(r *rand.Rand, seeds [][]byte) []byte {
	b := slices.Clone(seeds[r.Intn(len(seeds))])
	for range 1 + r.Intn(3) {
		head := max(1, strings.Index(string(b), "\r\n\r\n"))
		at := r.Intn(min(head+2, len(b)))
		if r.Intn(2) == 0 { // at the beginning of a line, where headers begin
			if next := strings.Index(string(b[at:]), "\r\n"); next >= 0 && at+next+2 <= head+2 {
				at += next + 2
			}
		}
		switch r.Intn(4) {
		case 0:
			b = slices.Delete(b, at, min(at+1+r.Intn(3), len(b)))
		case 1:
			b[at] = spice[r.Intn(len(spice))][0]
		default:
			b = slices.Insert(b, at, []byte(spice[r.Intn(len(spice))])...)
		}
	}
	return b
}

// kamailio is a running Kamailio and the socket on which it tells what it read.
type kamailio struct {
	conn *net.UDPConn
	to   *net.UDPAddr
}

func startKamailio(t *testing.T) *kamailio {
	program, err := exec.LookPath("kamailio")
	if err != nil {
		t.Fatal("Kamailio is not installed; make oracle installs it.")
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	k := &kamailio{conn, freePort(t)}
	config, err := os.ReadFile("testdata/kamailio.cfg")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("HERE", k.to.String(), "THERE", conn.LocalAddr().String()).Replace(string(config))
	file := filepath.Join(t.TempDir(), "kamailio.cfg")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-f", file, "-DD", "-E", "-Y", t.TempDir())
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	for range 100 {
		if k.alive(t) {
			return k
		}
	}
	t.Fatal("Kamailio does not answer.")
	return nil
}

func freePort(t *testing.T) *net.UDPAddr {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr)
}

// alive asks for the reading of an ordinary message, and passes over what was told late.
func (k *kamailio) alive(t *testing.T) bool {
	ordinary := pass(nil, parsed(t, request("Call-ID: ping")))
	k.send(t, ordinary)
	want := reading(t, ordinary)
	for {
		got, ok := k.hear(t)
		if !ok || got == want {
			return ok
		}
	}
}

// reads returns what Kamailio read of a message. What it does not read it says nothing of: an ordinary message sent
// behind it comes first then.
func (k *kamailio) reads(t *testing.T, raw []byte) (string, bool) {
	k.send(t, raw)
	ping := pass(nil, parsed(t, request("Call-ID: ping")))
	k.send(t, ping)
	want := reading(t, ping)
	first, ok := k.hear(t)
	if !ok {
		t.Fatalf("Kamailio fell silent at\n%q", raw)
	}
	if first == want {
		return "", false
	}
	if second, _ := k.hear(t); second != want {
		t.Fatalf("Kamailio tells %s after\n%q", second, raw)
	}
	return trimmed(first), true
}

// trimmed takes the blanks from the end of the Call-ID and the zeros from the front of the CSeq, which Kamailio leaves there.
func trimmed(reading string) string {
	fields := strings.Split(reading, "|")
	for strings.HasSuffix(fields[4], "20") || strings.HasSuffix(fields[4], "09") {
		fields[4] = fields[4][:len(fields[4])-2]
	}
	if len(fields[5]) > 1 {
		fields[5] = strings.TrimLeft(fields[5][:len(fields[5])-1], "0") + fields[5][len(fields[5])-1:]
	}
	return strings.Join(fields, "|")
}

func (k *kamailio) send(t *testing.T, raw []byte) {
	if _, err := k.conn.WriteToUDP(raw, k.to); err != nil {
		t.Fatal(err)
	}
}

func (k *kamailio) hear(t *testing.T) (string, bool) {
	var buf [8192]byte
	if err := k.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := k.conn.Read(buf[:])
	return string(buf[:n]), err == nil
}
