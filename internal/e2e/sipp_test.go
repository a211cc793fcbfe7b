//go:build e2e

package e2e

import (
	"net"
	"path/filepath"
	"testing"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// TestAnotherSIPImplementationTalksThroughTheNode has SIPp on both sides of a node, over TCP. A SIPp process ends with 0
// only when every one of its dialogs went as its scenario says.
func TestAnotherSIPImplementationTalksThroughTheNode(t *testing.T) {
	at := network()
	m := newMachine(t, "imp1.synergy.com", at+nodeHost, newDatabase(t))
	m.apply(`settings: {partitioned_federation: true, default_domain: synergy.com}
domains:
  - name: synergy.com
nodes:
  - {name: imp1.synergy.com, address: ` + at + nodeHost + `}
acl:
  - pattern: ` + at + `0/24
`)
	answering(t, at+nodeHost+":5080")
	m.serve()
	// A front end each: SIPp ends with its dialogs, and a hop that is gone is not tried for a while.
	for kind, frontEnd := range map[string]string{"message": at + "21", "subscribe": at + "22", "invite": at + "23"} {
		m.apply("static_routes:\n  - {destination: .com.synergy, type: domain, next_hop: " + frontEnd + ", port: 5060, transport: tcp}\n")
		t.Run(kind, func(t *testing.T) { dialogs(t, kind, at+nodeHost, frontEnd) })
	}
}

// answering is a connector that takes whatever it is told.
func answering(t *testing.T, address string) {
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

// dialogs runs one kind's two scenarios against each other.
func dialogs(t *testing.T, kind, node, frontEnd string) {
	callee := sipp(t, kind+"-uas", frontEnd, "-p", "5060")
	eventually(t, patience, "SIPp listens", func() bool {
		c, err := net.Dial("tcp", net.JoinHostPort(frontEnd, "5060"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	caller := sipp(t, kind+"-uac", node, "-r", "100", net.JoinHostPort(node, "5060"))
	for name, p := range map[string]*process{"caller": caller, "callee": callee} {
		<-p.ended
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the %s ended with %d:\n%s\n%s", name, code, tailOf(p.out.String()), p.err)
		}
	}
}

// sipp starts one side. It ends by itself, after its dialogs or after the timeout.
func sipp(t *testing.T, scenario, address string, more ...string) *process {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("testdata", scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-sf", file, "-t", "t1", "-i", address, "-m", dialogsOfAKind, "-nostdin", "-timeout", "20", "-timeout_error"}
	return launch(t, append(environment(), "TERM=dumb"), "sipp", append(args, more...)...)
}
