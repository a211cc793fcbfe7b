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
		const answer = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP imp1.synergy.com:5060;branch=z9hG4bKx\r\nFrom: <sip:carla@synergy.com>;tag=1\r\n" +
			"To: <sip:anna@synergy.com>;tag=2\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"
		for promise, comes := range map[string]func(*end){
			"an ACK":     func(e *end) { e.asks(toCarla("ACK")) },
			"a BENOTIFY": func(e *end) { e.asks(toCarla("BENOTIFY")) },
			"an answer":  func(e *end) { e.sends(answer) },
		} {
			other := w.lync()
			comes(other)
			other.quiet()
			if !other.closed {
				t.Errorf("%s, which is never answered, leaves the connection open", promise)
			}
		}
	}, proxyOff)
}
