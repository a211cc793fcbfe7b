// Package dnstest is a DNS server of a test: it answers from records in the zone file's form, over UDP and TCP, and may
// be told to fail or to be deaf.
package dnstest

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// A Server answers on a port of its own until the test ends.
type Server struct {
	Addr string // host:port

	t       *testing.T
	mu      sync.Mutex
	records []dns.RR
	asked   map[string]int
	rcode   int
	deaf    bool
}

// Start starts a server at an IP address, with records such as "fe1.synergy.com. 60 IN A 127.0.0.21".
func Start(t *testing.T, address string, records ...string) *Server {
	t.Helper()
	s := &Server{t: t, asked: map[string]int{}}
	s.Set(records...)
	conn, listener := ports(t, address)
	s.Addr = conn.LocalAddr().String()
	for _, server := range []*dns.Server{{PacketConn: conn}, {Listener: listener}} {
		server.Handler = dns.HandlerFunc(s.serve)
		up := make(chan struct{})
		server.NotifyStartedFunc = func() { close(up) }
		go func() { _ = server.ActivateAndServe() }()
		<-up
		t.Cleanup(func() { _ = server.Shutdown() })
	}
	return s
}

// ports are one port number for both transports.
func ports(t *testing.T, address string) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
		if err != nil {
			t.Fatal(err)
		}
		if conn, err := net.ListenPacket("udp", listener.Addr().String()); err == nil {
			return conn, listener
		}
		listener.Close()
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil, nil
}

// Set replaces the records.
func (s *Server) Set(records ...string) {
	s.t.Helper()
	var list []dns.RR
	for _, text := range records {
		rr, err := dns.NewRR(text)
		if err != nil {
			s.t.Fatal(err)
		}
		list = append(list, rr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = list
}

// Fail has every question answered with a response code; dns.RcodeSuccess ends that.
func (s *Server) Fail(rcode int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rcode = rcode
}

// Deaf has no question answered, until it is called with false.
func (s *Server) Deaf(deaf bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = deaf
}

// Asked is how often a name was asked for, with a type such as "A".
func (s *Server) Asked(name, recordType string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[strings.ToLower(dns.Fqdn(name))+" "+recordType]
}

func (s *Server) serve(w dns.ResponseWriter, q *dns.Msg) {
	m := s.answer(q)
	if m == nil {
		return
	}
	if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
		m.Truncate(dns.MinMsgSize)
	}
	_ = w.WriteMsg(m)
}

// answer is what the records say, with the aliases on the way; nil for nothing at all.
func (s *Server) answer(q *dns.Msg) *dns.Msg {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, recordType := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
	s.asked[name+" "+dns.TypeToString[recordType]]++
	if s.deaf {
		return nil
	}
	m := new(dns.Msg).SetRcode(q, s.rcode)
	m.Authoritative = true
	if s.rcode != dns.RcodeSuccess {
		return m
	}
	exists := false
	for range len(s.records) + 1 {
		next := ""
		for _, rr := range s.records {
			h := rr.Header()
			if !strings.EqualFold(h.Name, name) {
				continue
			}
			exists = true
			alias, ok := rr.(*dns.CNAME)
			if ok {
				next = strings.ToLower(alias.Target)
			}
			if ok || h.Rrtype == recordType {
				m.Answer = append(m.Answer, dns.Copy(rr))
			}
		}
		if next == "" {
			break
		}
		name = next
	}
	for _, rr := range s.records {
		if soa, ok := rr.(*dns.SOA); ok && len(m.Answer) == 0 {
			m.Ns = append(m.Ns, dns.Copy(soa))
		}
	}
	if !exists {
		m.Rcode = dns.RcodeNameError
	}
	return m
}
