//go:build e2e

package e2e

import (
	"net"
	"path/filepath"
	"strconv"
	"testing"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// TestAnotherSIPImplementationTalksThroughTheNode has SIPp on both sides of a node, over TCP and UDP. A SIPp process ends with
// 0 only when every one of its dialogs went as its scenario says.
func TestAnotherSIPImplementationTalksThroughTheNode(t *testing.T) {
	t.Parallel()
	at := network()
	m := newMachine(t, "imp1.synergy.com", at+nodeHost, newDatabase(t))
	m.apply(`settings: {partitioned_federation: true, default_domain: synergy.com}
domains:
  - name: synergy.com
nodes:
  - {name: imp1.synergy.com, address: ` + at + nodeHost + `}
users:
  - {id: ann, mail: ann@synergy.com, licensed: true, node: imp1.synergy.com}
acl:
  - pattern: ` + at + `0/24
listeners:
  - {name: TCP, transport: tcp, port: 5060}
  - {name: UDP, transport: udp, port: 5060}
`)
	obliging(t, at+nodeHost+":5080")
	m.serve()
	// A front end each: SIPp ends with its dialogs, and a hop that is gone is not tried for a while.
	for i, c := range []struct{ kind, transport string }{{"message", "tcp"}, {"subscribe", "tcp"}, {"invite", "tcp"}, {"message", "udp"}, {"invite", "udp"}} {
		frontEnd := at + strconv.Itoa(21+i)
		m.apply("static_routes:\n  - {destination: .com.synergy, type: domain, next_hop: " + frontEnd + ", port: 5060, transport: " + c.transport + "}\n")
		t.Run(c.kind+" over "+c.transport, func(t *testing.T) { dialogs(t, c.kind, c.transport, at+nodeHost, frontEnd) })
	}
	t.Run("message from outside over udp", func(t *testing.T) {
		succeeds(t, "caller", sipp(t, "message-uac", "udp", at+"41", "-s", "ann", "-r", "100", net.JoinHostPort(at+nodeHost, "5060")))
	})
}

// obliging is a connector that takes whatever it is told.
func obliging(t *testing.T, address string) {
	t.Helper()
	l, err := siptest.Listen(address, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	l.Serve(func(c *siptest.Conn, m *sip.Message) {
		if m.IsRequest() {
			_ = c.Answer(m, 200) // a connection that broke shows as a dialog that failed
		}
	})
}

const dialogsOfAKind = "200"

// dialogs runs one kind's two scenarios against each other, the callee's over a transport.
func dialogs(t *testing.T, kind, transport, node, frontEnd string) {
	callee := sipp(t, kind+"-uas", transport, frontEnd, "-p", "5060")
	eventually(t, patience, "SIPp listens", func() bool { return taken(transport, net.JoinHostPort(frontEnd, "5060")) })
	caller := sipp(t, kind+"-uac", "tcp", node, "-s", "carl", "-r", "100", net.JoinHostPort(node, "5060"))
	succeeds(t, "caller", caller)
	succeeds(t, "callee", callee)
}

// taken reports whether somebody listens.
func taken(transport, address string) bool {
	if transport == "udp" {
		c, err := net.ListenPacket("udp", address)
		if err == nil {
			c.Close()
		}
		return err != nil
	}
	c, err := net.Dial("tcp", address)
	if err == nil {
		c.Close()
	}
	return err == nil
}

func succeeds(t *testing.T, name string, p *process) {
	t.Helper()
	<-p.ended
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the %s ended with %d:\n%s\n%s", name, code, tailOf(p.out.String()), p.err)
	}
}

// sipp starts one side. It ends by itself, after its dialogs or after the timeout.
func sipp(t *testing.T, scenario, transport, address string, more ...string) *process {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("testdata", scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-sf", file, "-t", transport[:1] + "1", "-i", address, "-m", dialogsOfAKind, "-nostdin", "-timeout", "20", "-timeout_error"}
	return launch(t, append(environment(), "TERM=dumb"), "sipp", append(args, more...)...)
}
