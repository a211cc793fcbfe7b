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
	if err := s.configure(environment); err != nil {
		return p, err
	}
	return p, p.await("/readyz says ready", func() bool { return ready("http://" + console + "/readyz") })
}

// ready reports whether a node has the database's revision in force.
func ready(url string) bool {
	r, err := (&http.Client{Timeout: time.Second}).Get(url)
	if err != nil {
		return false
	}
	defer r.Body.Close()
	var says struct {
		State    string `json:"state"`
		Revision *int64 `json:"revision"`
		Applied  int64  `json:"applied_revision"`
	}
	err = json.NewDecoder(r.Body).Decode(&says)
	return err == nil && says.State == "ready" && says.Revision != nil && *says.Revision == says.Applied
}

// configure makes the node part of a federation: two nodes, of which the second is the upstream over TLS and the connector of
// the first is the upstream over TCP, four front ends that are let in, and the Microsoft side's routes.
func (s *Setting) configure(environment []string) error {
	file := filepath.Join(s.Dir, "isthmus.yaml")
	if err := os.WriteFile(file, []byte(s.document()), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"cert", "import", "--purpose", "cup-trust", s.CA},
		{"cert", "import", "--purpose", "cup", s.Cert, "--key", s.Key},
		{"config", "apply", "--yes", file},
	} {
		if err := s.command(environment, "", args...); err != nil {
			return err
		}
	}
	return nil
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
