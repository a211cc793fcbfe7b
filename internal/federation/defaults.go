package federation

// DefaultConfiguration is that of a new database: the listeners' end state that the guide reaches by three saves and a
// restart (guide p.55-56), and their TLS contexts.
func DefaultConfiguration() Configuration {
	peer, server := NewTLSContext(), NewTLSContext()
	peer.Name, peer.VerifyClient = PeerAuthContext, true
	server.Name = ServerAuthContext
	return Configuration{
		Settings:    DefaultSettings(),
		TLSContexts: []TLSContext{peer, server},
		Listeners: []Listener{
			{Name: "Default SIP Proxy TCP Listener", Transport: TCP, Port: 5060, Enabled: true},
			{Name: "Default SIP Proxy UDP Listener", Transport: UDP, Port: 5060},
			{Name: "Default SIP Proxy TLS Listener - Server Auth", Transport: TLS, Port: 5062, TLSContext: ServerAuthContext, Enabled: true},
			{Name: "Default SIP Proxy TLS Listener - Peer Auth", Transport: TLS, Port: 5061, TLSContext: PeerAuthContext, Enabled: true},
		},
	}
}
