package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// Starts are measured from the moment when the process is made until it has answered an OPTIONS. The contract's figure is
// 300 ms on a quiet machine; tests run beside each other, so that what is refused here is only a start of another order.
const (
	starts       = 5
	slowestStart = 2 * time.Second // of the median
)

// manyRoutes is the section of 10,000 static routes.
func manyRoutes() string {
	var b strings.Builder
	b.WriteString("static_routes:\n")
	for i := range 10_000 {
		fmt.Fprintf(&b, "  - {destination: .com.synergy.branch%d, type: domain, next_hop: 127.%d.%d.21, port: 5061, transport: tls}\n", i, 200+i/250%50, i%250)
	}
	return b.String()
}

func TestAStartWithTenThousandRoutesServesSoon(t *testing.T) {
	w := newWorld(t, newDatabase(t))
	w.setUp()
	w.node.apply(manyRoutes())
	w.node.serve().stop() // the first start of a node makes its certificate
	var took, worked []time.Duration
	for range starts {
		began := time.Now()
		p := launch(t, w.node.env, programs.isthmus, "serve")
		eventually(t, patience, "OPTIONS is answered", func() bool { return answersOptions(w.net + nodeHost) })
		took = append(took, time.Since(began))
		p.stop()
		worked = append(worked, p.cmd.ProcessState.UserTime()+p.cmd.ProcessState.SystemTime())
	}
	slices.Sort(took)
	slices.Sort(worked)
	t.Logf("from the start to the answer: median %s, best %s; processor time of the whole run: median %s", took[starts/2], took[0], worked[starts/2])
	if took[starts/2] > slowestStart {
		t.Errorf("half of the starts took more than %s", took[starts/2])
	}
}

// answersOptions reports whether a node answers an OPTIONS to itself, from its own address.
func answersOptions(address string) bool {
	c, err := siptest.Dial(address+":5060", siptest.Options{Local: address})
	if err != nil {
		return false
	}
	defer c.Close()
	if c.Send(siptest.Probe(address+":5060")) != nil {
		return false
	}
	m, err := c.Receive()
	return err == nil && m.Status() == 200
}
