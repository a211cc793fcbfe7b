package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"isthmus/internal/dnstest"
	"isthmus/internal/siptest"
)

// Addresses that only names admit: by the name's own record, by a confirmed PTR record, and by one that lies.
const (
	namedHost     = "41"
	confirmedHost = "42"
	lyingHost     = "43"
)

// zone is what DNS says of the world. Each answer holds a second.
func (w *world) zone(t *testing.T, more ...string) []string {
	t.Helper()
	reverse := func(host string) string {
		name, err := dns.ReverseAddr(w.net + host)
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	return append(more,
		"edge.other.com. 1 IN A "+w.net+namedHost,
		reverse(confirmedHost)+" 1 IN PTR chat.foo.com.", "chat.foo.com. 1 IN A "+w.net+confirmedHost,
		reverse(lyingHost)+" 1 IN PTR chat.foo.com.",
	)
}

// An outcome is what came of asking the node for an answer.
type outcome struct {
	status int
	text   string
	took   time.Duration
}

// knock connects from a host and asks the node for an answer. Without one the outcome says why.
func (w *world) knock(host string) (o outcome) {
	c, err := siptest.Dial(w.net+nodeHost+":5061", w.from(host, "fe1.synergy.com"))
	if err != nil {
		return outcome{text: err.Error()}
	}
	defer c.Close()
	began := time.Now()
	if err := c.Send(siptest.Probe("imp1.synergy.com")); err != nil {
		return outcome{text: err.Error()}
	}
	m, err := c.Receive()
	if err != nil {
		return outcome{text: err.Error()}
	}
	return outcome{m.Status(), string(m.Bytes()), time.Since(began)}
}

const namedACL = "acl:\n  - pattern: edge.other.com\n  - pattern: foo.com\n"

func TestNamesOfTheACLAdmitByDNS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDatabase(t))
	server := dnstest.Start(t, "127.0.0.1", w.zone(t)...)
	w.setUp()
	p := w.node.serve("--dns", server.Addr)
	w.applied(t, namedACL+"  - pattern: "+w.net+fe1Host+"\n")
	for _, c := range []struct {
		promise, host string
		status        int
	}{
		{"an address that an FQDN of the list has", namedHost, 200},
		{"a PTR name under a domain of the list that leads back", confirmedHost, 200},
		{"a PTR name that leads elsewhere", lyingHost, 403},
		{"an address without a name", stranger, 403},
		{"a listed address", fe1Host, 200},
	} {
		if o := w.knock(c.host); o.status != c.status || o.took > time.Second {
			t.Errorf("%s: after %s\n%s", c.promise, o.took, o.text)
		}
	}
	eventually(t, patience, "the refusal in the log", func() bool {
		return says(p, `"reason":"ACL - upstream not trusted`, w.net+lyingHost)
	})

	t.Run("with DNS dead, who is known is served and a stranger refused after two seconds", func(t *testing.T) {
		const literal = "incoming ACL check took over 2 seconds - check DNS"
		server.Deaf(true)
		refused := make(chan outcome, 1)
		go func() { refused <- w.knock("44") }()
		deadline := time.Now().Add(1500 * time.Millisecond)
		for time.Now().Before(deadline) {
			for _, host := range []string{fe1Host, namedHost, confirmedHost} {
				if o := w.knock(host); o.status != 200 || o.took > 500*time.Millisecond {
					t.Fatalf("%s, after %s:\n%s", host, o.took, o.text)
				}
			}
		}
		if o := <-refused; o.status != 403 || !strings.Contains(o.text, literal) || o.took < 1900*time.Millisecond || o.took > 3*time.Second {
			t.Errorf("a stranger, after %s:\n%s", o.took, o.text)
		}
		eventually(t, patience, "the reason in the log", func() bool { return says(p, `"reason":"`+literal+`"`, w.net+"44") })
	})
	t.Run("who lost the name is shut out, on open connections too", func(t *testing.T) {
		server.Deaf(false)
		named, confirmed, listed := w.outside(t, namedHost, "fe1.synergy.com"), w.outside(t, confirmedHost, "fe1.synergy.com"), w.outside(t, fe1Host, "fe1.synergy.com")
		if !admits(named.Conn) || !admits(confirmed.Conn) {
			t.Fatal("refused before")
		}
		server.Set()
		for _, open := range []*siptest.Peer{named, confirmed} {
			eventually(t, patience, "closed", func() bool { return !admits(open.Conn) })
		}
		if !admits(listed.Conn) {
			t.Error("an address that is listed itself is shut out too")
		}
		server.Set(w.zone(t)...)
		eventually(t, patience, "let in again", func() bool { return w.knock(namedHost).status == 200 })
	})
}

func TestADeadDNSAtTheStartKeepsNoListedAddressOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDatabase(t))
	server := dnstest.Start(t, "127.0.0.1", w.zone(t)...)
	server.Deaf(true)
	w.setUp()
	w.node.apply(namedACL + "  - pattern: " + w.net + fe1Host + "\n")
	w.node.serve("--dns", server.Addr)
	if o := w.knock(fe1Host); o.status != 200 || o.took > 500*time.Millisecond {
		t.Errorf("a listed address, after %s:\n%s", o.took, o.text)
	}
	server.Deaf(false)
	for _, host := range []string{namedHost, confirmedHost} {
		eventually(t, 2*patience, "let in once DNS is back", func() bool { return w.knock(host).status == 200 })
	}
}

func TestANextHopIsFoundBySRV(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDatabase(t))
	server := dnstest.Start(t, "127.0.0.1",
		"_sips._tcp.hop.synergy.com. 1 IN SRV 10 1 5061 fe2.synergy.com.", "_sips._tcp.hop.synergy.com. 1 IN SRV 20 1 5061 fe1.synergy.com.",
		"fe1.synergy.com. 1 IN A "+w.net+fe1Host, "fe2.synergy.com. 1 IN A "+w.net+fe2Host)
	w.setUp()
	w.node.apply("static_routes:\n  - {destination: .com.synergy, type: domain, next_hop: hop.synergy.com, port: 0, transport: tls}\n")
	w.node.serve("--dns", server.Addr)
	w.check(t, w.inside(t), row{"to the target of the best priority", hello(ann, carl), "fe2", ""})
	server.Deaf(true) // what it said holds
	w.fe2.Close()
	eventually(t, patience, "the next target takes over", func() bool {
		c := w.inside(t)
		c.Sends(hello(ann, carl))
		select {
		case a := <-w.fe1.arrived:
			a.answers(t, 200)
			c.Expect("200")
			return true
		case <-time.After(time.Second):
			return false
		}
	})
}
