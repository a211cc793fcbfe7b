package listing

import (
	"slices"
	"strings"
	"testing"
)

func TestAListInMemoryIsFoundAndSortedLikeOneInADatabase(t *testing.T) {
	type pair struct{ name, note string }
	all := []pair{{"fe2.Synergy.com", ""}, {"fe1.synergy.com", "front end"}, {"100%", "FE1"}, {"imp1", ""}}
	fields := Fields[pair]{"name": func(p pair) string { return p.name }, "note": func(p pair) string { return p.note }}
	for _, c := range []struct {
		promise string
		q       Query
		want    string
	}{
		{"everything in its own order", Query{}, "fe2.Synergy.com fe1.synergy.com 100% imp1"},
		{"begins with, without case", Query{Field: "name", Text: "FE"}, "fe2.Synergy.com fe1.synergy.com"},
		{"any field", Query{Text: "fe1"}, "fe1.synergy.com 100%"},
		{"an unknown field means any", Query{Field: "port", Text: "fe1"}, "fe1.synergy.com 100%"},
		{"contains", Query{Field: "name", Op: Contains, Text: "synergy"}, "fe2.Synergy.com fe1.synergy.com"},
		{"contains no pattern", Query{Field: "name", Op: Contains, Text: "%"}, "100%"},
		{"ends with", Query{Field: "name", Op: EndsWith, Text: ".COM"}, "fe2.Synergy.com fe1.synergy.com"},
		{"is exactly", Query{Field: "name", Op: IsExactly, Text: "IMP1"}, "imp1"},
		{"is empty", Query{Field: "note", Op: IsEmpty}, "fe2.Synergy.com imp1"},
		{"is not empty", Query{Field: "note", Op: IsNotEmpty}, "fe1.synergy.com 100%"},
		{"sorted", Query{Sort: "name"}, "100% fe1.synergy.com fe2.Synergy.com imp1"},
		{"sorted the other way, equals in their order", Query{Sort: "note", Desc: true}, "fe1.synergy.com 100% fe2.Synergy.com imp1"},
		{"an unknown order", Query{Sort: "port"}, "fe2.Synergy.com fe1.synergy.com 100% imp1"},
		{"nothing", Query{Field: "name", Text: "x"}, ""},
	} {
		p := In(c.q, all, fields)
		var names []string
		for _, one := range p.Items {
			names = append(names, one.name)
		}
		if got := strings.Join(names, " "); got != c.want || p.All != len(all) || p.Total != len(names) {
			t.Errorf("%s: %q (%d of %d), want %q", c.promise, got, p.Total, p.All, c.want)
		}
	}
	if all[0].name != "fe2.Synergy.com" {
		t.Error("the list itself was sorted")
	}
}

func TestAListInMemoryHasPages(t *testing.T) {
	all := make([]int, 60)
	for i := range all {
		all[i] = i
	}
	p := In(Query{Page: 9}, all, nil)
	if p.First != 51 || p.Last != 60 || p.Pages != 3 || !slices.Equal(p.Items, all[50:]) {
		t.Errorf("the last page holds %v, rows %d to %d of %d pages", p.Items, p.First, p.Last, p.Pages)
	}
}

func TestAValueOfSeveralLinesIsFoundByEachOfThem(t *testing.T) {
	fields := Fields[string]{"serial": func(s string) string { return s }}
	for q, want := range map[Query]int{
		{Op: IsExactly, Text: "AB01"}:                   1,
		{Op: IsExactly, Text: "ab:01"}:                  1,
		{Op: BeginsWith, Text: "ab:"}:                   1,
		{Op: EndsWith, Text: "b01"}:                     1,
		{Op: Contains, Text: "01ab"}:                    0,
		{Op: IsEmpty}:                                   1,
		{Op: IsNotEmpty, Field: "serial"}:               1,
		{Op: IsExactly, Text: "ab:0", Field: "serial"}:  0,
		{Op: IsExactly, Text: "ab:01", Field: "serial"}: 1,
	} {
		if got := In(q, []string{"ab:01\nab01", ""}, fields); got.Total != want {
			t.Errorf("%+v finds %d, want %d", q, got.Total, want)
		}
	}
}
