package proxy

import (
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

func proxyOff(s *federation.Snapshot) {
	s.Nodes[0].Services = []string{federation.ServiceSIPFederation}
}

// Front ends keep their connections for days: a service that is off must not go on for those who came before.
func TestSwitchingTheSIPProxyOffEndsTheConnectionsOfItsListeners(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync, here := w.lync(), w.connector()
		here.asks(request("SUBSCRIBE"))
		hop := w.at(fe1At)
		w.set(proxyOff)
		if !lync.closed || !here.closed {
			t.Errorf("closed: the front end %v, the connector %v", lync.closed, here.closed)
		}
		if hop.closed {
			t.Error("a connection that the node opened was closed")
		}
		hop.answers(hop.expect("SUBSCRIBE"), 200)
	})
}

func TestAConnectionAcceptedWhileTheListenersCloseIsToldSo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		lync.asks(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
		if m := lync.expect("503"); value(m, "Retry-After") != "5" {
			t.Errorf("it is not told to try elsewhere:\n%s", m.Bytes())
		}
		w.counted(`sip_refusals_total{reason="connection closing"} 1`)
		lync.quiet()
		if !lync.closed {
			t.Error("the connection is open")
		}
		w.untouched(connectorAt)
	}, proxyOff)
}
