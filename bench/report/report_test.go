package report

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestAPercentileIsTheNearestRank(t *testing.T) {
	samples := make([]time.Duration, 1000)
	for i := range samples {
		samples[i] = time.Duration(1000 - i) // 1 to 1000, backwards
	}
	for share, want := range map[float64]time.Duration{0.5: 500, 0.99: 990, 0.999: 999, 1: 1000, 0: 1} {
		if got := Percentile(samples, share); got != want {
			t.Errorf("%v of 1 to 1000 is %d, not %d", share, got, want)
		}
	}
	if got := Percentile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
	if got := Percentile([]time.Duration{7}, 0.99); got != 7 {
		t.Errorf("of one: %d", got)
	}
}

func rounds(cpu ...float64) Proxy {
	var p Proxy
	for _, c := range cpu {
		p.Rounds = append(p.Rounds, Figures{CPU: c})
	}
	return p
}

func TestASpreadIsTheMedianBetweenTheLeastAndTheGreatest(t *testing.T) {
	odd, even := rounds(9, 1, 5), rounds(4, 1, 2, 9)
	if got, want := odd.Of(CPU), (Spread{5, 1, 9}); got != want {
		t.Errorf("of three: %v, not %v", got, want)
	}
	if got, want := even.Of(CPU), (Spread{3, 1, 9}); got != want {
		t.Errorf("of four: %v, not %v", got, want)
	}
}

// The machine became twice as slow after the first round: the ratio does not notice.
func TestARatioComparesWithinARound(t *testing.T) {
	own, other := rounds(10, 20, 20), rounds(40, 80, 80)
	if got := Ratio(&own, &other, CPU); got != (Spread{0.25, 0.25, 0.25}) {
		t.Errorf("got %v", got)
	}
	nothing := rounds(0)
	if got := Ratio(&own, &nothing, CPU); got.Median != 0 || math.IsNaN(got.Median) {
		t.Errorf("in terms of nothing: %v", got)
	}
}

func TestRatiosAreOfIsthmusInTermsOfTheOthers(t *testing.T) {
	own, kamailio := rounds(8), rounds(32)
	own.Name, kamailio.Name = Isthmus, Kamailio
	got := Ratios([]Case{{Scenario: "message", Transport: "TCP", Load: "saturated", Proxies: []Proxy{kamailio, own}}})
	if row := got.Rows[0]; row[0] != "message TCP saturated" || row[1] != "0.25 (0.25..0.25)" || row[3] != "-" {
		t.Errorf("got %q", row)
	}
}

const printed = `pkg: isthmus/internal/routing
BenchmarkDecide/domain_routes=10-2         	    9045	      2625 ns/op	    1032 B/op	      13 allocs/op
BenchmarkDecide/domain_routes=10000-2      	   10000	      5250 ns/op
BenchmarkDecide/domain_routes=10000-2      	   10000	      9999 ns/op
BenchmarkParse/message-im.sip-2            	   10000	      1000 ns/op
BenchmarkRecipient/users=100               	   10000	      12.5 ns/op
`

func TestGrowthIsReadFromWhatBenchmarksPrint(t *testing.T) {
	lines, err := ReadGrowth(strings.NewReader(printed))
	if err != nil || len(lines) != 2 {
		t.Fatalf("%v, %v", lines, err)
	}
	row := Growth(lines).Rows[0]
	if got := strings.Join(row, " | "); got != "Decide, domain routes | 10 | 2625 | 10,000 | 5250 | 2.0" {
		t.Errorf("got %s", got)
	}
}

func TestAPlotHasALineForEach(t *testing.T) {
	lines, _ := ReadGrowth(strings.NewReader(printed))
	svg := Plot(append(lines, Line{"a & b", []Point{{10, 10}, {100, 100}}}))
	if n := strings.Count(svg, "<polyline"); n != 3 || strings.Contains(svg, "NaN") || !strings.Contains(svg, "a &amp; b") || !strings.Contains(svg, "prefers-color-scheme:dark") {
		t.Errorf("%d lines in\n%s", n, svg)
	}
}

func TestASectionIsReplacedAndTheRestStays(t *testing.T) {
	const document = "# A\n<!-- bench: cost -->\nold\n<!-- end of bench: cost -->\nafter\n"
	got, err := Put(document, "cost", "new\n")
	if want := "# A\n<!-- bench: cost -->\n\nnew\n\n<!-- end of bench: cost -->\nafter\n"; err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
	if again, err := Put(got, "cost", "new"); err != nil || again != got {
		t.Errorf("twice is not once: %v\n%s", err, again)
	}
	if _, err := Put(document, "memory", "new"); err == nil {
		t.Error("a section that is not there was written")
	}
}

func TestATableIsAligned(t *testing.T) {
	table := Table{Head: []string{"load", "us"}, Rows: [][]string{{"message TCP", "9.5"}, {"µ", "12.25"}}}
	if want := "| load        |    us |\n| ----------- | ----: |\n| message TCP |   9.5 |\n| µ           | 12.25 |\n"; table.Markdown() != want {
		t.Errorf("got\n%s", table.Markdown())
	}
}
