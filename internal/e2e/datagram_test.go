package e2e

import (
	"testing"

	"isthmus/internal/siptest"
)

// newDatagramInbox is an inbox on UDP.
func newDatagramInbox(t *testing.T, address string) *inbox {
	t.Helper()
	c, err := siptest.ListenUDP(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	i := &inbox{arrived: make(chan arrival, 1024)}
	go func() {
		for m, err := c.Receive(); err == nil || siptest.Quiet(err); m, err = c.Receive() {
			if err == nil {
				i.arrived <- arrival{m, c}
			}
		}
	}()
	return i
}
