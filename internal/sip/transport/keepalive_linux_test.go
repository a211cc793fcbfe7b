package transport

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"isthmus/internal/sip"
)

// Front ends keep connections for days without a word, behind firewalls that forget what is quiet. Keep-alives of TCP see
// to both ends of that, below anything that the peer could misunderstand.
func TestAnIdleConnectionIsKeptAliveEvery15Seconds(t *testing.T) {
	r := newRecorder()
	c, _ := accepted(t, newLayer(t, r, Limits{}), r)
	for name, want := range map[int]int{unix.TCP_KEEPIDLE: 15, unix.TCP_KEEPINTVL: 15, unix.TCP_KEEPCNT: 3} {
		if got := option(t, c, unix.IPPROTO_TCP, name); got != want {
			t.Errorf("option %d is %d, want %d", name, got, want)
		}
	}
}

func TestAPathThatEndsIsNoticedOnAnIdleConnection(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	l := newLayer(t, r, Limits{KeepAlive: time.Second, UserTimeout: 500 * time.Millisecond})
	_, p := accepted(t, l, r)
	blackHole(t, p.Conn.(*net.TCPConn))
	if got := next(t, r.closed); !errors.Is(got.err, unix.ETIMEDOUT) {
		t.Errorf("closed for %v", got.err)
	}
}

// RFC 5923's aliases are not made: whoever connects here is never asked anything on that connection, whatever port it
// came from.
func TestAConnectionOfAPeerIsNotTheWayToIt(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	c, _ := accepted(t, l, r)
	other, err := l.Dial(context.Background(), Target{Addr: c.Peer().Remote, Transport: sip.TCP})
	if err == nil {
		t.Fatalf("%v is connected to as %v, over %v", c.Peer().Remote, other.Peer(), other.ID())
	}
}
