package siptest

import (
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
)

func TestALedgerFindsWhatIsLostWrongOrDouble(t *testing.T) {
	read := func(text string) *sip.Message {
		m := new(sip.Message)
		if err := m.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, c := range []struct {
		promise, method string
		answers         []int
		after           time.Duration
		hops            []string
		want            string
	}{
		{"one allowed answer is right", "MESSAGE", []int{100, 200}, 31 * time.Second, []string{"fe1"}, ""},
		{"nobody need have processed it", "MESSAGE", []int{504}, 0, nil, ""},
		{"every 2xx of an INVITE is right", "INVITE", []int{200, 200}, 0, []string{"fe1"}, ""},
		{"no answer", "MESSAGE", nil, 0, nil, "lost"},
		{"a provisional answer alone", "MESSAGE", []int{100}, 0, nil, "lost"},
		{"an answer that came too late", "MESSAGE", []int{200}, 33 * time.Second, nil, "lost"},
		{"an answer that is not allowed", "MESSAGE", []int{503}, 0, nil, "wrong"},
		{"two answers", "MESSAGE", []int{200, 200}, 0, nil, "wrong"},
		{"a refusal after a 2xx", "INVITE", []int{200, 504}, 0, nil, "wrong"},
		{"two hops", "MESSAGE", []int{200}, 0, []string{"fe1", "fe2"}, "double"},
		{"one hop twice", "MESSAGE", []int{200}, 0, []string{"fe1", "fe1"}, "double"},
	} {
		t.Run(c.promise, func(t *testing.T) {
			now := time.Unix(0, 0)
			l := NewLedger(func() time.Time { return now })
			r := NewRequest(c.method, "anna@synergy.com", "carla@synergy.com")
			r.SentBy = "127.0.0.1:5060"
			l.Asked(r, 200, 504)
			now = now.Add(c.after)
			for _, hop := range c.hops {
				l.Processed(hop, read(r.String()))
			}
			for _, status := range c.answers {
				l.Answered(read(Response(read(r.String()), status)))
			}
			err := l.Audit()
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("found %v, want %q", err, c.want)
			}
			final := len(c.answers) > 0 && c.answers[len(c.answers)-1] >= 200
			if (l.Open() == 0) != final || final && l.Slowest() != c.after {
				t.Errorf("%d are open, the slowest took %v", l.Open(), l.Slowest())
			}
		})
	}
	l := NewLedger(time.Now)
	r := NewRequest("MESSAGE", "anna@synergy.com", "carla@synergy.com")
	r.SentBy = "127.0.0.1:5060"
	l.Answered(read(Response(read(r.String()), 200)))
	if err := l.Audit(); err == nil {
		t.Error("an answer that nobody asked for is not found")
	}
}
