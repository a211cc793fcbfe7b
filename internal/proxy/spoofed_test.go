package proxy

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// Lines by which a request could claim to come from somebody else. %s is an address or a name that would be let in.
var claims = []string{
	"Via: SIP/2.0/TCP %s:5080;branch=z9hG4bKx", "Via: SIP/2.0/TLS %s:5061;received=%[1]s;branch=z9hG4bKy.i", "v: SIP/2.0/TCP h;received=%s;rport=5080",
	"Contact: <sip:x@%s>", "Record-Route: <sip:%s;lr>", "P-Asserted-Identity: <sip:carla@%s>", "P-Preferred-Identity: <sip:%s>",
	"Remote-Party-ID: <sip:%s>;party=calling;screen=yes", "Identity: %s", "Authorization: Digest username=\"%s\"", "Referred-By: <sip:%s>",
	"X-Forwarded-For: %s", "Forwarded: for=%s", "X-Real-IP: %s", "ms-asserted-verification-level: ms-source-verified-user=verified; host=%s",
	"User-Agent: Cisco-Systems-Partitioned %s", "History-Info: <sip:%s>;index=1", "P-Visited-Network-ID: %s", "Supported: %s",
}

// Addresses and names of who is let in, and of nodes.
var trusted = []string{"127.0.0.11", "127.0.0.12", "127.0.0.21", "[::ffff:127.0.0.21]", "imp1.synergy.com", "imp2.synergy.com", "pool.synergy.com"}

// claiming is a request in which everything but its connection says that it comes from somebody trusted.
func claiming(random *rand.Rand, method, to string) siptest.Request {
	who := func() string { return trusted[random.IntN(len(trusted))] }
	r := siptest.NewRequest(method, "carla@synergy.com", to)
	r.SentBy, r.Transport = who(), sip.Transport(random.IntN(3))
	r.Branch = siptest.Unique("z9hG4bK0000000000000000.") + []string{"", ".i", ".i0123456789abcdef", ".o"}[random.IntN(4)]
	r.ViaParams = []string{"", ";received=" + who(), ";rport=5080;received=" + who(), ";maddr=" + who(), ";alias"}[random.IntN(5)]
	r.From = fmt.Sprintf("<sip:carla@%s>;tag=%d", who(), random.Int())
	for range random.IntN(6) {
		line := fmt.Sprintf(claims[random.IntN(len(claims))], who())
		if random.IntN(2) == 0 {
			r.Lines = append(r.Lines, line)
		} else {
			r.Below = append(r.Below, line)
		}
	}
	return r
}

func TestNoHeaderSaysWhereARequestComesFrom(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		random := rand.New(rand.NewPCG(1, 2))
		lync := w.lync()
		for range 1000 {
			s := stranger(w)
			r := claiming(random, "MESSAGE", "carla@synergy.com")
			s.asks(r)
			if s.expect("403"); !s.closed {
				t.Fatalf("not closed after\n%s", r)
			}
			lync.asks(claiming(random, "MESSAGE", "bob@synergy.com"))
			lync.expect("404") // from inside it would go to the Microsoft side
		}
		w.untouched(connectorAt)
		w.untouched(fe1At)
	})
}
