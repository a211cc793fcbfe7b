package proxy

import (
	"testing"
	"testing/synctest"

	"isthmus/internal/sip/transport"
)

func TestAHopWhoseConnectionsAllDieIsGivenUpAfterTheSecond(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hop := w.proxy.policy.Load().Hops()[0]
		sent, done := 0, []error{}
		w.proxy.place(hop).over(func() {}, func(*wire) error {
			if sent++; sent < 10 {
				return transport.ErrClosed
			}
			return nil
		}, func(err error) { done = append(done, err) })
		synctest.Wait()
		if sent != 2 || len(done) != 1 || done[0] != transport.ErrClosed {
			t.Errorf("sent %d times, ended with %v", sent, done)
		}
	})
}
