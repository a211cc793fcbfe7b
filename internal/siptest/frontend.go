package siptest

import (
	"fmt"
	"strings"
)

// FrontEnd is a pretend Skype for Business front end: it lends a request the header shapes that such a server adds
// between a client and the next hop.
type FrontEnd struct {
	FQDN   string // the server: "lync01.synergy.com"
	Pool   string // the pool, "": the server stands alone
	SentBy string // host:port of its Via; "": Conn.Send puts its own address there
	Port   int    // in its Record-Route, 0: 5061
	Client string // host:port of the user's client, whose Via has no branch; "": the request begins here
}

// Dress returns the request as the front end passes it on.
func (f FrontEnd) Dress(r Request) Request {
	r.SentBy = f.SentBy
	r.MaxForwards, r.LengthFirst = 69, true
	r.ViaParams = `;branched=FALSE;ms-internal-info="dcQ1xPLm/9+Za0=="`
	if f.Client != "" {
		_, port, _ := strings.Cut(f.Client, ":")
		via := fmt.Sprintf("Via: SIP/2.0/TLS %s;ms-received-port=%s;ms-received-cid=33E00", f.Client, port)
		r.Below = append([]string{via}, r.Below...)
	}
	if !strings.Contains(r.From, ";epid=") { // a dialog's later requests have it
		r.From = strings.Replace(r.From, ";tag=", ";epid=77d1e2a9b0;tag=", 1)
	}
	if !strings.Contains(r.To, ";tag=") && dialogForming(r.Method) {
		r.Top = append([]string{"Record-Route: " + f.RecordRoute()}, r.Top...)
	}
	r.Lines = append([]string{"User-Agent: UCCAPI/16.0.4266.1001 OC/16.0.4266.1001 (Skype for Business)",
		"Supported: ms-dialog-route-set-update", "ms-keep-alive: UAC;hop-hop=yes"}, r.Lines...)
	return r
}

func dialogForming(method string) bool { return method == "INVITE" || method == "SUBSCRIBE" }

// RecordRoute is the value that keeps the front end in a dialog: parameters inside and outside the brackets.
func (f FrontEnd) RecordRoute() string {
	host, server := f.FQDN, ""
	if f.Pool != "" {
		host, server = f.Pool, ";ms-fe="+f.FQDN
	}
	port := f.Port
	if port == 0 {
		port = 5061
	}
	return fmt.Sprintf("<sip:%s:%d;transport=tls%s;opaque=state:T:F:Ci.R33e00;lr;ms-route-sig=hkT2vQmA81==>;ms-rrsig=hkZ7pPq0sWx;tag=5EC0A9D17B4F42D8",
		host, port, server)
}
