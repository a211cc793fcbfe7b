package proxy

import (
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

func TestARestartCutsOffWhatIsUnderWayAndServesOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		inside, lync := w.connector(), w.lync()
		inside.asks(request("SUBSCRIBE"))
		inside.asks(request("MESSAGE"))
		inside.asks(siptest.Invite("carla@synergy.com", "bob@synergy.com"))
		inside.expect("100")
		hop := w.at(fe1At)
		hop.expect("SUBSCRIBE")
		hop.answers(hop.expect("MESSAGE"), 100) // of which only the transaction is at hand
		ringing := hop.expect("INVITE")
		hop.answers(ringing, 180)
		inside.expect("180")
		if cut := w.proxy.Restart(); cut != 3 {
			t.Errorf("%d requests were cut off, not 3", cut)
		}
		w.after(time.Millisecond)
		for range 2 {
			if m := inside.expect("503"); value(m, "Retry-After") != "1" {
				t.Errorf("it is not told to come again:\n%s", m.Bytes())
			}
		}
		if m := inside.expect("504"); value(m, "Retry-After") != "" || !strings.Contains(value(m, "Warning"), "may have been delivered") {
			t.Errorf("a message that the hop may have is to be sent again:\n%s", m.Bytes())
		}
		hop.isCancelled(ringing) // it rings no longer
		if inside.open() || lync.open() || hop.open() {
			t.Errorf("open: inside %t, front end %t, next hop %t", inside.open(), lync.open(), hop.open())
		}
		w.untouched(fe2At)
		w.counted(`sip_responses_total{class="5xx"} 3`)
		if n := w.proxy.Pending(); n != 0 {
			t.Errorf("%d requests are pending", n)
		}
		again := w.connector()
		again.asks(request("SUBSCRIBE"))
		fresh := w.at(fe1At)
		fresh.answers(fresh.expect("SUBSCRIBE"), 200)
		again.expect("200")
		w.after(time.Minute)
		w.untouched(fe2At) // nothing that was cut off is tried elsewhere
	})
}

func TestARestartForgetsThatAHopIsDown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fails(fe1At, transport.ErrRefused)
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.fails(fe1At, nil)
		w.proxy.Restart()
		w.expectState("unknown")
		again := w.connector()
		again.asks(request("SUBSCRIBE"))
		w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 200)
		again.expect("200")
	})
}

func TestARestartOfTheConnectorLeavesItsConnectionsAndNoOther(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		lync.asks(siptest.Subscribe("bob@synergy.com", "carla@synergy.com"))
		lync.asks(siptest.Message("bob@synergy.com", "carla@synergy.com", "hi"))
		inside, node := w.connector(), w.from("127.0.0.12:40003")
		inside.asks(request("SUBSCRIBE"))
		connector, hop := w.at(connectorAt), w.at(fe1At)
		connector.expect("SUBSCRIBE")
		connector.expect("MESSAGE")
		asked := hop.expect("SUBSCRIBE")
		if cut := w.proxy.RestartConnector(); cut != 2 {
			t.Errorf("%d requests were cut off, not 2", cut)
		}
		w.after(time.Millisecond)
		lync.expect("504") // the message may be there
		lync.expect("480")
		if connector.open() || inside.open() || !lync.open() || !hop.open() || !node.open() {
			t.Errorf("open: to the connector %t, from it %t, front end %t, next hop %t, other node %t", connector.open(), inside.open(), lync.open(), hop.open(), node.open())
		}
		hop.answers(asked, 200)
		fresh := w.at(connectorAt)
		fresh.expect("200") // what the connector had asked is answered over a new connection
		lync.asks(siptest.Subscribe("bob@synergy.com", "carla@synergy.com"))
		fresh.answers(fresh.expect("SUBSCRIBE"), 200)
		lync.expect("200")
	})
}

func TestARestartBeforeTheFirstConfigurationDoesNothing(t *testing.T) {
	p := New(Config{})
	if p.Restart() != 0 || p.RestartConnector() != 0 {
		t.Error("requests were cut off")
	}
}
