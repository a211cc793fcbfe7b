package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func page(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestEveryNameBeginsWithIsthmus(t *testing.T) {
	m := New("1.0")
	m.Request("INVITE", Forwarded)
	m.Observe(func() State { return State{} })
	for line := range strings.Lines(page(t, m)) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "isthmus_") {
			t.Errorf("the page holds %q", line)
		}
	}
}

func TestWhatIsCountedIsShown(t *testing.T) {
	m := New("1.0")
	m.Request("SUBSCRIBE", Forwarded)
	m.Request("SUBSCRIBE", Forwarded)
	m.Request("SUBSCRIBE", Refused)
	m.Refusal("ACL - upstream not trusted")
	m.Response(200, 3*time.Millisecond)
	m.Response(180, time.Hour)
	m.Attempt("tls:127.0.0.21:5061", "answered")
	m.HandshakeFailure("TLS peer subject not listed")
	m.Returned(Dropped)
	m.Malformed()
	m.Panic()
	m.Observe(func() State {
		return State{Ready: true, AppliedRevision: 43, Held: true, Behind: 12 * time.Second, ClockSkew: -6 * time.Second, Connections: 2, ServerTransactions: 5, ClientTransactions: 4, HandshakesWaiting: 3, MemoryPressure: 2, Users: 7,
			Listeners: map[string]bool{"TLS": true}, Hops: map[string]bool{"tls:127.0.0.21:5061": false},
			Node: "imp1.synergy.com", Ends: map[string]time.Time{"cup": time.Unix(1772617260, 0)}}
	})
	text := page(t, m)
	for _, want := range []string{
		`isthmus_sip_requests_total{method="SUBSCRIBE",outcome="forwarded"} 2`,
		`isthmus_sip_requests_total{method="SUBSCRIBE",outcome="refused"} 1`,
		`isthmus_sip_refusals_total{reason="ACL - upstream not trusted"} 1`,
		`isthmus_sip_responses_total{class="1xx"} 1`,
		`isthmus_sip_answer_seconds_count 1`,
		`isthmus_sip_answer_seconds_bucket{le="0.005"} 1`,
		`isthmus_sip_hop_attempts_total{hop="tls:127.0.0.21:5061",outcome="answered"} 1`,
		`isthmus_tls_handshake_failures_total{reason="TLS peer subject not listed"} 1`,
		`isthmus_sip_returned_responses_total{outcome="dropped"} 1`,
		`isthmus_sip_malformed_total 1`,
		`isthmus_memory_pressure 2`,
		`isthmus_sip_panics_total 1`,
		`isthmus_ready 1`,
		`isthmus_database_up 0`,
		`isthmus_applied_revision 43`,
		`isthmus_restored_held 1`,
		`isthmus_behind_seconds 12`,
		`isthmus_clock_skew_seconds -6`,
		`isthmus_sip_connections 2`,
		`isthmus_sip_transactions{side="server"} 5`,
		`isthmus_sip_transactions{side="client"} 4`,
		`isthmus_tls_handshakes_waiting 3`,
		`isthmus_users 7`,
		`isthmus_listener_open{listener="TLS"} 1`,
		`isthmus_sip_hop_up{hop="tls:127.0.0.21:5061"} 0`,
		`isthmus_certificate_not_after_seconds{node="imp1.synergy.com",purpose="cup"} 1.77261726e+09`,
		`isthmus_build_info{version="1.0"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestStrangersCannotMakeLabels(t *testing.T) {
	m := New("1.0")
	for _, method := range []string{"EVIL1", "EVIL2", "invite", ""} {
		m.Request(method, Refused)
	}
	m.Response(1000, 0)
	text := page(t, m)
	if !strings.Contains(text, `isthmus_sip_requests_total{method="other",outcome="refused"} 4`) || strings.Contains(text, "EVIL") {
		t.Error("a method that nobody knows got a label of its own")
	}
	if !strings.Contains(text, `class="other"} 1`) {
		t.Error("a status outside 100 to 699 has no class of its own")
	}
}

func TestEveryStatusHasItsClass(t *testing.T) {
	for status, want := range map[int]string{99: "other", 100: "1xx", 404: "4xx", 699: "6xx", 700: "other"} {
		m := New("1.0")
		m.Response(status, 0)
		if line := `isthmus_sip_responses_total{class="` + want + `"} 1`; !strings.Contains(page(t, m), line) {
			t.Errorf("%d is not counted as %s", status, want)
		}
	}
}

func TestAHopThatIsGoneIsNoLongerShown(t *testing.T) {
	m, hops := New("1.0"), map[string]bool{"a": true}
	m.Observe(func() State { return State{Hops: hops} })
	if !strings.Contains(page(t, m), `hop="a"`) {
		t.Fatal("the hop is not shown")
	}
	hops = nil
	if strings.Contains(page(t, m), `hop="a"`) {
		t.Fatal("the hop is still shown")
	}
}

func BenchmarkRequest(b *testing.B) {
	m := New("1.0")
	b.ReportAllocs()
	for b.Loop() {
		m.Request("MESSAGE", Forwarded)
	}
}

func TestAHopThatIsGoneIsCountedAnewWhenItComesBack(t *testing.T) {
	m := New("1.0")
	m.Attempt("a", "answered")
	m.Attempt("b", "answered")
	m.Gone("a")
	if text := page(t, m); strings.Contains(text, `hop="a"`) || !strings.Contains(text, `{hop="b",outcome="answered"} 1`) {
		t.Error("the hop is still counted, or another is not")
	}
	m.Attempt("a", "answered")
	if !strings.Contains(page(t, m), `{hop="a",outcome="answered"} 1`) {
		t.Error("the hop is not counted anew")
	}
}
