package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

const (
	ann  = "ann@synergy.com"
	bob  = "bob@synergy.com"
	carl = "carl@synergy.com"
)

// inForce is how soon a saved change has to be in force.
const inForce = time.Second

// TestFromTheWizardsAnswersToARoutedSubscribe goes the whole way on an empty machine with its own database.
func TestFromTheWizardsAnswersToARoutedSubscribe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.setUp()
	for _, name := range []string{"configure.ps1", "verify.ps1", "restart.ps1", "rollback.ps1", "checklist.md"} {
		if _, err := os.Stat(filepath.Join(w.node.dir, "scripts", name)); err != nil {
			t.Error(err)
		}
	}
	before := w.node.isthmus("config", "export")
	p := w.node.serve()
	s := story{w, p}
	t.Run("a SUBSCRIBE of a front end reaches the connector, and a NOTIFY goes back", s.subscribe)
	t.Run("a MESSAGE from inside reaches the first front end", s.message)
	t.Run("the second front end is taken when the first has stopped", s.failover)
	t.Run("an address that is not listed is refused and cut off", s.unlisted)
	t.Run("a listed address is let in within a second", s.listed)
	t.Run("an address taken off the list is refused on its open connection within a second", s.delisted)
	t.Run("a restart keeps everything", func(t *testing.T) { s.restart(t, before) })
}

type story struct {
	*world
	node *process
}

func (s story) subscribe(t *testing.T) {
	fe := s.outside(t, fe1Host, "fe1.synergy.com")
	fe.Sends(dressed(siptest.Subscribe(carl, ann)))
	got := s.connector.expect(t, "SUBSCRIBE")
	if got.RecordRouteCount() != 3 || !strings.HasPrefix(string(got.RecordRoute(0).URI), "sip:imp1.synergy.com:5060;transport=tcp") ||
		!strings.HasPrefix(string(got.RecordRoute(1).URI), "sip:imp1.synergy.com:5061;transport=tls") {
		t.Errorf("Record-Route:\n%s", got.Bytes())
	}
	got.answers(t, 200, "Contact: <sip:ann@"+s.connector.Addr()+";transport=tcp>", "Expires: 7446")
	ok := fe.Expect("200")
	if ok.ViaCount() != 2 || !strings.Contains(string(ok.Via(1).Raw), ";ms-received-cid=33E00") {
		t.Errorf("the front end's Vias came back as\n%s", ok.Bytes())
	}
	// The NOTIFY follows the route set: through the node to the pool that the front end recorded.
	inside := s.inside(t)
	inside.Sends(siptest.Callee(got.Message).Request("NOTIFY", "Event: presence", "Subscription-State: active").
		WithBody("application/pidf+xml", siptest.PIDF(ann, "open")))
	notify := s.fe1.expect(t, "NOTIFY")
	if notify.RouteCount() != 1 || !strings.HasPrefix(string(notify.Route(0).URI), "sip:pool.synergy.com:5061") {
		t.Errorf("Route:\n%s", notify.Bytes())
	}
	notify.answers(t, 200)
	inside.Expect("200")
}

func (s story) message(t *testing.T) {
	inside := s.inside(t)
	inside.Sends(siptest.Message(ann, carl, "hello"))
	got := s.fe1.expect(t, "MESSAGE")
	if string(got.RequestURI()) != "sip:"+carl || string(got.Body()) != "hello" || !strings.HasPrefix(string(got.Via(0).Raw), "SIP/2.0/TLS imp1.synergy.com:5061;branch=") {
		t.Errorf("arrived as\n%s", got.Bytes())
	}
	got.answers(t, 200)
	inside.Expect("200")
}

func (s story) failover(t *testing.T) {
	s.fe1.Close()
	inside := s.inside(t)
	for range 2 {
		began := time.Now()
		inside.Sends(siptest.Subscribe(ann, carl))
		s.fe2.expect(t, "SUBSCRIBE").answers(t, 200)
		inside.Expect("200")
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the second front end was reached after %s", took)
		}
	}
	eventually(t, patience, "the log names the hop", func() bool { return says(s.node, `"msg":"next hop down"`, s.net+fe1Host) })
}

func (s story) unlisted(t *testing.T) {
	// With a front end's certificate the list would admit it by that name.
	peer := siptest.Connect(t, s.net+nodeHost+":5060", siptest.Options{Local: s.net + stranger})
	peer.Sends(siptest.Message(carl, ann, "hello"))
	refusal := peer.Expect("403")
	want := `399 imp1.synergy.com "ACL - upstream not trusted: ` + s.net + stranger + `"`
	if warning, _ := refusal.HeaderValue("Warning"); string(warning) != want {
		t.Errorf("Warning: %s, want %s", warning, want)
	}
	peer.ExpectClosed()
	eventually(t, patience, "the log names the refused address", func() bool { return says(s.node, "ACL - upstream not trusted", s.net+stranger) })
}

func (s story) listed(t *testing.T) {
	s.world.node.apply(s.acl(fe1Host, fe2Host, stranger))
	eventually(t, inForce, "let in", func() bool {
		c, err := siptest.Dial(s.net+nodeHost+":5061", s.from(stranger, "fe1.synergy.com"))
		if err != nil {
			return false
		}
		defer c.Close()
		return admits(c)
	})
}

// admits reports whether the node answers for itself, rather than refuse.
func admits(c *siptest.Conn) bool {
	if err := c.Send(siptest.Probe("imp1.synergy.com")); err != nil {
		return false
	}
	m, err := c.Receive()
	return err == nil && m.Status() == 200
}

func (s story) delisted(t *testing.T) {
	fe := s.outside(t, fe1Host, "fe1.synergy.com")
	if !admits(fe.Conn) {
		t.Fatal("refused before")
	}
	s.world.node.apply(s.acl(fe2Host, stranger))
	eventually(t, inForce, "refused", func() bool { return !admits(fe.Conn) })
	fe.ExpectClosed()
	s.world.node.apply(s.acl(fe1Host, fe2Host))
}

func (s story) restart(t *testing.T, before string) {
	if code := s.node.stop(); code != 0 {
		t.Errorf("serve ended with %d: %s", code, s.node.err)
	}
	after := s.world.node.isthmus("config", "export")
	if section(after, "static_routes") != section(before, "static_routes") || section(after, "users") != section(before, "users") {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	s.world.node.serve()
	fe := s.outside(t, fe1Host, "fe1.synergy.com")
	fe.Sends(dressed(siptest.Subscribe(carl, bob)))
	s.connector.expect(t, "SUBSCRIBE").answers(t, 200)
	fe.Expect("200")
}

// section is one section of a document.
func section(document, name string) string {
	_, text, _ := strings.Cut(document, "\n"+name+":\n")
	end := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, " ") {
			break
		}
		end += len(line)
	}
	return text[:end]
}
