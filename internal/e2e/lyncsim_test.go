package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// pretended is a world whose other programs are lyncsim's: two front ends, the second of which sends back what it does
// not know, and a connector.
type pretended struct {
	*world
	node                *process
	fe1, fe2, connector *process
}

func pretend(t *testing.T) pretended {
	t.Helper()
	w := newWorld(t, newDatabase(t))
	w.fe1.Close()
	w.fe2.Close()
	w.connector.Close()
	certs := filepath.Join(w.node.dir, "certs")
	if r := call(t, "", environment(), programs.lyncsim, "certs", "--certs", certs, "imp1.synergy.com", "fe1.synergy.com", "fe2.synergy.com"); r.code != 0 {
		t.Fatal(r)
	}
	w.setUp()
	w.node.isthmus("cert", "import", "--purpose", "cup-trust", filepath.Join(certs, "ca.pem"))
	w.node.isthmus("cert", "import", "--purpose", "cup", filepath.Join(certs, "imp1.synergy.com.pem"), "--key", filepath.Join(certs, "imp1.synergy.com.key"))
	p := pretended{world: w, node: w.node.serve()}
	at := func(host, port string) string { return w.net + host + ":" + port }
	start := func(role string, args ...string) *process {
		return launch(t, environment(), programs.lyncsim, append([]string{role, "--every", "300ms"}, args...)...)
	}
	frontEnd := func(name, host string, more ...string) *process {
		return start("front-end", append(more, "--name", name, "--pool", "pool.synergy.com", "--certs", certs, "--users", carl,
			"--listen", at(host, "5061"), "--connect", at(nodeHost, "5061"))...)
	}
	// The first turn of each comes after its interval: the front ends have made their certificates and listen by then.
	p.fe2 = frontEnd("fe2.synergy.com", fe2Host, "--return-unknown")
	eventually(t, patience, "the second front end is connected", func() bool { return said(p.fe2, "method=NEGOTIATE", "status=405") > 0 })
	p.connector = start("connector", "--connect", at(nodeHost, "5060"), "--listen", at(nodeHost, "5080"), "--users", ann, "--contacts", carl+",nobody@synergy.com")
	p.fe1 = frontEnd("fe1.synergy.com", fe1Host, "--contacts", ann)
	return p
}

// linesWith are the lines of a process that hold all these words.
func linesWith(p *process, words ...string) []string {
	var list []string
	for line := range strings.Lines(p.out.String()) {
		found := true
		for _, w := range words {
			found = found && strings.Contains(line, w)
		}
		if found {
			list = append(list, line)
		}
	}
	return list
}

func said(p *process, words ...string) int { return len(linesWith(p, words...)) }

func TestPretendFrontEndsAndAConnectorTalkThroughTheNode(t *testing.T) {
	t.Parallel()
	p := pretend(t)
	for _, method := range []string{"SUBSCRIBE", "NOTIFY", "MESSAGE", "INVITE", "INFO", "BYE"} {
		for who, side := range map[string]*process{"carl": p.fe1, "ann": p.connector} {
			eventually(t, patience, method+" of "+who, func() bool {
				return said(side, "msg=answered", "method="+method+" ", "from="+who, "status=200") > 0
			})
		}
	}
	eventually(t, patience, "a user whom nobody knows is 404", func() bool { return said(p.connector, "to=nobody", "status=404") > 0 })

	p.fe1.stop()
	before := said(p.fe2, "msg=received", "method=BYE")
	eventually(t, patience, "the second front end holds the conversations", func() bool { return said(p.fe2, "msg=received", "method=BYE") > before+2 })
	eventually(t, patience, "what a pool sends back is a loop", func() bool { return said(p.connector, "to=nobody", "status=482") > 0 })
	if n := said(p.connector, "to=carl", "status=5"); n > 0 {
		t.Errorf("%d requests failed while the node took the second front end:\n%s", n, linesWith(p.connector, "to=carl", "status=5"))
	}
}
