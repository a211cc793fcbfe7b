package proxies

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// StartIsthmus starts the product as an administrator does: the node with its own database, configured at the command
// line, everything on that it has.
func StartIsthmus(s *Setting) (*Proxy, error) {
	here := s.Network + isthmusHost
	console := here + ":8080"
	environment := append(clean(), "ISTHMUS_DATA_DIR="+filepath.Join(s.Dir, "data"), "ISTHMUS_NODE="+NodeName, "ISTHMUS_SIP_ADDRESS="+here,
		"ISTHMUS_HTTP="+console, "ISTHMUS_DNS=127.0.0.1:9") // no name is to be looked up
	if s.Profile != "" {
		environment = append(environment, "ISTHMUS_CPU_PROFILE="+s.Profile)
	}
	p, err := start(s.Dir, "Isthmus", environment, s.Isthmus, "serve")
	if err != nil {
		return nil, err
	}
	p.Console = "http://" + console
	p.TCP = Door{here + ":5060", call("ann", NodeName+":5080", "tcp", "<sip:"+NodeName+":5060;transport=tcp;lr>")}
	p.TLS = Door{here + ":5061", call("bea", SecondName+":5061", "tls", "<sip:"+NodeName+":5061;transport=tls;lr>")}
	if err := p.awaitListening(); err != nil {
		return p, err
	}
	return p, s.configure(p)
}

// applied is the revision that a node has in force, -1 while it is not ready.
func (p *Proxy) applied() int64 {
	r, err := (&http.Client{Timeout: time.Second}).Get(p.Console + "/readyz")
	if err != nil {
		return -1
	}
	defer r.Body.Close()
	var says struct {
		State   string `json:"state"`
		Applied int64  `json:"applied_revision"`
	}
	if json.NewDecoder(r.Body).Decode(&says) != nil || says.State != "ready" {
		return -1
	}
	return says.Applied
}

// configure makes the node part of a federation: two nodes, of which the second is the upstream over TLS and the connector of
// the first is the upstream over TCP, four front ends that are let in, and the Microsoft side's routes.
func (s *Setting) configure(p *Proxy) error {
	file := filepath.Join(s.Dir, "isthmus.yaml")
	if err := os.WriteFile(file, []byte(s.document()), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"cert", "import", "--purpose", "cup-trust", s.CA},
		{"cert", "import", "--purpose", "cup", s.Cert, "--key", s.Key},
		{"config", "apply", "--yes", file},
	} {
		if err := s.change(p, args); err != nil {
			return err
		}
	}
	return nil
}

// change runs a command that changes the configuration, and waits until that is in force.
func (s *Setting) change(p *Proxy, args []string) error {
	before := int64(-1)
	if err := p.await("it is ready", func() bool {
		before = p.applied()
		return before >= 0
	}); err != nil {
		return err
	}
	if err := s.command(p.cmd.Env, "", args...); err != nil {
		return err
	}
	return p.await("the change is in force", func() bool { return p.applied() > before })
}

// AddAdmin makes an administrator on the node.
func (s *Setting) AddAdmin(p *Proxy, name, password string) error {
	return s.command(p.cmd.Env, password+"\n", "admin", "add", name)
}

func (s *Setting) command(environment []string, input string, args ...string) error {
	cmd := exec.Command(s.Isthmus, args...)
	cmd.Env, cmd.Stdin = environment, strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("isthmus %q: %w: %s", args, err, out)
	}
	return nil
}

func (s *Setting) document() string {
	acl := ""
	for _, a := range s.Callers() {
		acl += "  - {pattern: " + a + "}\n"
	}
	return fmt.Sprintf(`version: 1
settings: {partitioned_federation: true, default_domain: synergy.com, node_transport: tls}
domains:
  - {name: synergy.com}
nodes:
  - {name: imp1.synergy.com, address: %[1]s%[2]s, connector: "%[4]s", services: [sip_proxy, sip_federation]}
  - {name: imp2.synergy.com, address: %[1]s%[3]s, services: [sip_proxy, sip_federation]}
static_routes:
  - {destination: .com.synergy, type: domain, next_hop: %[1]s21, port: 5061, transport: tls}
acl:
%[5]stls_peer_subjects:
  - {name: fe1.synergy.com}
tls_contexts:
  - {name: sip-proxy-peer-auth, verify_client: true, peer_subjects: [fe1.synergy.com]}
  - {name: sip-proxy-server-auth, verify_client: false}
users:
  - {id: ann, mail: ann@synergy.com, licensed: true, node: imp1.synergy.com}
  - {id: bea, mail: bea@synergy.com, licensed: true, node: imp2.synergy.com}
`, s.Network, isthmusHost, secondHost, s.Connectors.TCP, acl)
}
