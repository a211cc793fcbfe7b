package e2e

import (
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// inbox is a server around the node that keeps what arrives, whichever connection it comes over, until a test takes it.
// It answers the node's own probes by itself.
type inbox struct {
	*siptest.Listener
	arrived chan arrival
}

// arrival is a message and the connection it came over.
type arrival struct {
	*sip.Message
	conn *siptest.Conn
}

// newInbox takes what siptest.Listen returns, and closes it with the test.
func newInbox(t *testing.T, listener *siptest.Listener, err error) *inbox {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	i := &inbox{listener, make(chan arrival, 1024)}
	listener.Serve(func(c *siptest.Conn, m *sip.Message) {
		if u, err := sip.ParseURI(m.RequestURI()); m.Method() == "OPTIONS" && err == nil && !u.HasUser && m.ViaCount() == 1 {
			_ = c.Answer(m, 200) // a connection that broke shows where the test waits
			return
		}
		i.arrived <- arrival{m, c}
	})
	return i
}

// expect takes the next message, which must be of that method.
func (i *inbox) expect(t *testing.T, method string) arrival {
	t.Helper()
	select {
	case a := <-i.arrived:
		if a.Method() != method {
			t.Fatalf("expected %s at %s, got:\n%s", method, i.Addr(), a.Bytes())
		}
		return a
	case <-time.After(siptest.Timeout):
		t.Fatalf("waiting for %s at %s", method, i.Addr())
		return arrival{}
	}
}

// takesAll answers whatever arrives with 200, until the test ends.
func (i *inbox) takesAll(t *testing.T) { i.answersAll(t, 200) }

func (i *inbox) answersAll(t *testing.T, status int) {
	go func() {
		for {
			select {
			case a := <-i.arrived:
				if a.IsRequest() && a.Method() != "ACK" {
					_ = a.conn.Answer(a.Message, status) // its sender may be gone
				}
			case <-t.Context().Done():
				return
			}
		}
	}()
}

// nothing holds that no message is waiting. It is asked when what the message would have come before has happened.
func (i *inbox) nothing(t *testing.T) {
	t.Helper()
	select {
	case a := <-i.arrived:
		t.Errorf("expected nothing at %s, got:\n%s", i.Addr(), a.Bytes())
	default:
	}
}

func (a arrival) answers(t *testing.T, status int, lines ...string) {
	t.Helper()
	if err := a.conn.Answer(a.Message, status, lines...); err != nil {
		t.Fatal(err)
	}
}
