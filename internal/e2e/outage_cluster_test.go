package e2e

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// A trio is a routing node and two home nodes on one database. Each home node is the other's backup; ann is homed on the
// first, bob on the second.
type trio struct {
	*world
	database string
	homes    [2]*machine
	boxes    [2]*inbox // of the home nodes' connectors
	routing  *process
	running  [2]*process
}

var homeNames = [2]string{"imp2.synergy.com", "imp3.synergy.com"}

// homeAddress is that of a home node in the trio's network.
func (c *trio) homeAddress(i int) string { return c.net + []string{"12", "13"}[i] }

func newTrio(t *testing.T) *trio {
	t.Helper()
	database := newDatabase(t)
	c := &trio{world: newWorld(t, database), database: database}
	for i, name := range homeNames {
		c.homes[i] = newMachine(t, name, c.homeAddress(i), database)
		l, err := siptest.Listen(c.homeAddress(i)+":5080", nil)
		c.boxes[i] = newInbox(t, l, err)
		c.homes[i].env = append(c.homes[i].env, "ISTHMUS_KEY_FILE="+c.keyFile())
	}
	c.node.env = append(c.node.env, "ISTHMUS_KEY_FILE="+c.keyFile())
	c.node.apply(c.document())
	c.node.isthmus("wizard", "finish", c.node.write("answers.yaml", c.answers()), "--out", c.node.dir+"/scripts")
	c.importCertificates(c.ca)
	c.routing = c.node.serve()
	for i, m := range c.homes {
		certFile, keyFile, err := siptest.WritePEM(m.dir, "own", c.ca.Leaf(homeNames[i]))
		if err != nil {
			t.Fatal(err)
		}
		m.isthmus("cert", "import", "--purpose", "cup", certFile, "--key", keyFile)
		c.running[i] = m.serve()
	}
	return c
}

func (c *trio) keyFile() string { return filepath.Join(c.node.dir, "key") }

// document has the nodes and users of the trio in place of the world's.
func (c *trio) document() string {
	return `settings: {default_domain: synergy.com}
domains:
  - name: synergy.com
nodes:
  - {name: imp1.synergy.com, address: ` + c.net + nodeHost + `, routing: true}
  - {name: imp2.synergy.com, address: ` + c.homeAddress(0) + `, backup: imp3.synergy.com}
  - {name: imp3.synergy.com, address: ` + c.homeAddress(1) + `, backup: imp2.synergy.com}
users:
  - {id: ann, licensed: true, node: imp2.synergy.com}
  - {id: bob, licensed: true, node: imp3.synergy.com}
  - {id: carl, mail: carl@synergy.com, microsoft_address: carl@synergy.com}
`
}

// processes are those of all nodes.
func (c *trio) processes() []*process { return []*process{c.routing, c.running[0], c.running[1]} }

// fromThePool is a lane from a front end through the routing node, to either user by turns.
func (c *trio) fromThePool(l *load, i int, allowed ...int) {
	c.t.Helper()
	l.lane(c.net+nodeHost+":5061", c.from(fe1Host, "fe1.synergy.com"), carl, []string{ann, bob}[i%2], allowed...)
}

// fromTheConnector is a lane from the connector of either home node by turns.
func (c *trio) fromTheConnector(l *load, i int) {
	c.t.Helper()
	address := c.homeAddress(i % 2)
	l.lane(address+":5060", siptest.Options{Local: address}, []string{ann, bob}[i%2], carl, 200)
}

// kill ends a process as a fault of the machine does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

const (
	lanes     = 4
	laneEvery = 25 * time.Millisecond
)

// TestTheBackupServesTheUsersOfAHomeNodeThatIsKilledUnderLoad is HA-07 for both home nodes in turn, and SC-08's 480 when
// the backup is gone as well. Only a MESSAGE that the killed node had taken may end otherwise than delivered.
func TestTheBackupServesTheUsersOfAHomeNodeThatIsKilledUnderLoad(t *testing.T) {
	t.Parallel()
	c := newTrio(t)
	load := newLoad(t, laneEvery, regardless, c.boxes[:]...)
	for i := range lanes {
		c.fromThePool(load, i, 200, 504)
	}
	load.goesOn(20)
	for i, p := range slices.Clone(c.running[:]) {
		p.kill()
		load.goesOn(80)
		c.running[i] = c.homes[i].serve()
		// A node that was down is believed after two good probes.
		eventually(t, 2*patience, "the home node is used again", func() bool { return says(c.routing, `"msg":"next hop up"`, c.homeAddress(i)) })
		load.goesOn(40)
	}
	load.ends()
	// What a killed node held at that moment is at most what was sent while it was found to be gone.
	if unsure := load.answered(504); unsure > 2*lanes*int(time.Second/laneEvery) {
		t.Errorf("%d requests ended with 504", unsure)
	}
	c.nobodyIsLeft(t)
}

func (c *trio) nobodyIsLeft(t *testing.T) {
	for _, p := range c.running {
		p.kill()
	}
	fe := c.outside(t, fe1Host, "fe1.synergy.com")
	for _, user := range []string{ann, bob} {
		began := time.Now()
		fe.Sends(hello(carl, user))
		fe.Expect("480")
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("480 for %s after %s", user, took)
		}
	}
}
