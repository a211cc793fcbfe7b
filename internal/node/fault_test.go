package node

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"isthmus/internal/metrics"
	"isthmus/internal/siptest"
)

// A fault of ours in one message costs the connection that it came over, once, and shows in the metrics.
func TestAFaultInsideCostsOneConnectionAndIsCounted(t *testing.T) {
	counts := metrics.New("1.0")
	r := start(t, func(c *Config) { c.Metrics, c.Drain = counts, time.Millisecond }) // what was lost is still waited for
	r.commits(r.snapshot(1))
	good := siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.1"})
	bad := siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.1"})
	users := r.node.users.table.Swap(nil) // whoever is looked up now is a fault
	bad.Sends(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
	bad.ExpectClosed()
	r.node.users.table.Store(users)
	good.Sends(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
	good.Expect("404")
	page := httptest.NewRecorder()
	counts.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	if !strings.Contains(page.Body.String(), "\nisthmus_sip_panics_total 1\n") {
		t.Errorf("the metrics:\n%s", page.Body)
	}
}
