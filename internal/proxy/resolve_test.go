package proxy

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"isthmus/internal/sip"
)

// dnsServer answers from records in the zone file's form.
func dnsServer(t *testing.T, records ...string) *net.Resolver {
	t.Helper()
	mux := dns.NewServeMux()
	mux.HandleFunc(".", func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		for _, text := range records {
			rr, err := dns.NewRR(text)
			if err != nil {
				t.Error(err)
				return
			}
			if h := rr.Header(); h.Name == q.Question[0].Name && h.Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		if len(m.Answer) == 0 {
			m.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(m)
	})
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: mux}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func TestNextHopsAreFoundByDNS(t *testing.T) {
	resolve := DNS(dnsServer(t,
		"fe1.synergy.com. 60 IN A 127.0.0.21",
		"fe2.synergy.com. 60 IN A 127.0.0.22",
		"_sips._tcp.pool.synergy.com. 60 IN SRV 1 1 5061 fe1.synergy.com.",
		"_sips._tcp.pool.synergy.com. 60 IN SRV 2 1 5066 fe2.synergy.com.",
		"_sip._tcp.pool.synergy.com. 60 IN SRV 1 1 5060 fe2.synergy.com.",
		"_sip._tcp.broken.synergy.com. 60 IN SRV 1 1 5060 gone.synergy.com.",
	))
	for _, c := range []struct {
		host string
		port int
		t    sip.Transport
		want []string
	}{
		{"fe1.synergy.com", 5070, sip.TLS, []string{"127.0.0.21:5070"}},
		{"pool.synergy.com", 0, sip.TLS, []string{"127.0.0.21:5061", "127.0.0.22:5066"}},
		{"pool.synergy.com", 0, sip.TCP, []string{"127.0.0.22:5060"}},
		{"gone.synergy.com", 5061, sip.TCP, nil},
		{"gone.synergy.com", 0, sip.TCP, nil},
		{"broken.synergy.com", 0, sip.TCP, nil},
	} {
		found, err := resolve(t.Context(), c.host, c.port, c.t)
		var got []string
		for _, a := range found {
			got = append(got, fmt.Sprint(a))
		}
		if !slices.Equal(got, c.want) || (err == nil) != (c.want != nil) {
			t.Errorf("%s port %d %s: %v, %v, want %v", c.host, c.port, c.t, got, err, c.want)
		}
	}
}
