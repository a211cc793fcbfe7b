package siptest

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
)

func parse(t *testing.T, raw string) *sip.Message {
	t.Helper()
	m := new(sip.Message)
	if err := m.Parse([]byte(raw)); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return m
}

func TestEveryTemplateIsAMessageThatAStrictReaderTakes(t *testing.T) {
	const anna, carla = "anna@synergy.com", "carla@synergy.com"
	frontEnd := FrontEnd{FQDN: "lync01.synergy.com", Pool: "pool01.synergy.com", SentBy: "192.0.2.21:49822", Client: "198.51.100.40:52011"}
	for _, r := range []Request{Message(anna, carla, "hello"), Subscribe(anna, carla), Notify(anna, carla, "open"), Invite(anna, carla),
		Probe("imp1.synergy.com"), Negotiate("imp1.synergy.com"), NewRequest("BYE", anna, carla)} {
		for _, r := range []Request{r, frontEnd.Dress(r)} {
			r.SentBy = "192.0.2.21:49822"
			m := parse(t, r.String())
			if m.Method() != r.Method || string(m.Body()) != r.Body || len(m.From().Tag()) == 0 {
				t.Errorf("%s:\n%s", r.Method, r)
			}
		}
	}
}

func TestAFrontEndAddsWhatMicrosoftServersAdd(t *testing.T) {
	f := FrontEnd{FQDN: "lync01.synergy.com", Pool: "pool01.synergy.com", SentBy: "192.0.2.21:49822", Client: "198.51.100.40:52011"}
	m := parse(t, f.Dress(Subscribe("anna@synergy.com", "carla@synergy.com")).String())
	if m.ViaCount() != 2 || m.Via(1).Branch != nil || m.RecordRouteCount() != 1 || m.RecordRoute(0).Tag() == nil {
		t.Errorf("shapes:\n%s", m.Bytes())
	}
	if epid, ok := m.From().Param("epid"); !ok || len(epid) == 0 {
		t.Errorf("no epid:\n%s", m.Bytes())
	}
}

func TestAResponseRepeatsTheRequest(t *testing.T) {
	r := Subscribe("anna@synergy.com", "carla@synergy.com")
	r.SentBy, r.Top = "h", []string{"Record-Route: <sip:a;lr>", "Record-Route: <sip:b;lr>"}
	request := parse(t, r.String())
	for status, want := range map[int]string{100: "100 0 ", 200: "200 2 " + ToTag(request), 404: "404 0 " + ToTag(request)} {
		m := parse(t, Response(request, status, "X: y"))
		if got := fmt.Sprintf("%d %d %s", m.Status(), m.RecordRouteCount(), m.To().Tag()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestBothSidesOfADialogFollowItsRouteSet(t *testing.T) {
	sent := Invite("anna@synergy.com", "carla@synergy.com")
	sent.SentBy, sent.Top = "h", []string{"Record-Route: <sip:near-callee;lr>, <sip:near-caller;lr>"}
	request := parse(t, sent.String())
	response := parse(t, Response(request, 200, "Contact: <sip:carla@192.0.2.9>"))
	bye := Caller(response).Request("BYE")
	if bye.URI != "sip:carla@192.0.2.9" || bye.CSeq != 2 || bye.Below[0] != "Route: <sip:near-caller;lr>, <sip:near-callee;lr>" {
		t.Errorf("caller's BYE:\n%s", bye)
	}
	if ack := Caller(response).Request("ACK"); ack.CSeq != 1 || ack.To != string(response.To().Raw) {
		t.Errorf("ACK:\n%s", ack)
	}
	bye = Callee(request).Request("BYE")
	if bye.Below[0] != "Route: <sip:near-callee;lr>, <sip:near-caller;lr>" || bye.From != string(response.To().Raw) || bye.To != string(response.From().Raw) {
		t.Errorf("callee's BYE:\n%s", bye)
	}
}

func TestACKAndCancelStayInTheTransaction(t *testing.T) {
	sent := FrontEnd{FQDN: "lync01.synergy.com", SentBy: "h", Client: "i:1"}.Dress(Invite("anna@synergy.com", "carla@synergy.com"))
	sent.Below = append(sent.Below, "Route: <sip:a;lr>")
	refusal := parse(t, Response(parse(t, sent.String()), 486))
	for _, r := range []Request{sent.Ack(refusal), sent.Cancel()} {
		m := parse(t, r.String())
		number, _ := m.CSeq()
		if m.ViaCount() != 1 || string(m.Via(0).Branch) != sent.Branch || m.RouteCount() != 1 || number != 1 || len(m.Body()) > 0 {
			t.Errorf("%s:\n%s", r.Method, r)
		}
	}
	if sent.Ack(refusal).To != string(refusal.To().Raw) {
		t.Error("the ACK has another To than the refusal")
	}
}

// conversation runs a SUBSCRIBE and its answer over a connection.
func conversation(t *testing.T, host *Host, o Options) (client, server *Peer) {
	t.Helper()
	client = Connect(t, host.Addr(), o)
	sent := Subscribe("anna@synergy.com", "carla@synergy.com")
	client.SendsRaw("\r\n\r\n")
	client.Sends(sent)
	server = host.Accepts()
	got := server.Expect("SUBSCRIBE")
	server.Answers(got, 100)
	server.Answers(got, 200, "Expires: 60")
	if answer := client.Expect("200"); string(answer.Via(0).Branch) != sent.Branch {
		t.Errorf("answer to another branch:\n%s", answer.Bytes())
	}
	return client, server
}

func TestPeersTalkOverTCP(t *testing.T) {
	client, server := conversation(t, Serve(t, "127.0.0.1:0", nil), Options{Local: "127.0.0.21"})
	if from := server.RemoteAddr().String(); !strings.HasPrefix(from, "127.0.0.21:") {
		t.Errorf("connected from %s", from)
	}
	client.ExpectSilence(10 * time.Millisecond)
	server.SendsRaw("\r\n")
	if raw, err := client.ReadRaw(time.Second); raw != "\r\n" {
		t.Errorf("keep-alive: %q %v", raw, err)
	}
	server.Close()
	client.ExpectClosed()
}

func TestPeersTalkOverMutualTLS(t *testing.T) {
	ca := NewAuthority("Synergy Test CA")
	host := Serve(t, "127.0.0.1:0", ca.Server(ca.Leaf("imp1.synergy.com")))
	client, server := conversation(t, host, Options{TLS: ca.Client(ca.Leaf("lync01.synergy.com"), "imp1.synergy.com")})
	if cn := server.Certificate().Subject.CommonName; cn != "lync01.synergy.com" || client.Transport() != sip.TLS {
		t.Errorf("subject %s over %s", cn, client.Transport())
	}
}

func TestACertificateThatIsRefusedShowsAsClosed(t *testing.T) {
	ca, other := NewAuthority("Synergy Test CA"), NewAuthority("Other CA")
	l, err := Listen("127.0.0.1:0", ca.Server(ca.Leaf("imp1.synergy.com")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.Serve(func(*Conn, *sip.Message) {})
	for what, own := range map[string]tls.Certificate{"another CA": other.Leaf("lync01.synergy.com"), "expired": ca.Expired("lync01.synergy.com")} {
		config := ca.Client(own, "imp1.synergy.com")
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil } // even if unwanted
		c := Connect(t, l.Addr(), Options{TLS: config})
		if err := c.WaitClosed(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestAServedListenerAnswersEveryConnectionAndEnds(t *testing.T) {
	l, err := Listen("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Serve(func(c *Conn, m *sip.Message) { _ = c.Answer(m, 200) })
	peers := []*Peer{Connect(t, l.Addr(), Options{}), Connect(t, l.Addr(), Options{})}
	for _, p := range peers {
		p.Sends(Probe("lync01.synergy.com"))
		p.Expect("200")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range peers {
		p.ExpectClosed()
	}
	if _, err := Dial(l.Addr(), Options{}); err == nil {
		t.Error("a closed listener accepts")
	}
}

// failure is a T that notes how a peer failed.
type failure struct{ text string }

func (f *failure) Helper()                           {}
func (f *failure) Cleanup(func())                    {}
func (f *failure) Fatalf(format string, args ...any) { f.text = fmt.Sprintf(format, args...); panic(f) }

func failing(f *failure, act func()) string {
	defer func() { _ = recover() }()
	act()
	return "nothing failed"
}

func TestAPeerFailsTheTestWithWhatCame(t *testing.T) {
	host := Serve(t, "127.0.0.1:0", nil)
	_, server := conversation(t, host, Options{})
	for want, act := range map[string]func(p *Peer, s *Peer){
		"expected 200, got:\nSIP/2.0 404":                     func(p, s *Peer) { s.SendsRaw(notFound); p.Expect("200") },
		"expected nothing, got:\nSIP/2.0":                     func(p, s *Peer) { s.SendsRaw(notFound); p.ExpectSilence(time.Second) },
		"expected nothing, got: EOF":                          func(p, s *Peer) { s.Close(); p.ExpectSilence(time.Second) },
		"waiting for INVITE: EOF":                             func(p, s *Peer) { s.Close(); p.Expect("INVITE") },
		"instead of closing":                                  func(p, s *Peer) { s.SendsRaw(notFound); p.ExpectClosed() },
		"the other side did not close":                        func(p, s *Peer) { p.timeout = time.Millisecond; p.ExpectClosed() },
		"waiting for 200: what was received cannot be framed": func(p, s *Peer) { s.SendsRaw("\x00"); p.Expect("200") },
	} {
		f := new(failure)
		client := Connect(t, host.Addr(), Options{})
		server = host.Accepts()
		failing(f, func() { act(newPeer(f, client.Conn), server) })
		if !strings.Contains(f.text, want) {
			t.Errorf("got %q, want %q", f.text, want)
		}
	}
}

var notFound = "SIP/2.0 404 Not Found\r\nVia: SIP/2.0/TCP h\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
