package report

import "fmt"

// Names of the proxies that are compared.
const (
	Isthmus  = "Isthmus"
	Kamailio = "Kamailio"
	Relay    = "relay"
)

// Costs is the table of all cases: each proxy's figures as medians of the rounds, the spread of its processor time behind it.
func Costs(cases []Case) *Table {
	t := &Table{Head: []string{"load", "proxy", "CPU us", "least..most", "rate /s", "p50 us", "p99 us", "p99.9 us", "MiB", "reordered", "failed", "breaches"}}
	for i := range cases {
		c := &cases[i]
		for j := range c.Proxies {
			p := &c.Proxies[j]
			cpu := p.Of(CPU)
			t.Rows = append(t.Rows, []string{c.name(), p.Name, number(cpu.Median), number(cpu.Least) + ".." + number(cpu.Greatest),
				whole(p.Of(Rate)), whole(p.Of(P50)), whole(p.Of(P99)), whole(p.Of(P999)), whole(p.Of(Memory)),
				fmt.Sprint(p.Sum(func(f Figures) int { return f.Reordered })),
				fmt.Sprint(p.Sum(func(f Figures) int { return f.Failed })),
				fmt.Sprint(p.Sum(func(f Figures) int { return f.Breaches }))})
		}
	}
	return t
}

// Ratios is what Isthmus costs in terms of the other two, round by round: a median with the least and the greatest.
func Ratios(cases []Case) *Table {
	t := &Table{Head: []string{"load", "CPU of Kamailio's", "p99 of Kamailio's", "CPU of the relay's", "p99 of the relay's"}}
	for i := range cases {
		c := &cases[i]
		own := c.Proxy(Isthmus)
		if own == nil {
			continue
		}
		row := []string{c.name()}
		for _, other := range []*Proxy{c.Proxy(Kamailio), c.Proxy(Relay)} {
			row = append(row, against(own, other, CPU), against(own, other, P99))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func against(own, other *Proxy, figure func(Figures) float64) string {
	if other == nil {
		return "-"
	}
	r := Ratio(own, other, figure)
	return fmt.Sprintf("%.2f (%.2f..%.2f)", r.Median, r.Least, r.Greatest)
}

func (c *Case) name() string { return c.Scenario + " " + c.Transport + " " + c.Load }

// number has three figures.
func number(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

func whole(s Spread) string { return fmt.Sprintf("%.0f", s.Median) }
