package proxy

import (
	"testing"

	"isthmus/internal/siptest"
)

func TestANodeThatLeavesRefusesWhatIsNewAndFinishesWhatIsUnderWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		lync.asks(toCarla("MESSAGE"))
		under := w.at(connectorAt).expect("MESSAGE")
		invite := siptest.Invite("anna@synergy.com", "carla@synergy.com")
		invite.SentBy = lync.peer.Remote.String()
		lync.asks(invite)
		lync.expect("100")
		w.at(connectorAt).answers(w.at(connectorAt).expect("INVITE"), 180)
		lync.expect("180")

		w.proxy.Stop()
		w.proxy.Refuse()
		lync.asks(toCarla("MESSAGE"))
		refusal := lync.expect("503")
		if value(refusal, "Retry-After") != "5" || value(refusal, "Warning") != `399 imp1.synergy.com "this node is being stopped"` {
			t.Errorf("the refusal:\n%s", refusal.Bytes())
		}
		w.counted(`sip_refusals_total{reason="node leaving"} 1`)
		w.at(connectorAt).answers(under, 200)
		lync.expect("200")
		for _, method := range []string{"PRACK", "BYE"} {
			lync.asks(toCarla(method))
			w.at(connectorAt).answers(w.at(connectorAt).expect(method), 481)
			lync.expect("481")
		}
		lync.asks(invite) // a retransmission is no new request
		lync.expect("180")
		lync.asks(invite.Cancel())
		lync.expect("200")
		w.at(connectorAt).expect("CANCEL")
		if came := w.proxy.Came(); came != 5 {
			t.Errorf("%d requests came since, not 5", came)
		}
	})
}

func TestANodeThatLeavesGoesOnServingAtFirst(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.proxy.Stop()
		lync := w.lync()
		lync.asks(toCarla("MESSAGE"))
		w.at(connectorAt).answers(w.at(connectorAt).expect("MESSAGE"), 200)
		lync.expect("200")
	})
}
