package federation

import (
	"slices"
	"time"
)

// A ServiceOrder is what the Control Center asks of an activated service (guide: Control Center - Feature Services).
type ServiceOrder string

// Orders to a service.
const (
	StartService   ServiceOrder = "start"
	StopService    ServiceOrder = "stop"    // as if it were not activated, until it is started
	RestartService ServiceOrder = "restart" // ends what is under way; a stopped service runs afterwards
)

// A ServiceState is what was last ordered of an activated service on one node. It is no part of the configuration
// document. Without one, an activated service runs.
type ServiceState struct {
	Node      string
	Service   string
	Stopped   bool
	Restarts  int64 // how often a restart was ordered since the service was activated
	OrderedBy string
	OrderedAt time.Time // by the database's clock
}

// Runs reports whether a service is activated on a node and not stopped there. Everything that depends on a service asks
// this, so that a stopped service is like one that is not activated.
func (s *Snapshot) Runs(node, service string) bool {
	n := s.Node(node)
	return n != nil && n.Runs(service) && !s.ServiceState(node, service).Stopped
}

// Restarts counts the restarts of a service that were ordered on a node. It begins at 0 again when the service is
// deactivated.
func (s *Snapshot) Restarts(node, service string) int64 {
	return s.ServiceState(node, service).Restarts
}

// ServiceState is the last order to a service on a node; without one, a state in which nothing is ordered.
func (s *Snapshot) ServiceState(node, service string) ServiceState {
	i := slices.IndexFunc(s.ServiceStates, func(o ServiceState) bool { return o.Node == node && o.Service == service })
	if i < 0 {
		return ServiceState{Node: node, Service: service}
	}
	return s.ServiceStates[i]
}

// A RollingRestart is a service restarted on one node after the other.
type RollingRestart struct {
	ID        int64
	Service   string
	Nodes     []string // in their order
	Done      int      // on how many of them the restart was ordered
	Failure   string   // why it ended early, ""
	StartedBy string
	StartedAt time.Time
	SteppedAt time.Time // last order; nobody goes on when this is long ago
	EndedAt   *time.Time
}
