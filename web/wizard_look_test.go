package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/web"
)

// A looked is the answer about fields.
type looked struct {
	Fields map[string]struct {
		Fill     string
		Problems []string
		Cautions []string
	}
	Found struct{ Row, Mark, Word, Note string }
}

func (c *console) look(values url.Values) looked {
	c.t.Helper()
	a := c.get("/wizard/look?" + values.Encode()).status(http.StatusOK)
	if kind := a.head.Get("Content-Type"); kind != "application/json" {
		c.t.Errorf("the answer is %s", kind)
	}
	var l looked
	if err := json.Unmarshal([]byte(a.body), &l); err != nil {
		c.t.Fatalf("%v in %s", err, a.body)
	}
	return l
}

func TestAFieldIsCheckedByTheRulesOfNext(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(1)
	for _, w := range []struct{ field, value, problem, caution string }{
		{"pool", "pool.synergy.com", "", ""},
		{"pool", "synergy.com", "It is one of your domains", ""},
		{"pool", "imp1.synergy.com", "It is the name of a node", ""},
		{"pool", "pool", "single label", ""},
		{"pool", "", "", ""},
		{"load_balancer", "224.0.0.1", "no address of one server", ""},
		{"load_balancer", "10.1.20.9", "", "does not support a load balancer"},
		{"registrar", "service:pool.synergy.com", "Leave out service:", ""},
		{"site", "site:Redmond", "without site:", ""},
	} {
		l := c.look(url.Values{"field": {w.field}, w.field: {w.value}, "edition": {"enterprise"}})
		said := l.Fields[w.field]
		if got := strings.Join(said.Problems, " "); (w.problem == "") != (got == "") || !strings.Contains(got, w.problem) {
			t.Errorf("%s %q: the problems are %q, want %q", w.field, w.value, got, w.problem)
		}
		if got := strings.Join(said.Cautions, " "); (w.caution == "") != (got == "") || !strings.Contains(got, w.caution) {
			t.Errorf("%s %q: the cautions are %q, want %q", w.field, w.value, got, w.caution)
		}
	}
	c.get("/wizard/2").page().One(t, "[name=pool][value='']") // looking keeps nothing
}

func TestAServerIsLookedUpWhileItIsTyped(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.withDNS("fe1.synergy.com. 60 IN A 10.1.20.21", "21.20.1.10.in-addr.arpa. 60 IN PTR fe1.synergy.com.",
		"fe2.synergy.com. 60 IN A 10.1.20.22", "22.20.1.10.in-addr.arpa. 60 IN PTR other.synergy.com.",
		"loop.synergy.com. 60 IN A 127.0.0.1", "node.synergy.com. 60 IN A 10.1.10.11")
	c.walk(2)

	l := c.look(url.Values{"field": {"front_ends[0].fqdn"}, "front_ends[0].fqdn": {"fe1.synergy.com"}})
	if l.Fields["front_ends[0].address"].Fill != "10.1.20.21" || l.Found.Row != "front_ends[0]" || l.Found.Word != "Agrees with the DNS" {
		t.Errorf("an empty address: %+v", l)
	}
	l = c.look(url.Values{"field": {"front_ends[0].fqdn"}, "front_ends[0].fqdn": {"fe2.synergy.com"}, "front_ends[0].address": {"10.9.9.9"}})
	if l.Fields["front_ends[0].address"].Fill != "" || l.Found.Mark != "part" || !strings.Contains(l.Found.Note, "10.1.20.22") {
		t.Errorf("an address that differs: %+v", l)
	}
	l = c.look(url.Values{"field": {"front_ends[2].fqdn"}, "front_ends[2].fqdn": {"fe2.synergy.com"}})
	if l.Found.Mark != "part" || !strings.Contains(l.Found.Note, "other.synergy.com") {
		t.Errorf("a PTR that differs is no warning: %+v", l)
	}
	l = c.look(url.Values{"field": {"front_ends[0].fqdn"}, "front_ends[0].fqdn": {"loop.synergy.com"}})
	if f := l.Fields["front_ends[0].address"]; len(f.Cautions) != 1 || !strings.Contains(f.Cautions[0], "loopback") {
		t.Errorf("a loopback address is filled in without a word: %+v", l)
	}
	l = c.look(url.Values{"field": {"front_ends[0].fqdn"}, "front_ends[0].fqdn": {"node.synergy.com"}})
	if f := l.Fields["front_ends[0].address"]; len(f.Problems) != 1 || !strings.Contains(f.Problems[0], "belongs to the node") {
		t.Errorf("a node's address is filled in without a word: %+v", l)
	}
}

func TestARowIsFoundBehindEmptyOnes(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.withDNS()
	c.walk(2)
	l := c.look(url.Values{"front_ends[0].fqdn": {"fe1.synergy.com"}, "front_ends[0].address": {"10.1.20.21"},
		"field": {"front_ends[4].fqdn"}, "front_ends[4].fqdn": {"fe1.synergy.com"}, "front_ends[4].address": {"10.1.20.2"}})
	if p := l.Fields["front_ends[4].fqdn"].Problems; len(p) != 1 || !strings.Contains(p[0], "another server") {
		t.Errorf("a name that is used twice: %+v", l)
	}
}

func TestOnlyFieldsOfTheWizardAreLookedAt(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.get("/wizard/look?field=pool&pool=x").status(http.StatusNotFound) // there is no draft
	c.walk(1)
	for _, field := range []string{"", "secret", "front_ends", "front_ends[x].fqdn", "[0]", ".", "expressway.fqdn.fqdn"} {
		a := c.get("/wizard/look?" + url.Values{"field": {field}, field: {"fe1.synergy.com"}}.Encode())
		if a.code >= 500 {
			t.Errorf("field %q fails with %d", field, a.code)
		}
	}
	c.get("/wizard/look?field=secret&secret=x").status(http.StatusNotFound)
	c.get("/wizard/look").status(http.StatusNotFound)
}

// A waiting resolver tells when it is asked, and answers when it is let go.
type waiting struct {
	asked chan struct{}
	done  chan struct{}
}

func (w waiting) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	w.asked <- struct{}{}
	<-w.done
	return nil, ctx.Err()
}

func (waiting) LookupAddr(context.Context, string) ([]string, error) { return nil, nil }

func TestASessionHasAFewLookUpsAtATime(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(2)
	dns := waiting{make(chan struct{}, 100), make(chan struct{})}
	c.config.Resolver = dns
	c.handler = web.New(c.config)
	path := "/wizard/look?" + url.Values{"field": {"front_ends[0].fqdn"}, "front_ends[0].fqdn": {"fe1.synergy.com"}}.Encode()
	codes := make(chan int)
	const few = 4
	for range few {
		go func() { codes <- c.send(httptest.NewRequest(http.MethodGet, path, nil)).code }()
	}
	for range few {
		<-dns.asked
	}
	c.get(path).status(http.StatusTooManyRequests)
	close(dns.done)
	for range few {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("a look-up that was let in ends with %d", code)
		}
	}
	c.get(path).status(http.StatusOK)
}
