package proxy

import (
	"fmt"
	"testing"
)

// A final answer is the hop's to give: whatever it says but 503, and 408 to what is no INVITE, goes up as it is, and no
// other hop is asked (RFC 3261 section 16.7 for one branch at a time).
func TestAFinalAnswerGoesUpAsItIs(t *testing.T) {
	for _, method := range []string{"MESSAGE", "SUBSCRIBE", "INVITE"} {
		for _, status := range []int{200, 202, 299, 300, 302, 400, 401, 403, 404, 407, 415, 420, 423, 480, 481, 482, 484, 486, 488, 491, 500, 501, 504, 513, 580, 600, 603, 606, 699} {
			inWorld(t, func(t *testing.T, w *world) {
				client := w.connector()
				client.asks(request(method))
				if method == "INVITE" {
					client.expect("100")
				}
				const challenge, diagnosis = `Digest realm="a", nonce="b"`, `1034;reason="Previous hop federated peer did not report diagnostic information"`
				w.at(fe1At).answers(w.at(fe1At).expect(method), status, "WWW-Authenticate: "+challenge, "ms-diagnostics: "+diagnosis, "Retry-After: 7", "Server: RTC/6.0")
				m := client.expect(fmt.Sprint(status))
				if value(m, "WWW-Authenticate") != challenge || value(m, "ms-diagnostics") != diagnosis || value(m, "Retry-After") != "7" || value(m, "Server") != "RTC/6.0" || value(m, "Warning") != "" {
					t.Errorf("%s %d:\n%s", method, status, m.Bytes())
				}
				if w.opened(fe2At) > 0 {
					t.Errorf("%s %d: the second hop was asked", method, status)
				}
			})
		}
	}
}
