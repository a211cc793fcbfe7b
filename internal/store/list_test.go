package store

import (
	"fmt"
	"slices"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

// patterns are the entries' patterns of a page.
func patterns(page listing.Page[federation.ACLEntry]) []string {
	found := []string{}
	for _, e := range page.Items {
		found = append(found, e.Pattern)
	}
	return found
}

func TestTheSixOperatorsFindWithoutCase(t *testing.T) {
	s := open(t)
	for _, e := range []federation.ACLEntry{{Pattern: "fe1.foo.com", Description: "Front END 1"}, {Pattern: "fe2.foo.com", Description: "front end 12"},
		{Pattern: "10.0.0.1"}} {
		must(s.SaveACLEntry(actor(t), e))
	}
	for _, c := range []struct {
		q    listing.Query
		want []string
	}{
		{listing.Query{Field: "description", Op: listing.BeginsWith, Text: "FRONT"}, []string{"fe1.foo.com", "fe2.foo.com"}},
		{listing.Query{Field: "description", Op: listing.Contains, Text: "nd 1"}, []string{"fe1.foo.com", "fe2.foo.com"}},
		{listing.Query{Field: "description", Op: listing.IsExactly, Text: "front end 1"}, []string{"fe1.foo.com"}},
		{listing.Query{Field: "description", Op: listing.EndsWith, Text: "12"}, []string{"fe2.foo.com"}},
		{listing.Query{Field: "description", Op: listing.IsEmpty}, []string{"10.0.0.1"}},
		{listing.Query{Field: "description", Op: listing.IsEmpty, Text: "ignored"}, []string{"10.0.0.1"}},
		{listing.Query{Field: "description", Op: listing.IsNotEmpty}, []string{"fe1.foo.com", "fe2.foo.com"}},
		{listing.Query{Op: listing.Contains, Text: "2"}, []string{"fe2.foo.com"}},
		{listing.Query{Field: "no such field", Op: listing.Contains, Text: "fe1"}, []string{"fe1.foo.com"}},
		{listing.Query{Field: "pattern", Op: listing.EndsWith, Text: ""}, []string{"10.0.0.1", "fe1.foo.com", "fe2.foo.com"}},
		{listing.Query{Field: "pattern", Op: listing.IsExactly, Text: ""}, []string{"10.0.0.1", "fe1.foo.com", "fe2.foo.com"}},
		{listing.Query{Field: "pattern", Op: listing.BeginsWith, Text: "oo"}, []string{}},
	} {
		page, err := s.ListACLEntries(t.Context(), c.q)
		ok(t, err)
		if got := patterns(page); !slices.Equal(got, c.want) || page.Total != len(c.want) || page.All != 3 {
			t.Errorf("%+v: %v, total %d of %d, want %v", c.q, got, page.Total, page.All, c.want)
		}
	}
}

func TestCharactersOfPatternsMeanThemselves(t *testing.T) {
	s := open(t)
	for i, description := range []string{"100%", "a_b", `back\slash`, "o'brien", "plain", "aXb"} {
		must(s.SaveACLEntry(actor(t), federation.ACLEntry{Pattern: fmt.Sprintf("10.0.0.%d", i), Description: description}))
	}
	for text, want := range map[string]string{"%": "10.0.0.0", "_": "10.0.0.1", `\`: "10.0.0.2", "'": "10.0.0.3", "a_b": "10.0.0.1"} {
		for _, op := range []string{listing.Contains, listing.BeginsWith, listing.EndsWith, listing.IsExactly} {
			page, err := s.ListACLEntries(t.Context(), listing.Query{Field: "description", Op: op, Text: text})
			ok(t, err)
			if got := patterns(page); len(got) > 1 || op == listing.Contains && !slices.Equal(got, []string{want}) {
				t.Errorf("%s %q finds %v, want %s", op, text, got, want)
			}
		}
	}
}

func TestNumbersFlagsAndListsAreSearchedAsText(t *testing.T) {
	s := filled(t)
	for field, text := range map[string]string{"port": "5061", "destination": ".com.synergy", "domain": "synergy.com", "blocked": "no",
		"in_service": "yes", "transport": "TLS", "next_hop": "127.0.0.21"} {
		if r := first(t, s.ListStaticRoutes, field, text); r.Port != 5061 {
			t.Errorf("%s %s finds %+v", field, text, r)
		}
	}
	if c := first(t, s.ListTLSContexts, "peer_subjects", "fe1.synergy.com, pool.synergy.com"); c.Name != federation.PeerAuthContext {
		t.Errorf("found %+v", c)
	}
	if n := first(t, s.ListNodes, "services", "sip_federation, sip_proxy"); n.Name != "imp1.synergy.com" {
		t.Errorf("found %+v", n)
	}
	if l := first(t, s.ListListeners, "port", "5062"); l.TLSContext != federation.ServerAuthContext {
		t.Errorf("found %+v", l)
	}
	page, err := s.ListListeners(t.Context(), listing.Query{Field: "tls_context", Op: listing.IsEmpty})
	ok(t, err)
	if page.Total != 2 {
		t.Errorf("%d listeners have no context, want 2", page.Total)
	}
	page, err = s.ListListeners(t.Context(), listing.Query{Op: listing.IsExactly, Text: "no"})
	ok(t, err)
	if page.Total != 0 {
		t.Errorf("%q in every field finds %d listeners by a flag, want none", "no", page.Total)
	}
}

func TestPagesHoldEveryRowOnceInOrder(t *testing.T) {
	s := open(t)
	_, err := s.Apply(actor(t), "many", func(c federation.Configuration) (federation.Configuration, error) {
		for i := range 60 {
			c.ACL = append(c.ACL, federation.ACLEntry{Pattern: fmt.Sprintf("10.0.0.%d", i+1), Description: []string{"a", "b"}[i%2]})
		}
		return c, nil
	})
	ok(t, err)
	for _, sort := range []string{"pattern", "description", ""} {
		for _, desc := range []bool{false, true} {
			seen := map[string]bool{}
			for n := 1; n <= 3; n++ {
				page, err := s.ListACLEntries(t.Context(), listing.Query{Sort: sort, Desc: desc, Page: n})
				ok(t, err)
				for _, p := range patterns(page) {
					seen[p] = true
				}
				if want := []int{25, 25, 10}[n-1]; len(page.Items) != want || page.First != 25*(n-1)+1 || page.Last != 25*(n-1)+want || page.Pages != 3 {
					t.Errorf("page %d: rows %d to %d, %d pages", n, page.First, page.Last, page.Pages)
				}
			}
			if len(seen) != 60 {
				t.Errorf("sorted by %q, descending %v: %d rows were seen, want 60", sort, desc, len(seen))
			}
		}
	}
	page, err := s.ListACLEntries(t.Context(), listing.Query{Page: 99, Rows: 50})
	ok(t, err)
	if page.Query.Page != 2 || page.First != 51 {
		t.Errorf("past the end comes page %d, row %d", page.Query.Page, page.First)
	}
}

func TestNumbersSortAsNumbers(t *testing.T) {
	s := open(t)
	must(s.SaveListener(actor(t), federation.Listener{Name: "high", Transport: federation.TCP, Port: 15060, Enabled: true}))
	must(s.SaveListener(actor(t), federation.Listener{Name: "low", Transport: federation.TCP, Port: 706, Enabled: true}))
	page, err := s.ListListeners(t.Context(), listing.Query{Sort: "port", Desc: true})
	ok(t, err)
	if page.Items[0].Name != "high" || page.Items[len(page.Items)-1].Name != "low" {
		t.Errorf("%+v", page.Items)
	}
}
