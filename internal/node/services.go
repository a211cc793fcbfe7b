package node

import "isthmus/internal/federation"

// restart carries out the restarts that a snapshot orders on this node and that the one before did not. What was ordered
// before this process began needs none: its start was one. A count that fell belongs to a service that was deactivated
// since. The caller holds applying, and fits the listeners afterwards, which opens them again.
func (n *Node) restart(a *applied) {
	n.mu.Lock()
	done, draining := n.facts.restarted, n.facts.draining
	n.mu.Unlock()
	if done == nil || draining {
		return
	}
	for _, service := range federation.Services {
		ordered := a.snapshot.Restarts(n.config.Name, service)
		if ordered <= done[service] || !a.snapshot.Runs(n.config.Name, service) {
			continue
		}
		order := a.snapshot.ServiceState(n.config.Name, service)
		n.log.Warn("service restarted", "service", service, "ordered_by", order.OrderedBy, "requests_cut_off", n.restartService(service))
	}
}

// restartService ends what the service has under way.
func (n *Node) restartService(service string) (cut int) {
	if service != federation.ServiceSIPProxy {
		return n.core.RestartConnector()
	}
	n.layer.Fit(nil)
	return n.core.Restart()
}

// followed notes that every order of a snapshot is carried out.
func (n *Node) followed(s *federation.Snapshot) {
	done := make(map[string]int64, len(federation.Services))
	for _, service := range federation.Services {
		done[service] = s.Restarts(n.config.Name, service)
	}
	n.mu.Lock()
	n.facts.restarted = done
	n.mu.Unlock()
}
