package names

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"isthmus/internal/dnstest"
)

// texts are the records' values in the zone file's form.
func texts(a Answer) []string {
	var list []string
	for _, rr := range a.Records {
		list = append(list, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return list
}

func TestTheServerThatWasNamedIsAsked(t *testing.T) {
	many := []string{
		"fe1.synergy.com. 60 IN A 10.1.20.21", "FE1.synergy.com. 50 IN A 10.1.20.31", "fe1.synergy.com. 60 IN AAAA 2001:db8::21",
		"pool.synergy.com. 20 IN CNAME edge.synergy.com.", "edge.synergy.com. 70 IN CNAME fe1.synergy.com.",
		"ring.synergy.com. 20 IN CNAME round.synergy.com.", "round.synergy.com. 20 IN CNAME ring.synergy.com.",
		"far.synergy.com. 20 IN CNAME gone.synergy.com.",
		"_sips._tcp.synergy.com. 60 IN SRV 1 2 5061 fe1.synergy.com.",
		"21.20.1.10.in-addr.arpa. 60 IN PTR fe1.synergy.com.",
		"zero.synergy.com. 0 IN A 10.1.20.40",
		"synergy.com. 300 IN SOA ns.synergy.com. me.synergy.com. 1 2 3 4 33",
	}
	for i := range 60 {
		many = append(many, fmt.Sprintf("big.synergy.com. 60 IN A 10.9.0.%d", i))
	}
	ask := Server(dnstest.Start(t, "127.0.0.1", many...).Addr)
	for _, c := range []struct {
		promise, name string
		recordType    uint16
		want          string
		ttl           time.Duration
	}{
		{"IPv4, case and order aside, held as long as the shortest", "fe1.synergy.com", dns.TypeA, "10.1.20.21 10.1.20.31", 50 * time.Second},
		{"IPv6", "fe1.synergy.com", dns.TypeAAAA, "2001:db8::21", time.Minute},
		{"through aliases, held as long as the shortest of them", "pool.synergy.com", dns.TypeA, "10.1.20.21 10.1.20.31", 20 * time.Second},
		{"an alias of nothing", "far.synergy.com", dns.TypeA, "", 20 * time.Second},
		{"SRV", "_sips._tcp.synergy.com", dns.TypeSRV, "1 2 5061 fe1.synergy.com.", time.Minute},
		{"PTR", "21.20.1.10.in-addr.arpa", dns.TypePTR, "fe1.synergy.com.", time.Minute},
		{"an answer that holds no time holds a second", "zero.synergy.com", dns.TypeA, "10.1.20.40", time.Second},
		{"no such name, as long as the zone says", "gone.synergy.com", dns.TypeA, "", 33 * time.Second},
		{"no such record", "_sips._tcp.synergy.com", dns.TypeA, "", 33 * time.Second},
	} {
		a, err := ask(t.Context(), c.name, c.recordType)
		if got := strings.Join(texts(a), " "); err != nil || got != c.want || a.TTL != c.ttl {
			t.Errorf("%s: %q for %s, %v, want %q for %s", c.promise, got, a.TTL, err, c.want, c.ttl)
		}
	}
	if a, err := ask(t.Context(), "big.synergy.com", dns.TypeA); err != nil || len(a.Records) != 60 {
		t.Errorf("an answer too long for UDP: %d records, %v", len(a.Records), err)
	}
	if _, err := ask(t.Context(), "ring.synergy.com", dns.TypeA); err == nil {
		t.Error("aliases in a circle are an answer")
	}
}

func TestWhatNobodyAnswersIsAFailureAndNotNothing(t *testing.T) {
	s := dnstest.Start(t, "127.0.0.1", "fe1.synergy.com. 60 IN A 10.1.20.21")
	ask := Server(s.Addr)
	for _, code := range []int{dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeFormatError} {
		s.Fail(code)
		if a, err := ask(t.Context(), "fe1.synergy.com", dns.TypeA); err == nil || !strings.Contains(err.Error(), dns.RcodeToString[code]) {
			t.Errorf("%s: %v %v", dns.RcodeToString[code], a, err)
		}
	}
	s.Fail(dns.RcodeSuccess)
	s.Deaf(true)
	began := time.Now()
	if _, err := ask(t.Context(), "fe1.synergy.com", dns.TypeA); err == nil {
		t.Error("silence is an answer")
	}
	if took := time.Since(began); took < tryLimit || took > askLimit+time.Second {
		t.Errorf("silence took %s", took)
	}
}

// raw answers every question with what answer makes of it.
func raw(t *testing.T, answer func(q *dns.Msg) *dns.Msg) Ask {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(answer(q)) })}
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	go func() { _ = server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() { _ = server.Shutdown() })
	return Server(conn.LocalAddr().String())
}

func TestAnswersThatAreNoneAreNotBelieved(t *testing.T) {
	lie, err := dns.NewRR("fe1.synergy.com. 60 IN A 10.6.6.6")
	if err != nil {
		t.Fatal(err)
	}
	ns, err := dns.NewRR("synergy.com. 60 IN NS ns.synergy.com.")
	if err != nil {
		t.Fatal(err)
	}
	for promise, answer := range map[string]func(q *dns.Msg) *dns.Msg{
		"to another question": func(q *dns.Msg) *dns.Msg {
			m := new(dns.Msg).SetReply(q)
			m.Question[0].Name = "fe2.synergy.com."
			m.Answer = []dns.RR{lie}
			return m
		},
		"a referral": func(q *dns.Msg) *dns.Msg {
			m := new(dns.Msg).SetReply(q)
			m.Ns = []dns.RR{ns}
			return m
		},
	} {
		if a, err := raw(t, answer)(t.Context(), "fe1.synergy.com", dns.TypeA); err == nil {
			t.Errorf("%s: %v", promise, texts(a))
		}
	}
	beside := raw(t, func(q *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{lie}
		return m
	})
	if a, err := beside(t.Context(), "fe2.synergy.com", dns.TypeA); err != nil || len(a.Records) > 0 {
		t.Errorf("a record of another name: %v %v", texts(a), err)
	}
	if a, err := beside(t.Context(), "nobody.synergy.com", dns.TypeA); err != nil || a.TTL != unsaidTTL {
		t.Errorf("nothing, and no word of how long: %v %v", a.TTL, err)
	}
}

func TestTheNextServerIsAskedWhenOneFails(t *testing.T) {
	broken, good := dnstest.Start(t, "127.0.0.1"), dnstest.Start(t, "127.0.0.1", "fe1.synergy.com. 60 IN A 10.1.20.21")
	broken.Fail(dns.RcodeServerFailure)
	c := &client{servers: func() ([]string, error) { return []string{broken.Addr, good.Addr}, nil }}
	if a, err := c.ask(t.Context(), "fe1.synergy.com", dns.TypeA); err != nil || len(a.Records) != 1 {
		t.Errorf("%v %v", texts(a), err)
	}
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheSystemsServersAreThoseOfItsFile(t *testing.T) {
	got, err := configured(write(t, "search synergy.com\nnameserver 10.1.1.1\nnameserver 2001:db8::1\n"))
	if want := []string{"10.1.1.1:53", "[2001:db8::1]:53"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q %v", got, err)
	}
	if _, err := configured("/nowhere"); err == nil {
		t.Error("no file is no error")
	}
	c := &client{servers: func() ([]string, error) { return nil, nil }}
	if _, err := c.ask(t.Context(), "fe1.synergy.com", dns.TypeA); err == nil {
		t.Error("nobody to ask is no error")
	}
}

func TestTheHostsFileGoesFirstAndIsReadAgain(t *testing.T) {
	s := dnstest.Start(t, "127.0.0.1", "fe1.synergy.com. 60 IN A 10.9.9.9", "fe1.synergy.com. 60 IN AAAA 2001:db8::9", "fe2.synergy.com. 60 IN A 10.1.20.22")
	path := write(t, "# comment\n10.1.20.21\tFE1.synergy.com fe1 # front end\nnonsense fe1.synergy.com\n10.1.1.1\n")
	c := &client{servers: func() ([]string, error) { return []string{s.Addr}, nil }, hosts: &hostsFile{path: path}}
	see := func(name string, recordType uint16, want string) {
		t.Helper()
		a, err := c.ask(context.Background(), name, recordType)
		if got := strings.Join(texts(a), " "); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", name, got, err, want)
		}
	}
	see("fe1.synergy.com", dns.TypeA, "10.1.20.21")
	see("fe1.synergy.com", dns.TypeAAAA, "") // what the file says is all
	see(reverseName(netip.MustParseAddr("10.1.20.21")), dns.TypePTR, "fe1.synergy.com. fe1.")
	see("fe2.synergy.com", dns.TypeA, "10.1.20.22")
	if err := os.WriteFile(path, []byte("2001:db8::21 fe1.synergy.com\n10.1.20.200 fe2.synergy.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	see("fe1.synergy.com", dns.TypeAAAA, "2001:db8::21")
	see("fe2.synergy.com", dns.TypeA, "10.1.20.200")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	see("fe1.synergy.com", dns.TypeA, "10.9.9.9")
}

func TestAHostsFileThatCannotBeOpenedHoldsNothing(t *testing.T) {
	path := write(t, "10.1.20.21 fe1.synergy.com\n")
	h := &hostsFile{path: path}
	see := func(promise string, want bool) {
		t.Helper()
		for name, recordType := range map[string]uint16{"fe1.synergy.com": dns.TypeA, "21.20.1.10.in-addr.arpa": dns.TypePTR} {
			if a, decides := h.answer(name, recordType); decides != want {
				t.Errorf("%s: %v decides on %s: %t", promise, texts(a), name, decides)
			}
		}
	}
	see("a file", true)
	away := path + ".away"
	socket(t, path, away)
	see("what can be looked at and not opened", false)
	if err := errors.Join(os.Remove(path), os.Rename(away, path)); err != nil {
		t.Fatal(err)
	}
	see("the same file as before", true)
}

// socket puts what nobody can open, not even root, in a file's place.
func socket(t *testing.T, path, away string) {
	t.Helper()
	if err := os.Rename(path, away); err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}
