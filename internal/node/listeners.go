package node

import (
	"net/netip"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip/transport"
)

// A plan is the listeners that a snapshot activates on this node. What cannot even be tried, such as a TLS listener
// without a certificate, comes with the reason.
type plan struct {
	listeners  []transport.Listener
	impossible []federation.ListenerStatus
	off        bool // the service SIP proxy does not run here
}

// planListeners is empty while the service sip_proxy is off or stopped here (guide p.49-50).
func planListeners(s *federation.Snapshot, node *federation.Node, configs *certs.Configs) plan {
	var p plan
	if p.off = !s.Runs(node.Name, federation.ServiceSIPProxy); p.off {
		return p
	}
	for _, configured := range s.Listeners {
		if !configured.Enabled {
			continue
		}
		l, err := planListener(s, node, configured, configs)
		if err != nil {
			p.impossible = append(p.impossible, federation.ListenerStatus{Name: configured.Name, Error: err.Error()})
			continue
		}
		p.listeners = append(p.listeners, l)
	}
	return p
}

func planListener(s *federation.Snapshot, node *federation.Node, configured federation.Listener, configs *certs.Configs) (transport.Listener, error) {
	address, err := federation.ParseAddress(node.Address)
	if err != nil {
		return transport.Listener{}, err
	}
	l := transport.Listener{
		Name: configured.Name, Transport: routing.TransportOf(configured.Transport),
		Addr: netip.AddrPortFrom(address, uint16(configured.Port)), Subject: certs.Subject,
	}
	if configured.Transport != federation.TLS {
		return l, nil
	}
	if context := s.TLSContext(configured.TLSContext); context != nil {
		l.VerifyClient = context.VerifyClient
	}
	l.TLS, l.TLSKey, err = configs.Listener(configured.TLSContext)
	return l, err
}

// statuses are what became of the plan, in the form in which nodes report it.
func (p plan) statuses(states []transport.ListenerState) []federation.ListenerStatus {
	list := make([]federation.ListenerStatus, 0, len(states)+len(p.impossible))
	for _, s := range states {
		list = append(list, federation.ListenerStatus{Name: s.Name, Open: s.Open, Error: s.Error})
	}
	return append(list, p.impossible...)
}

func allOpen(list []federation.ListenerStatus) bool {
	for _, l := range list {
		if !l.Open {
			return false
		}
	}
	return true
}
