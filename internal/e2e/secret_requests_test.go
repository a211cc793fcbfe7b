package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"sync/atomic"

	"isthmus/internal/siptest"
)

// requests are made, replaced and answered, by command and by page. The keys of all of them become known to the guard.
func (s *secrecy) requests() {
	s.t.Helper()
	m := s.node
	first := m.isthmus("cert", "csr")
	s.opensSealed()
	if second := m.isthmus("cert", "csr", "--replace", "--key-kind", "p-256"); second == first {
		s.t.Error("the request was not replaced")
	}
	s.opensSealed()
	form := url.Values{"node": {"imp1.synergy.com"}, "key_kind": {"rsa-2048"}}
	ask := s.anna.posts("/certificates/requests", form)
	mark := regexp.MustCompile(`name="replace" value="([0-9a-f]+)"`).FindStringSubmatch(ask)
	if mark == nil {
		s.t.Fatalf("it is replaced without a question:\n%s", ask)
	}
	form.Set("replace", mark[1])
	s.anna.posts("/certificates/requests", form)
	s.opensSealed()
	csr := []byte(m.isthmus("cert", "export-csr"))
	signed, err := s.ca.Answer(csr, siptest.Leaf{})
	if err != nil {
		s.t.Fatal(err)
	}
	if status, page := s.anna.uploads("/certificates", map[string][]byte{"file": siptest.CertificatePEM(signed)}, url.Values{"purpose": {"cup"}, "node": {"imp1.synergy.com"}}); status != http.StatusOK {
		s.t.Errorf("the signed certificate: %d\n%s", status, page)
	}
	m.isthmus("cert", "csr", "--key-kind", "p-256") // waits while everything is looked at
	s.opensSealed()
	if s.sealed < 8 {
		s.t.Errorf("only %d sealed keys were opened", s.sealed)
	}
}

// anotherNode joins: what goes to it from the database, with every notice of a change, and what SIP goes to it from the first.
func (s *secrecy) anotherNode() {
	s.t.Helper()
	const name = "imp2.synergy.com"
	s.applied(s.t, fmt.Sprintf(`nodes:
  - {name: imp1.synergy.com, address: %[1]s%[2]s, routing: true}
  - {name: %[4]s, address: %[1]s%[3]s}
users:
  - {id: ann, licensed: true, node: %[4]s}
`, s.net, nodeHost, imp2Host, name))
	l, err := siptest.Listen(s.net+imp2Host+":5060", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	box := newInbox(s.t, l, nil)
	fe := s.outside(s.t, fe1Host, "fe1.synergy.com")
	fe.Sends(dressed(hello(carl, ann)))
	got := box.expect(s.t, "MESSAGE")
	guard.Look(s.t, "SIP between the nodes", got.Bytes())
	got.answers(s.t, 200)
	fe.Expect("200")
	l.Close()

	var sealedPassed, listened atomic.Bool
	sealed := s.opensSealed()
	sockets, octets := relay(s.t, filepath.Join(s.node.dir, "data", "postgres", "run"), func(direction string, to io.Writer) io.Writer {
		return guard.Writer(s.t, "what goes "+direction+" of another node", writer(func(b []byte) (int, error) {
			for _, secret := range sealed {
				if bytes.Contains(b, secret) || bytes.Contains(b, []byte(hex.EncodeToString(secret))) {
					sealedPassed.Store(true)
				}
			}
			if bytes.Contains(b, []byte("isthmus_changes")) && direction == "from the database" {
				listened.Store(true)
			}
			return to.Write(b)
		}))
	})
	second := newMachine(s.t, name, s.net+imp2Host, s.databaseURL(sockets))
	second.env = append(second.env, "ISTHMUS_KEY_FILE="+filepath.Join(s.node.dir, "data", "key"))
	p := second.serve()
	before := second.ready().Applied
	s.node.apply(s.acl(fe1Host, fe2Host, stranger))
	eventually(s.t, inForce, "in force on the second node", func() bool { return second.ready().Applied > before })
	s.opensSealed() // what serve made there
	if code := p.stop(); code != 0 || octets.Load() == 0 || !sealedPassed.Load() || !listened.Load() {
		s.t.Errorf("ended with %d; %d octets, sealed keys among them: %v, a notice: %v", code, octets.Load(), sealedPassed.Load(), listened.Load())
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }
