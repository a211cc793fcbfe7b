package sip_test

import (
	"fmt"
	"testing"

	"isthmus/internal/sip"
)

func TestAddressesAreTakenApart(t *testing.T) {
	for in, want := range map[string]string{
		`"Weiss, Anna"<sip:anna@synergy.com>;tag=1;epid=2`:   `"Weiss, Anna"|sip:anna@synergy.com|;tag=1;epid=2|1`,
		`"a \" <b>, c" <sip:anna@synergy.com>`:               `"a \" <b>, c"|sip:anna@synergy.com||`,
		`Anna M. Weiss <sip:anna@synergy.com> ; TAG = 1`:     `Anna M. Weiss|sip:anna@synergy.com|; TAG = 1|1`,
		`sip:anna@synergy.com;tag=1`:                         `|sip:anna@synergy.com|;tag=1|1`,
		`<sip:h;lr;x=1>;ms-rrsig=aaQ==;tag="q,;"`:            `|sip:h;lr;x=1|;ms-rrsig=aaQ==;tag="q,;"|"q,;"`,
		` <tel:+15550100> `:                                  `|tel:+15550100||`,
		`<sip:a,b;c?d@synergy.com>`:                          `|sip:a,b;c?d@synergy.com||`,
		`<sip:a@synergy.com>;+sip.instance="<urn:uuid:1,2>"`: `|sip:a@synergy.com|;+sip.instance="<urn:uuid:1,2>"|`,
	} {
		n, err := sip.ParseNameAddr([]byte(in))
		equal(t, in, fmt.Sprintf("%s|%s|%s|%s", n.Display, n.URI, n.Params, n.Tag()), want)
		equal(t, in, err, nil)
	}
	n, _ := sip.ParseNameAddr([]byte(`<sip:h>;EPID=2;flag`))
	epid, _ := n.Param("Epid")
	_, flag := n.Param("flag")
	equal(t, "parameters in any case", fmt.Sprint(string(epid), flag), "2true")
}

func TestAddressesThatAreNoneAreRefused(t *testing.T) {
	for _, in := range []string{"", "<>", "<", ">", "anna", `"anna"`, `"anna" sip:a@b`, "<sip:a@b", "sip:a@b>", "<sip:a@b>x", "<sip:a@b>;", "<sip:a@b>;;x",
		"<sip:a@b>;=", "<sip:a@b>;a=\"", "a@b <sip:a@b>", "<sip:a b@c>", "<<sip:a@b>>", "<sip:>", "sip:a,b@c", "<sip:a@b>,<sip:c@d>", "<sip:a@b>;tag=1;tag=2"} {
		if n, err := sip.ParseNameAddr([]byte(in)); err == nil {
			t.Errorf("%q was accepted: %q %q %q", in, n.Display, n.URI, n.Params)
		}
	}
}

func TestViasAreTakenApart(t *testing.T) {
	for in, want := range map[string]string{
		"SIP/2.0/TLS 192.0.2.21:49822;branch=z9hG4bK1.2;branched=FALSE": "TLS 192.0.2.21:49822 z9hG4bK1.2 - false 0",
		"sip/2.0/tls Lync01.Synergy.com":                                "tls lync01.synergy.com:5061 - - false 0",
		"SIP/2.0/TCP h":                                                 "TCP h:5060 - - false 0",
		"SIP/2.0/UDP h;branch=":                                         "UDP h:5060 - - false 0",
		"SIP/2.0/UDP h;rport;received=192.0.2.1":                        "UDP h:5060 - 192.0.2.1 true 0",
		"SIP/2.0/UDP h;RPORT=99;Branch=b":                               "UDP h:5060 b - true 99",
		"SIP/2.0/TLS [2001:DB8::9]:5071;received=2001:db8::9:255":       "TLS [2001:db8::9]:5071 - 2001:db8::9:255 false 0",
		`SIP/2.0/TLS h;ms-internal-info="a,;\"=";branch=x`:              "TLS h:5061 x - false 0",
		"SIP / 2.0 / SCTP  h : 5 ; branch = y":                          "SCTP h:5 y - false 0",
	} {
		v := parsed(t, request("Via: "+in)).Via(0)
		dash := func(b []byte) string {
			if b == nil {
				return "-"
			}
			return string(b)
		}
		got := fmt.Sprintf("%s %s %s %s %v %d", v.Transport, v.SentBy(), dash(v.Branch), dash(v.Received), v.RPort, v.RPortValue)
		equal(t, in, got, want)
		equal(t, in, string(v.Raw), in)
	}
}
