package siptest

import (
	"testing"
	"time"

	"isthmus/internal/sip"
)

func TestUDPAnswersWhoeverSentLast(t *testing.T) {
	here := ServeUDP(t, "127.0.0.1:0")
	if err := here.Conn.Send(NewRequest("OPTIONS", "a@b.com", "c@d.com")); err == nil {
		t.Error("something was sent to nobody")
	}
	for range 2 {
		peer := Connect(t, here.LocalAddr().String(), Options{Local: "127.0.0.5", UDP: true})
		peer.Sends(Message("anna@synergy.com", "carla@synergy.com", string(make([]byte, 40_000))))
		m := here.Expect("MESSAGE")
		if v := m.Via(0); string(v.Transport) != sip.UDP.String() || len(m.Body()) != 40_000 || string(v.Host) != "127.0.0.5" {
			t.Errorf("received %d bytes with Via %s", len(m.Body()), v.Raw)
		}
		here.Answers(m, 200)
		peer.Expect("200")
		peer.ExpectSilence(10 * time.Millisecond)
	}
}
