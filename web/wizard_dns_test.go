package web_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"isthmus/internal/auth"
	"isthmus/web"
)

// withDNS is the console with a DNS server of its own, which knows these records in the zone file's form.
func (c *console) withDNS(records ...string) {
	c.t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		for _, text := range records {
			rr, err := dns.NewRR(text)
			if err == nil && rr.Header().Name == q.Question[0].Name && rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		if len(m.Answer) == 0 {
			m.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(m)
	})}
	done := make(chan error, 1)
	go func() { done <- server.ActivateAndServe() }()
	c.t.Cleanup(func() { _ = conn.Close(); <-done })
	c.config.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	c.handler = web.New(c.config)
}

// hosts are the fields of front ends, name and address in turn.
func hosts(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		row := string(rune('0' + i/2))
		values.Set("front_ends["+row+"].fqdn", pairs[i])
		values.Set("front_ends["+row+"].address", pairs[i+1])
	}
	return values
}

func TestAnEmptyAddressOfAFrontEndIsLookedUp(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.withDNS("fe1.synergy.com. 60 IN AAAA 2001:db8::21", "fe1.synergy.com. 60 IN A 10.1.20.21", "fe2.synergy.com. 60 IN A 10.1.20.22")
	c.walk(2)
	c.postForm("/wizard/3", hosts("fe1.synergy.com", "", "fe2.synergy.com", "10.9.9.9")).to("/wizard/4")
	page := c.get("/wizard/3").page()
	page.One(t, "#field-front_ends-0-address[value=10.1.20.21]") // IPv4 before IPv6
	page.One(t, "#field-front_ends-1-address[value=10.9.9.9]")   // what was typed stands

	c.postForm("/wizard/3", hosts("gone.synergy.com", "")).status(http.StatusUnprocessableEntity).page().
		Says(t, ".server .error", "Enter the front end's IP address")
}

func TestFrontEndsAreComparedWithTheDNS(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.withDNS("fe1.synergy.com. 60 IN A 10.1.20.21", "21.20.1.10.in-addr.arpa. 60 IN PTR FE1.synergy.com.",
		"fe2.synergy.com. 60 IN A 10.1.20.29", "22.20.1.10.in-addr.arpa. 60 IN PTR fe2.synergy.com.", "fe3.synergy.com. 60 IN A 10.1.20.23")
	c.walk(2)
	typed := hosts("fe1.synergy.com", "10.1.20.21", "fe2.synergy.com", "10.1.20.22", "fe3.synergy.com", "10.1.20.23", "gone.synergy.com", "10.1.20.24", "fe five", "10.1.20.25")
	typed.Set("compare", "dns")
	c.postForm("/wizard/3", typed).to("/wizard/3?compare=dns")
	page := c.get("/wizard/3?compare=dns").page()
	rows := page.All(".server")
	for i, want := range []string{
		"Agrees with the DNS The name leads to 10.1.20.21, the address to fe1.synergy.com.",
		"Differs from the DNS The name leads to 10.1.20.29, the address to fe2.synergy.com.",
		"Differs from the DNS The name leads to 10.1.20.23, the address to nothing.",
		"Not in the DNS",
		"Not looked up",
	} {
		rows[i].Says(t, "", want)
	}
	c.get("/wizard/3").page().Count(t, ".server .state", 0)
}

// A searching resolver knows a name under the domain of its search list only, unless the name ends in a dot.
type searching struct{ web.Resolver }

func (s searching) LookupNetIP(ctx context.Context, network, name string) ([]netip.Addr, error) {
	if !strings.HasSuffix(name, ".") {
		name += ".corp.lab."
	}
	return s.Resolver.LookupNetIP(ctx, network, name)
}

func TestNamesOfFrontEndsAreFullyQualifiedToTheDNS(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.withDNS("fe1.synergy.com.corp.lab. 60 IN A 10.9.9.9", "fe2.synergy.com. 60 IN A 10.1.20.22", "fe2.synergy.com.corp.lab. 60 IN A 10.9.9.9")
	c.config.Resolver = searching{c.config.Resolver}
	c.handler = web.New(c.config)
	c.walk(2)
	page := c.postForm("/wizard/3", hosts("fe1.synergy.com", "", "fe2.synergy.com", "")).status(http.StatusUnprocessableEntity).page()
	page.One(t, "#field-front_ends-0-address[value='']")
	page.One(t, "#field-front_ends-1-address[value=10.1.20.22]")
}

func TestAnAddressThatDiffersFromTheDNSIsToldWithoutScript(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.withDNS("fe1.synergy.com. 60 IN A 10.1.20.21", "fe2.synergy.com. 60 IN A 10.1.20.29")
	c.walk(2)
	page := c.postForm("/wizard/3", hosts("fe1.synergy.com", "10.1.20.21", "fe2.synergy.com", "10.1.20.22", "fe3.synergy.com", "10.1.20")).
		status(http.StatusUnprocessableEntity).page()
	page.Says(t, ".caution", "The DNS leads fe2.synergy.com to 10.1.20.29, and not to 10.1.20.22; check which of them is right.")
	page.Count(t, ".caution", 1)
	for i, values := range steps()[2:] {
		c.postForm(step(3+i), values).to(step(4 + i))
	}
	page = c.get("/wizard/6").page()
	page.Says(t, ".findings", "The DNS leads fe2.synergy.com to 10.1.20.29, and not to 10.1.20.22")
	c.finish().to("/deployments/1")
}

func TestANameThatTheDNSDoesNotKnowIsSaidToBeUnknown(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.withDNS()
	c.walkWith(lyncWithCalls())
	typed := hosts("gone.synergy.com", "", "half", "")
	typed.Set("expressway.fqdn", "away.synergy.com")
	typed.Set("expressway.address", "")
	page := c.postForm("/wizard/3", typed).status(http.StatusUnprocessableEntity).page()
	page.Says(t, ".server .error", "The DNS gave no address for gone.synergy.com, or did not answer. Enter the front end's IP address")
	page.Says(t, "#field-expressway .error", "The DNS gave no address for away.synergy.com, or did not answer. Enter the Expressway's IP address")
	for _, e := range page.All(".error") {
		if strings.Contains(e.Text(), "for half") {
			t.Errorf("a name that was not looked up: %s", e.Text())
		}
	}
}

// noDNS is a DNS that knows nothing, so that no test asks the one of the machine that it runs on.
type noDNS struct{}

func (noDNS) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func (noDNS) LookupAddr(context.Context, string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}
