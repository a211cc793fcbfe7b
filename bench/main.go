// Command bench compares Isthmus as a SIP proxy with Kamailio at its best settings and with a bare relay: the same
// requests from the same callers to the same upstream on loopback, one proxy after the other in rounds, so that whatever else the
// machine does meets all three. It prints medians, and writes docs/performance.md with -write.
//
// Run it as root or as a user that may read smaps_rollup of its own processes; make bench builds what it needs.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	rounds   = flag.Int("rounds", 5, "how often each case is measured with each proxy")
	duration = flag.Duration("duration", 4*time.Second, "of one measurement")
	warm     = flag.Duration("warm", time.Second, "of load before it")
	filter   = flag.String("run", "", "only cases whose name matches this, such as 'message TLS saturated' or 'TLS connections'")
	only     = flag.String("proxies", "Isthmus,Kamailio,relay", "which proxies to measure")
	parts    = flag.String("parts", "cost,growth,memory,console", "what to measure")
	write    = flag.Bool("write", false, "put the figures into docs/performance.md")
	profile  = flag.String("profile", "", "file for a CPU profile of Isthmus, which has to be built with the tag profile")
	program  = flag.String("isthmus", "bin/isthmus", "the product")
)

func main() {
	flag.Parse()
	if err := bench(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// bench measures the parts that are wanted, in the order of the document.
func bench() error {
	all := []struct {
		name    string
		measure func() error
	}{{"cost", cost}, {"growth", growth}, {"memory", memory}, {"console", console}}
	wanted := strings.Split(*parts, ",")
	for _, p := range all {
		if !slices.Contains(wanted, p.name) {
			continue
		}
		if err := p.measure(); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

// cost compares the proxies.
func cost() error {
	wanted, err := regexp.Compile(*filter)
	if err != nil {
		return err
	}
	cases := slices.DeleteFunc(kinds(), func(k kind) bool { return !wanted.MatchString(k.String()) })
	s, err := newStage(strings.Split(*only, ","))
	if err != nil {
		return err
	}
	defer s.close()
	return s.rounds(cases)
}
