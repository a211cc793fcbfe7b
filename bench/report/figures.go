// Package report turns what the rounds of the benchmark measured into medians, spreads, ratios, tables and plots. It knows
// nothing of where the figures come from.
package report

import (
	"cmp"
	"slices"
	"time"
)

// Figures are what one proxy showed in one round of one case.
type Figures struct {
	CPU            float64 // microseconds of processor time a transaction
	Rate           float64 // transactions a second
	P50, P99, P999 time.Duration
	Memory         int64 // bytes resident
	Reordered      int
	Failed         int
	Breaches       int // of other kinds
}

// A Spread is the median of what the rounds measured, with the least and the greatest.
type Spread struct{ Median, Least, Greatest float64 }

// SpreadOf summarizes a figure of several rounds; of none it is zero.
func SpreadOf[T cmp.Ordered](list []T, number func(T) float64) Spread {
	if len(list) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(list))
	middle := len(sorted) / 2
	median := number(sorted[middle])
	if len(sorted)%2 == 0 {
		median = (number(sorted[middle-1]) + median) / 2
	}
	return Spread{median, number(sorted[0]), number(sorted[len(sorted)-1])}
}

// Percentile is the least of the samples that no fewer than share of them do not exceed (nearest rank). It sorts the samples.
func Percentile(samples []time.Duration, share float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	slices.Sort(samples)
	rank := int(share * float64(len(samples)))
	if float64(rank) < share*float64(len(samples)) {
		rank++
	}
	return samples[max(0, min(rank, len(samples))-1)]
}

// A Case is one kind of load with what each proxy showed, in the order of the rounds.
type Case struct {
	Scenario, Transport, Load string
	Proxies                   []Proxy
}

// Proxy is what one proxy showed.
type Proxy struct {
	Name   string
	Rounds []Figures
}

// Of is the spread of one figure.
func (p *Proxy) Of(figure func(Figures) float64) Spread {
	var list []float64
	for _, f := range p.Rounds {
		list = append(list, figure(f))
	}
	return SpreadOf(list, func(x float64) float64 { return x })
}

// Sum adds a count up over the rounds.
func (p *Proxy) Sum(count func(Figures) int) (n int) {
	for _, f := range p.Rounds {
		n += count(f)
	}
	return n
}

// Ratio compares a figure of one proxy with that of another round by round: what slows the machine down for a while slows both.
func Ratio(a, b *Proxy, figure func(Figures) float64) Spread {
	var list []float64
	for i := range min(len(a.Rounds), len(b.Rounds)) {
		if other := figure(b.Rounds[i]); other > 0 {
			list = append(list, figure(a.Rounds[i])/other)
		}
	}
	return SpreadOf(list, func(x float64) float64 { return x })
}

// Proxy returns the one of a name, nil when it was not measured.
func (c *Case) Proxy(name string) *Proxy {
	for i := range c.Proxies {
		if c.Proxies[i].Name == name {
			return &c.Proxies[i]
		}
	}
	return nil
}

// CPU, P99 and the like name figures for Of and Ratio.
func CPU(f Figures) float64    { return f.CPU }
func Rate(f Figures) float64   { return f.Rate }
func P50(f Figures) float64    { return microseconds(f.P50) }
func P99(f Figures) float64    { return microseconds(f.P99) }
func P999(f Figures) float64   { return microseconds(f.P999) }
func Memory(f Figures) float64 { return float64(f.Memory) / (1 << 20) }

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
