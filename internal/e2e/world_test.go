package e2e

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/internal/siptest"
)

// world is one node with everything around it: a pool of two front ends, a connector, and addresses that nobody listed.
type world struct {
	t         *testing.T
	net       string // first three numbers of every address
	ca        *siptest.Authority
	node      *machine
	fe1, fe2  *inbox
	connector *inbox
}

// Addresses in the world's network.
const (
	nodeHost = "11"
	fe1Host  = "21"
	fe2Host  = "22"
	stranger = "31"
)

// newWorld has everything listening but the node, which is not configured yet.
func newWorld(t *testing.T, database string) *world {
	t.Helper()
	w := &world{t: t, net: network(), ca: siptest.NewAuthority("Synergy CA")}
	w.node = newMachine(t, "imp1.synergy.com", w.net+nodeHost, database)
	w.fe1, w.fe2 = w.frontEnd(fe1Host, "fe1.synergy.com"), w.frontEnd(fe2Host, "fe2.synergy.com")
	connector, err := siptest.Listen(w.net+nodeHost+":5080", nil)
	w.connector = newInbox(t, connector, err)
	return w
}

func (w *world) frontEnd(host, name string) *inbox {
	w.t.Helper()
	l, err := siptest.Listen(w.net+host+":5061", w.ca.Server(w.ca.Leaf(name)))
	return newInbox(w.t, l, err)
}

// document is the own side: the domain, the node and its people.
func (w *world) document() string {
	return fmt.Sprintf(`settings: {default_domain: synergy.com}
domains:
  - name: synergy.com
nodes:
  - {name: imp1.synergy.com, address: %s%s}
users:
  - {id: ann, mail: ann@synergy.com, licensed: true, node: imp1.synergy.com}
  - {id: bob, mail: bob@synergy.com, licensed: true, node: imp1.synergy.com}
  - {id: carl, mail: carl@synergy.com, microsoft_address: carl@synergy.com}
`, w.net, nodeHost)
}

// answers are the wizard's, about the other side.
func (w *world) answers() string {
	return fmt.Sprintf(`platform: skype_for_business_2019
deployment: chat_only
edition: enterprise
pool: pool.synergy.com
registrar: pool.synergy.com
site: "1"
front_ends:
  - {fqdn: fe1.synergy.com, address: %[1]s%[2]s}
  - {fqdn: fe2.synergy.com, address: %[1]s%[3]s}
domains: [synergy.com]
routing_node: imp1.synergy.com
`, w.net, fe1Host, fe2Host)
}

// setUp configures the node from the two files and the certificates, as an administrator does at the command line.
func (w *world) setUp() {
	w.t.Helper()
	m := w.node
	m.apply(w.document())
	m.isthmus("wizard", "finish", m.write("answers.yaml", w.answers()), "--out", m.dir+"/scripts")
	w.importCertificates(w.ca)
}

// importCertificates gives the node a certificate of an authority, and trust in it.
func (w *world) importCertificates(ca *siptest.Authority) {
	w.t.Helper()
	m := w.node
	certFile, keyFile, err := siptest.WritePEM(m.dir, "imp1", ca.Leaf("imp1.synergy.com"))
	if err != nil {
		w.t.Fatal(err)
	}
	m.isthmus("cert", "import", "--purpose", "cup-trust", m.write("ca.pem", string(ca.PEM())))
	m.isthmus("cert", "import", "--purpose", "cup", certFile, "--key", keyFile)
}

// outside connects to the mutual TLS listener from an address, with a certificate of that name.
func (w *world) outside(t *testing.T, host, name string) *siptest.Peer {
	t.Helper()
	return siptest.Connect(t, w.net+nodeHost+":5061", w.from(host, name))
}

func (w *world) from(host, name string) siptest.Options {
	return siptest.Options{Local: w.net + host, TLS: w.ca.Client(w.ca.Leaf(name), "imp1.synergy.com")}
}

// isServed holds that what a front end sends arrives, at a connector that takes all.
func isServed(t *testing.T, fe *siptest.Peer) {
	t.Helper()
	fe.Sends(hello(carl, ann))
	fe.Expect("200")
}

// inside connects as the connector does, from the node's address.
func (w *world) inside(t *testing.T) *siptest.Peer {
	t.Helper()
	return siptest.Connect(t, w.net+nodeHost+":5060", siptest.Options{Local: w.net + nodeHost})
}

// dressed is a request as a front end of the pool passes it on.
func dressed(r siptest.Request) siptest.Request {
	return siptest.FrontEnd{FQDN: "fe1.synergy.com", Pool: "pool.synergy.com", Client: "192.168.40.17:52344"}.Dress(r)
}

// acl is the section with these hosts of the world's network.
func (w *world) acl(hosts ...string) string {
	text := "acl:\n"
	for _, h := range hosts {
		text += "  - pattern: " + w.net + h + "\n"
	}
	return text
}

// says reports whether the node has logged a line with all these words.
func says(p *process, words ...string) bool {
	for line := range strings.Lines(p.err.String()) {
		found := true
		for _, w := range words {
			found = found && strings.Contains(line, w)
		}
		if found {
			return true
		}
	}
	return false
}
