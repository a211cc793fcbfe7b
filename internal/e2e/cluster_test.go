package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"isthmus/internal/siptest"
)

const imp2Host = "12"

// cluster is a world whose users are homed on a second node, which shares database and key with the first one.
type cluster struct {
	*world
	second            *machine
	connector2        *inbox
	process, process2 *process
}

func newCluster(t *testing.T, nodeTransport string) cluster {
	t.Helper()
	database := newDatabase(t)
	w := newWorld(t, database)
	c := cluster{world: w, second: newMachine(t, "imp2.synergy.com", w.net+imp2Host, database)}
	l, err := siptest.Listen(w.net+imp2Host+":5080", nil)
	c.connector2 = newInbox(t, l, err)
	key := "ISTHMUS_KEY_FILE=" + filepath.Join(w.node.dir, "key")
	w.node.env, c.second.env = append(w.node.env, key), append(c.second.env, key)

	w.node.apply(`settings: {default_domain: synergy.com, node_transport: ` + nodeTransport + `}
domains:
  - name: synergy.com
nodes:
  - {name: imp1.synergy.com, address: ` + w.net + nodeHost + `, routing: true}
  - {name: imp2.synergy.com, address: ` + w.net + imp2Host + `}
users:
  - {id: ann, licensed: true, node: imp2.synergy.com}
`)
	w.node.isthmus("wizard", "finish", w.node.write("answers.yaml", w.answers()), "--out", w.node.dir+"/scripts")
	w.importCertificates(w.ca)
	certFile, keyFile, err := siptest.WritePEM(c.second.dir, "imp2", w.ca.Leaf("imp2.synergy.com"))
	if err != nil {
		t.Fatal(err)
	}
	c.second.isthmus("cert", "import", "--purpose", "cup", certFile, "--key", keyFile)
	c.process, c.process2 = w.node.serve(), c.second.serve()
	return c
}

func TestTwoNodesAreOneFederation(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"tcp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			c := newCluster(t, transport)
			t.Run("from the pool by way of the routing node to the home node's connector", c.inward)
			t.Run("from the home node straight to the pool", c.outward)
			t.Run("a change is in force on both", c.changes)
			c.connector.nothing(t)
		})
	}
}

func (c cluster) inward(t *testing.T) {
	fe := c.outside(t, fe1Host, "fe1.synergy.com")
	fe.Sends(dressed(siptest.Subscribe(carl, ann)))
	got := c.connector2.expect(t, "SUBSCRIBE")
	if got.ViaCount() != 4 || !strings.HasPrefix(string(got.Via(0).Host), "imp2.") || !strings.HasPrefix(string(got.Via(1).Host), "imp1.") {
		t.Errorf("arrived as\n%s", got.Bytes())
	}
	got.answers(t, 200, "Contact: <sip:ann@"+c.connector2.Addr()+";transport=tcp>")
	fe.Expect("200")
	// The connector's NOTIFY goes back the way that both nodes recorded.
	connector := siptest.Connect(t, c.net+imp2Host+":5060", siptest.Options{Local: c.net + imp2Host})
	connector.Sends(siptest.Callee(got.Message).Request("NOTIFY", "Event: presence", "Subscription-State: active"))
	notify := c.fe1.expect(t, "NOTIFY")
	notify.answers(t, 200)
	connector.Expect("200")
	// And what the pool says in the dialog finds the connector again.
	refresh := siptest.Callee(got.Message)
	fe.Sends(with(siptest.NewRequest("INFO", carl, ann), func(r *siptest.Request) {
		r.To += ";tag=there"
		r.URI = "sip:ann@" + c.connector2.Addr() + ";transport=tcp"
		for i := range refresh.Routes {
			if route := refresh.Routes[len(refresh.Routes)-1-i]; !strings.Contains(route, "pool.") {
				r.Below = append(r.Below, "Route: "+route)
			}
		}
	}))
	c.connector2.expect(t, "INFO").answers(t, 200)
	fe.Expect("200")
}

func (c cluster) outward(t *testing.T) {
	connector := siptest.Connect(t, c.net+imp2Host+":5060", siptest.Options{Local: c.net + imp2Host})
	connector.Sends(hello(ann, carl))
	got := c.fe1.expect(t, "MESSAGE")
	if got.ViaCount() != 2 || string(got.Via(0).Host) != "imp2.synergy.com" {
		t.Errorf("arrived as\n%s", got.Bytes())
	}
	got.answers(t, 200)
	connector.Expect("200")
}

func (c cluster) changes(t *testing.T) {
	before := c.second.ready().Applied
	c.applied(t, c.acl(fe1Host, fe2Host, stranger))
	eventually(t, inForce, "in force on the second node", func() bool { return c.second.ready().Applied > before })
}
