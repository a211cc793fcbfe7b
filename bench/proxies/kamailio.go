package proxies

import (
	_ "embed"
	"os"
	"path/filepath"
	"strings"

	"isthmus/bench/load"
)

//go:embed kamailio.cfg
var kamailioConfig string

// StartKamailio starts Kamailio with the best settings that are known for this work; kamailio.cfg has the reasons.
func StartKamailio(s *Setting) (*Proxy, error) {
	dir := filepath.Join(s.Dir, "kamailio")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	here := s.Network + kamailioHost
	text := strings.NewReplacer("HERE", here, "OWN", s.Cert, "KEY", s.Key, "TRUSTED", s.CA, "UPSTREAM_TCP", s.Connectors.TCP,
		"UPSTREAM_TLS", s.Connectors.TLS, "CALLERS", strings.Join(s.Callers(), " || src_ip == ")).Replace(kamailioConfig)
	file := filepath.Join(dir, "kamailio.cfg")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return nil, err
	}
	p, err := start(s.Dir, "Kamailio", clean(), "kamailio", "-f", file, "-DD", "-E", "-Y", dir, "-x", "tlsf", "-X", "tlsf", "-m", "1024", "-M", "32")
	if err != nil {
		return nil, err
	}
	p.whole = true
	p.TCP = Door{here + ":5060", call("ann", s.Connectors.TCP, "tcp", "<sip:"+here+":5060;transport=tcp;lr>")}
	p.TLS = Door{here + ":5061", call("bea", s.Connectors.TLS, "tls", "<sip:"+here+":5061;transport=tls;lr>")}
	return p, p.awaitListening()
}

// call is addressed to a user whose contact is the upstream.
func call(user, contact, transport, route string) load.Call {
	return load.Call{
		From: "carl@synergy.com", To: user + "@synergy.com", Route: route,
		Contact: "sip:" + user + "@" + contact + ";transport=" + transport,
	}
}
