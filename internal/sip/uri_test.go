package sip_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"isthmus/internal/sip"
)

func TestURIsAreTakenApart(t *testing.T) {
	for in, want := range map[string]string{
		"sip:anna@synergy.com":                         "sip|anna|synergy.com|0||",
		"SIPS:anna:secret@Synergy.com:5061":            "SIPS|anna:secret|Synergy.com|5061||",
		"sip:imp1.synergy.com;transport=tls;lr":        "sip||imp1.synergy.com|0|;transport=tls;lr|",
		"sip:u;a=b?c@h:5060;maddr=x?Subject=y&To=z":    "sip|u;a=b?c|h|5060|;maddr=x|Subject=y&To=z",
		"sip:a@synergy.com;opaque=user:epid:Ab_c;gruu": "sip|a|synergy.com|0|;opaque=user:epid:Ab_c;gruu|",
		"sip:[2001:db8::10:5070]":                      "sip||2001:db8::10:5070|0||",
		"sip:bob@[2001:db8::10]:5070":                  "sip|bob|2001:db8::10|5070||",
		"sip:192.0.2.21:49822":                         "sip||192.0.2.21|49822||",
		"sip:my_host.synergy.com.":                     "sip||my_host.synergy.com.|0||",
	} {
		u, err := sip.ParseURI([]byte(in))
		got := fmt.Sprintf("%s|%s|%s|%d|%s|%s", u.Scheme, u.User, u.Host, u.Port, u.Params, u.Headers)
		equal(t, in, got, want)
		equal(t, in, err, nil)
		equal(t, in, u.HasUser, len(u.User) > 0)
	}
}

func TestURIsThatAreNoneAreRefused(t *testing.T) {
	for _, in := range []string{"", "sip", "sip:", ":", "sip:@h", "sip:a@", "sip:a@b@c", "sip:h:", "sip:h:0", "sip:h:65536", "sip:h:x",
		"sip:h:506000000000", "sip:a b@h", "sip:<a@h>", "sip:a\"@h", "sip:a\x00@h", "sip:[::1", "sip:[]", "sip:[g::]", "sip:::1", "sip:h;", "sip:h;=",
		"sip:h;=x", "sip:h;;lr", "sip:h?", "sip:.h", "sip:a..b", "1sip:h", "s p:h", "sip:h/x", "tel:", "sip:[::1]x", "sip:h;a?"} {
		_, err := sip.ParseURI([]byte(in))
		var e *sip.Error
		if !errors.As(err, &e) || e.Status != 400 {
			t.Errorf("%q: %v", in, err)
		}
	}
	_, err := sip.ParseURI([]byte("sip:" + strings.Repeat("h", 1021)))
	equal(t, "1025 bytes", err.(*sip.Error).Status, 414)
}

func TestUsersAreComparedWithoutCaseAndEscapes(t *testing.T) {
	for in, want := range map[string]string{
		"sip:Anna@Synergy.COM.":            "anna@synergy.com",
		"sips:%61nn%41@synergy.com":        "anna@synergy.com",
		"sip:anna:secret@synergy.com;x":    "anna@synergy.com",
		"sip:null-%00-null@synergy.com":    "null-\x00-null@synergy.com",
		"sip:%Z%4@synergy.com":             "%z%4@synergy.com",
		"sip:J%C3%9CRGEN@synergy.com":      "jürgen@synergy.com",
		"sip:%ff%FE@synergy.com":           "\xff\xfe@synergy.com",
		"sip:synergy.com":                  "synergy.com",
		"tel:+1-555-ABC":                   "tel:+1-555-abc",
		"sip:a%3Ab@synergy.com":            "a:b@synergy.com",
		"sip:anna@[2001:DB8::1]:5061;lr=x": "anna@2001:db8::1",
	} {
		u, err := sip.ParseURI([]byte(in))
		equal(t, in, u.Address(), want)
		equal(t, in, err, nil)
	}
}

func TestURIParametersAreFoundInAnyCase(t *testing.T) {
	u, _ := sip.ParseURI([]byte("sip:h;Transport=Tls;LR;maddr="))
	for name, want := range map[string]string{"transport": "Tls true", "lr": " true", "MADDR": " true", "method": " false"} {
		value, ok := u.Param(name)
		equal(t, name, fmt.Sprintf("%s %v", value, ok), want)
	}
	equal(t, "host", u.HostString(), "h")
}

func TestTransportsAreReadAndWritten(t *testing.T) {
	for _, want := range []sip.Transport{sip.UDP, sip.TCP, sip.TLS} {
		for _, name := range []string{want.String(), want.Param()} {
			got, ok := sip.ParseTransport(name)
			equal(t, name, got, want)
			equal(t, name, ok, true)
		}
	}
	_, ok := sip.ParseTransport("sctp")
	equal(t, "sctp", ok, false)
	equal(t, "only TLS has a port of its own", fmt.Sprint(sip.UDP.DefaultPort(), sip.TCP.DefaultPort(), sip.TLS.DefaultPort()), "5060 5060 5061")
}
