package wizard

import (
	"fmt"

	"isthmus/internal/federation"
)

// listeners wants the end state of the default listeners, Peer Auth on 5061 above all: the Microsoft side connects there
// (guide p.55-56).
func (p *planner) listeners() {
	for _, l := range federation.DefaultConfiguration().Listeners {
		exists, reason := p.listenerStanding(l)
		if isNew(p.want("listener", exists, reason, listenerFields(l)...)) {
			p.target.Listeners = append(p.target.Listeners, l)
		}
	}
}

func listenerFields(l federation.Listener) []federation.KeyValue {
	fields := []federation.KeyValue{pair("name", l.Name), pair("transport", l.Transport), pair("port", l.Port)}
	if l.TLSContext != "" {
		fields = append(fields, pair("tls_context", l.TLSContext))
	}
	return append(fields, pair("enabled", l.Enabled))
}

func (p *planner) listenerStanding(l federation.Listener) (exists bool, reason string) {
	for _, old := range p.s.Listeners {
		if old.Name == l.Name {
			return true, listenerDifference(old, l)
		}
	}
	for _, old := range p.s.Listeners {
		if old.Port == l.Port && portSpace(old) == portSpace(l) {
			return false, fmt.Sprintf("Port %d is taken by the listener %q; move that listener to another port first.", old.Port, old.Name)
		}
	}
	return false, ""
}

func listenerDifference(old, l federation.Listener) string {
	switch {
	case old.Transport != l.Transport || old.Port != l.Port:
		return fmt.Sprintf("This listener is on %s; move it to %s in Listeners first.", old, l)
	case old.TLSContext != l.TLSContext:
		return fmt.Sprintf("This listener has the TLS context %s; give it %s in Listeners first.", old.TLSContext, l.TLSContext)
	case old.Enabled && !l.Enabled:
		return "This listener is on; turn it off in Listeners first."
	case !old.Enabled && l.Enabled:
		return "This listener is off; turn it on in Listeners first."
	}
	return ""
}

// portSpace is the kernel's: TLS runs over TCP.
func portSpace(l federation.Listener) string {
	if l.Transport == federation.UDP {
		return federation.UDP
	}
	return federation.TCP
}
