package main

import (
	"fmt"
	"os"
	"time"

	"isthmus/bench/load"
	"isthmus/bench/proxies"
	"isthmus/bench/report"
)

// outstanding is how many transactions are under way at saturation.
const outstanding = 64

// A kind is one case: what is sent, over what, and how much of it.
type kind struct {
	scenario  load.Scenario
	transport string
	rate      int // a second; 0: saturated
}

func (k kind) load() string {
	if k.rate == 0 {
		return "saturated"
	}
	return fmt.Sprintf("%d/s", k.rate)
}

func (k kind) String() string { return fmt.Sprintf("%s %s %s", k.scenario, k.transport, k.load()) }

// kinds are all cases. An INVITE that was taken is held for 32 s, so those of one transport are done before those of the next.
func kinds() (list []kind) {
	for _, rate := range []int{0, 500, 5000} {
		for _, transport := range []string{"TCP", "TLS"} {
			for _, s := range load.Scenarios {
				list = append(list, kind{s, transport, rate})
			}
		}
	}
	return list
}

// rounds measures every case with every proxy, round after round.
func (s *stage) rounds(kinds []kind) error {
	cases := s.cases(kinds)
	for round := range *rounds {
		for i, k := range kinds {
			for j := range s.proxies {
				j = (j + round) % len(s.proxies) // nobody is always first
				f, err := s.measure(k, s.proxies[j])
				if err != nil {
					return fmt.Errorf("%v with %s: %w", k, s.proxies[j].Name, err)
				}
				p := &cases[i].Proxies[j]
				p.Rounds = append(p.Rounds, f)
			}
		}
	}
	return show(cases)
}

func (s *stage) cases(kinds []kind) (cases []report.Case) {
	for _, k := range kinds {
		c := report.Case{Scenario: string(k.scenario), Transport: k.transport, Load: k.load()}
		for _, p := range s.proxies {
			c.Proxies = append(c.Proxies, report.Proxy{Name: p.Name})
		}
		cases = append(cases, c)
	}
	return cases
}

func show(cases []report.Case) error {
	costs, ratios := report.Costs(cases), report.Ratios(cases)
	about := fmt.Sprintf("%s; %d rounds of %v after %v of load.", machine(), *rounds, *duration, *warm)
	return publish("cost", about+"\n\n"+costs.String()+"\n"+ratios.String(), about+"\n\n"+ratios.Markdown()+"\n"+costs.Markdown())
}

// measure puts one load on one proxy.
func (s *stage) measure(k kind, p *proxies.Proxy) (f report.Figures, err error) {
	door, o := p.TCP, load.Options{}
	if k.transport == "TLS" {
		door, o.TLS = p.TLS, s.client
	}
	var before, after time.Duration
	var errs [3]error
	o.Scenario, o.Proxy, o.Call, o.Locals, o.Relay = k.scenario, door.Address, door.Call, s.Callers(), p.Relay
	o.Rate, o.Outstanding, o.Warm, o.Duration = k.rate, outstanding, *warm, *duration
	o.Begin = func() { before, errs[0] = p.CPU() }
	o.End = func() {
		after, errs[1] = p.CPU()
		f.Memory, errs[2] = p.Memory()
	}
	r, err := s.upstream.Run(o)
	if err != nil {
		return f, err
	}
	for _, err := range errs {
		if err != nil {
			return f, err
		}
	}
	f.CPU = float64((after - before).Microseconds()) / float64(max(r.Completed, 1))
	f.Rate = float64(r.Completed) / r.Elapsed.Seconds()
	f.P50, f.P99, f.P999 = report.Percentile(r.Samples, 0.5), report.Percentile(r.Samples, 0.99), report.Percentile(r.Samples, 0.999)
	f.Reordered, f.Failed, f.Breaches = r.Findings.Count(load.Order), r.Failed, r.Findings.Total()
	progress(k, p.Name, f, r.Findings)
	return f, nil
}

// progress tells of one measurement while the others go on.
func progress(k kind, name string, f report.Figures, findings *load.Findings) {
	fmt.Fprintf(os.Stderr, "%-28s %-9s %7.1f us  %7.0f/s  p99 %v, %d failed, %d reordered, %d breaches\n",
		k, name, f.CPU, f.Rate, f.P99.Round(time.Microsecond), f.Failed, f.Reordered, f.Breaches)
	if text := findings.String(); text != "" {
		fmt.Fprintln(os.Stderr, text)
	}
}
