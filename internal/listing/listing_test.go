package listing

import (
	"net/url"
	"strings"
	"testing"
)

func TestWhatTheAddressBarHoldsBecomesAQueryInRange(t *testing.T) {
	for in, want := range map[string]Query{
		"": {Op: BeginsWith, Page: 1, Rows: 25},
		"field=name&op=ends_with&q=+com+&sort=-port&page=3&rows=50": {Field: "name", Op: EndsWith, Text: "com", Sort: "port", Desc: true, Page: 3, Rows: 50},
		"op=%3Bdrop+table&rows=7&page=-4":                           {Op: BeginsWith, Page: 1, Rows: 25},
		"page=99999999999999999999&rows=1e9":                        {Op: BeginsWith, Page: maxPage, Rows: 25},
		"page=2000000":                                              {Op: BeginsWith, Page: maxPage, Rows: 25},
		"q=a%00b%ff":                                                {Op: BeginsWith, Text: "ab", Page: 1, Rows: 25},
		"q=" + strings.Repeat("x", 256):                             {Op: BeginsWith, Text: strings.Repeat("x", 255), Page: 1, Rows: 25},
		"q=" + strings.Repeat("å", 255):                             {Op: BeginsWith, Text: strings.Repeat("å", 255), Page: 1, Rows: 25},
		"q=" + strings.Repeat("x", 300):                             {Op: BeginsWith, Text: strings.Repeat("x", 255), Page: 1, Rows: 25},
	} {
		v, err := url.ParseQuery(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := FromURL(v); got != want {
			t.Errorf("%s: %+v, want %+v", in, got, want)
		}
	}
}

func TestALinkLeadsBackToItsQuery(t *testing.T) {
	for _, want := range []Query{
		{Op: BeginsWith, Page: 1, Rows: 25},
		{Field: "name", Op: Contains, Text: "a&b=%", Sort: "name", Page: 2, Rows: 100},
		{Field: "description", Op: IsEmpty, Sort: "port", Desc: true, Page: 1, Rows: 50},
	} {
		if got := FromURL(want.Values()); got != want {
			t.Errorf("%s leads to %+v, want %+v", want.Values().Encode(), got, want)
		}
	}
	for want, q := range map[string]Query{
		"":                {Field: "name", Op: Contains, Desc: true},
		"sort=-name":      {Sort: "name", Desc: true},
		"page=2":          Query{}.WithPage(2),
		"op=is_not_empty": {Op: IsNotEmpty},
		"op=is_empty":     {Op: IsEmpty},
		"q=a":             {Text: "a"},
		"rows=100":        {Rows: 100},
		"op=contains&q=a": {Op: Contains, Text: "a"},
	} {
		if got := q.Values().Encode(); got != want {
			t.Errorf("%+v has the address %q, want %q", q, got, want)
		}
	}
	if link := FromURL(nil).Values().Encode(); link != "" {
		t.Errorf("the plain list has the address %q, want none", link)
	}
}

func TestSortingTwiceTurnsTheOrderRoundAndStartsAgain(t *testing.T) {
	q := Query{Page: 4}.SortedBy("name")
	if q.Sort != "name" || q.Desc || q.Page != 1 {
		t.Errorf("first: %+v", q)
	}
	if q = q.SortedBy("name"); !q.Desc {
		t.Errorf("second: %+v", q)
	}
	if q = q.SortedBy("name"); q.Desc {
		t.Errorf("third: %+v", q)
	}
	if q = q.SortedBy("name").SortedBy("port"); q.Desc || q.Sort != "port" {
		t.Errorf("another field: %+v", q)
	}
}

func TestAPagePastTheEndIsTheLastPage(t *testing.T) {
	p := NewPage[int](Query{Page: 9}, 51, 80)
	if p.Query.Page != 3 || p.Pages != 3 || p.Offset() != 50 {
		t.Errorf("%+v", p)
	}
	p.Fill([]int{1})
	if p.First != 51 || p.Last != 51 || len(p.Items) != 1 {
		t.Errorf("rows %d to %d, want 51 to 51", p.First, p.Last)
	}
	if full := NewPage[int](Query{Page: 2}, 50, 80); full.Pages != 2 || full.Query.Page != 2 || full.Total != 50 || full.All != 80 {
		t.Errorf("two full pages are %+v", full)
	}
	empty := NewPage[int](Query{Page: 2}, 0, 0)
	empty.Fill(nil)
	if empty.First != 0 || empty.Last != 0 || empty.Pages != 1 || empty.Query.Page != 1 {
		t.Errorf("%+v", empty)
	}
}

func TestOperatorsHaveLabelsForPeople(t *testing.T) {
	if got := Label(IsNotEmpty); got != "is not empty" || len(Ops) != 6 {
		t.Errorf("%q, %d operators", got, len(Ops))
	}
}

func TestTheListsOfOnePageHaveParametersOfTheirOwn(t *testing.T) {
	v, err := url.ParseQuery("own.sort=-end&own.page=2&trusted.field=ca&trusted.op=contains&trusted.q=root&peers.q=&sort=name&q=x")
	if err != nil {
		t.Fatal(err)
	}
	own, trusted := Named("own", v), Named("trusted", v)
	if want := (Query{List: "own", Op: BeginsWith, Sort: "end", Desc: true, Page: 2, Rows: 25}); own != want {
		t.Errorf("%+v, want %+v", own, want)
	}
	if want := (Query{List: "trusted", Field: "ca", Op: Contains, Text: "root", Page: 1, Rows: 25}); trusted != want {
		t.Errorf("%+v, want %+v", trusted, want)
	}
	for _, q := range []Query{own, trusted} {
		if got := Named(q.List, q.Values()); got != q {
			t.Errorf("%s leads to %+v, want %+v", q.Values().Encode(), got, q)
		}
	}
	if got := Others("own", v).Encode(); got != "trusted.field=ca&trusted.op=contains&trusted.q=root" {
		t.Errorf("a link of one list keeps %q of the others", got)
	}
	if got := FromURL(v); got.Text != "x" || got.Sort != "name" || len(Others("", url.Values{"q": {"x"}})) != 0 {
		t.Errorf("a page with one list reads %+v", got)
	}
}
