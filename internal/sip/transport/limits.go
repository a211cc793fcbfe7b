package transport

import (
	"cmp"
	"runtime"
	"time"
)

// Limits are the durations and sizes that bound what one connection can cost.
type Limits struct {
	Message      time.Duration // from a message's first byte to its last, 4 s
	HandshakeIn  time.Duration // TLS handshake with a client, 5 s
	HandshakeOut time.Duration // TLS handshake with a server, 2 s
	Connect      time.Duration // TCP connect, 1 s
	UserTimeout  time.Duration // sent and unacknowledged data (TCP_USER_TIMEOUT), 5 s
	Write        time.Duration // a blocked write without progress, 2 s
	Enqueue      time.Duration // waiting for room in a full queue, 250 ms
	Queue        int           // bytes queued for a connection, 256 KiB
	SendBuffer   int           // the kernel's own queue (SO_SNDBUF), 64 KiB
	HalfClosed   time.Duration // answering a peer that has closed its direction, or whose framing is lost, 32 s
	Retire       time.Duration // answering a peer that may send no more, 500 ms
	Linger       time.Duration // letting the peer read our last answer before a reset could overtake it, 500 ms
	KeepAlive    time.Duration // pause before and between TCP keep-alives, 15 s
	Warm         time.Duration // a connection keeps its read buffer while it pauses no longer than this, 1 s
	Drain        time.Duration // emptying the accept queue of a listener that goes, 50 ms
	EmptyLines   int           // empty lines in a second, 100
	Stranger     time.Duration // until a peer that the Handler does not know has sent a request, 10 s
	Strangers    int           // connections of such peers, 256

	// TLS handshakes of strangers, and of known addresses that fail often.
	Handshakes        int // worked on at once; half of the processors, at least one
	HandshakeQueue    int // waiting to be worked on, 256
	HandshakesEach    int // under way from one address, 32
	HandshakeFailures int // of one address in a row; one more each second, 300
}

func (l Limits) orDefaults() Limits {
	return Limits{
		Message:      cmp.Or(l.Message, 4*time.Second),
		HandshakeIn:  cmp.Or(l.HandshakeIn, 5*time.Second),
		HandshakeOut: cmp.Or(l.HandshakeOut, 2*time.Second),
		Connect:      cmp.Or(l.Connect, time.Second),
		UserTimeout:  cmp.Or(l.UserTimeout, 5*time.Second),
		Write:        cmp.Or(l.Write, 2*time.Second),
		Enqueue:      cmp.Or(l.Enqueue, 250*time.Millisecond),
		Queue:        cmp.Or(l.Queue, 256<<10),
		SendBuffer:   cmp.Or(l.SendBuffer, 64<<10),
		HalfClosed:   cmp.Or(l.HalfClosed, 32*time.Second),
		Retire:       cmp.Or(l.Retire, 500*time.Millisecond),
		Linger:       cmp.Or(l.Linger, 500*time.Millisecond),
		KeepAlive:    cmp.Or(l.KeepAlive, 15*time.Second),
		Warm:         cmp.Or(l.Warm, time.Second),
		Drain:        cmp.Or(l.Drain, 50*time.Millisecond),
		EmptyLines:   cmp.Or(l.EmptyLines, 100),
		Stranger:     cmp.Or(l.Stranger, 10*time.Second),
		Strangers:    cmp.Or(l.Strangers, 256),

		Handshakes:        cmp.Or(l.Handshakes, max(1, runtime.GOMAXPROCS(0)/2)),
		HandshakeQueue:    cmp.Or(l.HandshakeQueue, 256),
		HandshakesEach:    cmp.Or(l.HandshakesEach, 32),
		HandshakeFailures: cmp.Or(l.HandshakeFailures, 300),
	}
}
