package proxies

// StartRelay starts the bare relay. In a dialog requests name no Route, as nobody would remove it.
func StartRelay(s *Setting) (*Proxy, error) {
	here := s.Network + relayHost
	p, err := start(s.Dir, "relay", clean(), s.RelayBin, "-tcp", here+":5060", "-tls", here+":5061", "-to-tcp", s.Connectors.TCP,
		"-to-tls", s.Connectors.TLS, "-name", SecondName, "-cert", s.Cert, "-key", s.Key, "-ca", s.CA)
	if err != nil {
		return nil, err
	}
	p.Relay = true
	p.TCP = Door{here + ":5060", call("ann", s.Connectors.TCP, "tcp", "")}
	p.TLS = Door{here + ":5061", call("bea", s.Connectors.TLS, "tls", "")}
	return p, p.awaitListening()
}
