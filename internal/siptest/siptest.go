// Package siptest plays the other side of a SIP connection: pretend front ends, their certificates and their messages,
// for tests and for the lyncsim program.
//
// Connections carry messages in the header shapes of Microsoft servers and read with the product's own reader, but they
// have no transactions: nothing is retransmitted, answered or ordered unless the caller does it, because a test wants to
// say exactly what goes over the wire. Peer wraps a connection for tests, so that a test reads like a conversation:
//
//	lync := siptest.Connect(t, node, siptest.Options{Local: "127.0.0.21", TLS: ca.Client(cert, "imp1.synergy.com")})
//	lync.Sends(siptest.Subscribe("anna@synergy.com", "carla@synergy.com"))
//	got := connector.Expect("SUBSCRIBE")
//	connector.Answers(got, 200)
//	lync.Expect("200")
//
// The package knows no configuration and no routing.
package siptest

import (
	"crypto/rand"
	"strconv"
	"sync/atomic"
	"time"
)

// Timeout is how long a connection waits for the other side unless Options says otherwise.
const Timeout = 5 * time.Second

var (
	run     = rand.Text()[:8]
	counter atomic.Uint64
)

// Unique returns text that no other call of this process, and hardly one of another, returns.
func Unique(prefix string) string {
	return prefix + run + "." + strconv.FormatUint(counter.Add(1), 10)
}
