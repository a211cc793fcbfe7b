package load

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// runs a little load through a proxy.
func through(t *testing.T, p *proxy, o Options) Result {
	t.Helper()
	u, address := upstream(t)
	p.to = address
	o.Proxy = p.listen(t)
	o.Locals = []string{"127.0.0.1", "127.0.0.1"}
	o.Call = Call{From: "carl@synergy.com", To: "ann@synergy.com", Contact: "sip:ann@" + address, Route: "<sip:proxy.example;lr>"}
	o.Duration, o.Drain = 100*time.Millisecond, time.Second
	r, err := u.Run(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAProxyThatDoesRightIsFoundToDoSo(t *testing.T) {
	for _, s := range Scenarios {
		for _, o := range []Options{{Scenario: s, Outstanding: 16}, {Scenario: s, Rate: 500}} {
			r := through(t, new(proxy), o)
			if text := r.Findings.String(); text != "" || r.Failed > 0 || r.Completed == 0 || len(r.Samples) == 0 {
				t.Errorf("%s at %d/s: %d completed, %d failed, %d samples\n%s", s, o.Rate, r.Completed, r.Failed, len(r.Samples), text)
			}
		}
	}
}

// replace plants a fault in every message that comes after the greeting.
func replace(from, to string) func(string) string {
	seen := make(chan int, 1)
	seen <- 0
	return func(m string) string {
		n := <-seen
		seen <- n + 1
		if n < 6 {
			return m
		}
		return strings.Replace(m, from, to, 1)
	}
}

func TestAPlantedBreachIsFound(t *testing.T) {
	cases := []struct {
		promise  string
		scenario Scenario
		want     Breach
		proxy    proxy
	}{
		{"no Via of its own", Message, Via, proxy{request: replace(ownVia, "")}},
		{"a Via too many", Message, Via, proxy{request: replace("\r\nVia", "\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK1\r\nVia")}},
		{"its Via is left in the response", Message, Via, proxy{response: replace("\r\nVia", "\r\n"+ownVia+"Via")}},
		{"our Via changed", Notify, Via, proxy{request: replace("Via: SIP/2.0/TCP 127.0.0.1", "Via: SIP/2.0/TCP 127.0.0.9")}},
		{"no Record-Route", Notify, RecordRoute, proxy{request: replace("Record-Route", "Recorded")}},
		{"Record-Route where no dialog begins", Message, RecordRoute, proxy{request: replace("\r\nMax", "\r\nRecord-Route: <sip:x;lr>\r\nMax")}},
		{"Record-Route lost on the way back", Invite, RecordRoute, proxy{response: replace("Record-Route", "Recorded")}},
		{"its own Route left", Notify, Route, proxy{request: replace("\r\nMax", "\r\nRoute: <sip:proxy.example;lr>\r\nMax")}},
		{"Max-Forwards not less", Message, Forwards, proxy{request: replace("Max-Forwards: 69", "Max-Forwards: 70")}},
		{"the body changed", Message, Body, proxy{request: replace("eleven", "twelve")}},
		{"another Request-URI", Message, Identity, proxy{request: replace("MESSAGE sip:ann", "MESSAGE sip:bea")}},
		{"another From tag", Message, Identity, proxy{request: replace(";tag=f", ";tag=g")}},
		{"another To tag", Message, Tag, proxy{response: replace(";tag=t", ";tag=u")}},
		{"a refusal", Message, Status, proxy{response: replace("200 OK", "503 Service Unavailable")}},
		{"messages change places", Message, Order, proxy{batch: func(list []string) []string {
			slices.Reverse(list)
			return list
		}}},
	}
	for _, c := range cases {
		t.Run(c.promise, func(t *testing.T) {
			t.Parallel()
			r := through(t, &c.proxy, Options{Scenario: c.scenario, Outstanding: 32})
			if r.Findings.Count(c.want) == 0 {
				t.Errorf("no breach of %v was found, but:\n%s", c.want, r.Findings)
			}
			if c.want == Status && r.Failed == 0 {
				t.Error("refused transactions count as completed")
			}
		})
	}
}

func TestAnAnswerThatNeverComesIsAFailure(t *testing.T) {
	t.Parallel()
	r := through(t, &proxy{response: replace("SIP/2.0 200", "SIP/2.0 100")}, Options{Scenario: Message, Outstanding: 8})
	if r.Failed != 8 {
		t.Errorf("%d of 8 failed", r.Failed)
	}
}

// What the proxy holds up counts from when it was due: were it from when it was sent, few would be slow.
func TestTheOpenLoopOmitsNoDelay(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	stall := func(list []string) []string {
		if n.Add(int64(len(list))) > 20 {
			n.Store(-1 << 30)
			<-time.After(60 * time.Millisecond)
		}
		return list
	}
	r := through(t, &proxy{batch: stall}, Options{Scenario: Message, Rate: 1000})
	slow := 0
	for _, s := range r.Samples {
		if s > 10*time.Millisecond {
			slow++
		}
	}
	if slow < 15 {
		t.Errorf("%d of %d were slow while the proxy stood still for 60 of 100 ms", slow, len(r.Samples))
	}
}
