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
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"
)

var (
	rounds   = flag.Int("rounds", 5, "how often each case is measured with each proxy")
	duration = flag.Duration("duration", 4*time.Second, "of one measurement")
	warm     = flag.Duration("warm", time.Second, "of load before it")
	filter   = flag.String("run", "", "only cases whose name matches this, such as 'message TLS saturated'")
	only     = flag.String("proxies", "Isthmus,Kamailio,relay", "which proxies to measure")
	program  = flag.String("isthmus", "bin/isthmus", "the product")
)

func main() {
	flag.Parse()
	if err := bench(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func bench() error {
	wanted, err := regexp.Compile(*filter)
	if err != nil {
		return err
	}
	var cases []kind
	for _, k := range kinds() {
		if wanted.MatchString(k.String()) {
			cases = append(cases, k)
		}
	}
	s, err := newStage(strings.Split(*only, ","))
	if err != nil {
		return err
	}
	defer s.close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	return s.rounds(cases, stop)
}
