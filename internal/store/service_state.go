package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

const readServiceStates = `SELECT node, service, stopped, restarts, ordered_by, ordered_at FROM service_states`

const upsertServiceState = `INSERT INTO service_states (node, service, stopped, restarts, ordered_by) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (node, service) DO UPDATE SET stopped = excluded.stopped, restarts = excluded.restarts,
		ordered_by = excluded.ordered_by, ordered_at = now()`

// OrderService starts, stops or restarts an activated service on nodes, on all of them or none, as one change with one
// audit row. A restart is ordered each time; to start what runs and to stop what is stopped changes nothing. It is
// refused for a node that is not there, and for one on which the service is not activated.
func (s *Store) OrderService(ctx context.Context, nodes []string, service string, order federation.ServiceOrder) error {
	return s.change(ctx, func(ctx context.Context, w *work) error {
		return w.order(ctx, nodes, service, order)
	})
}

// RestartRunning restarts an activated service on those of the nodes on which nobody stopped it, as one change, and tells
// the others, which stay stopped. It is refused where OrderService would be, and when the service is stopped on all of them.
func (s *Store) RestartRunning(ctx context.Context, nodes []string, service string) (left []string, err error) {
	err = s.change(ctx, func(ctx context.Context, w *work) error {
		if err := w.refuseOrder(nodes, service); err != nil {
			return err
		}
		var running []string
		running, left = w.running(nodes, service)
		if len(running) == 0 {
			return federation.Refuse("Somebody stopped %s on %s, so there is nothing to restart. Start it instead.", service, strings.Join(left, ", "))
		}
		return w.order(ctx, running, service, federation.RestartService)
	})
	return left, err
}

// running parts nodes into those on which an activated service runs and those on which somebody stopped it.
func (w *work) running(nodes []string, service string) (running, stopped []string) {
	for _, name := range nodes {
		if w.before.Runs(name, service) {
			running = append(running, name)
		} else {
			stopped = append(stopped, name)
		}
	}
	return running, stopped
}

// ordered are the words for what was done, for the audit log.
var ordered = map[federation.ServiceOrder]string{
	federation.StartService: "started", federation.StopService: "stopped", federation.RestartService: "restarted",
}

func (w *work) order(ctx context.Context, nodes []string, service string, order federation.ServiceOrder) error {
	if ordered[order] == "" {
		return federation.Refuse("There is no order %q to a service; choose start, stop or restart.", order)
	}
	nodes = slices.Compact(slices.Sorted(slices.Values(nodes)))
	if err := w.refuseOrder(nodes, service); err != nil {
		return err
	}
	var touched []string
	for _, node := range nodes {
		changed, err := w.orderOn(ctx, node, service, order)
		if err != nil {
			return err
		}
		if changed {
			touched = append(touched, node)
		}
	}
	w.action = fmt.Sprintf("%s %s on %s", ordered[order], service, strings.Join(touched, ", "))
	return nil
}

// refuseOrder refuses what no node could follow.
func (w *work) refuseOrder(nodes []string, service string) error {
	if !slices.Contains(federation.Services, service) {
		return federation.Refuse("Isthmus runs no service %q; it runs %s.", service, strings.Join(federation.Services, " and "))
	}
	if len(nodes) == 0 {
		return federation.Refuse("Choose the nodes on which %s is to follow the order.", service)
	}
	for _, name := range nodes {
		node := w.before.Node(name)
		if node == nil {
			return federation.Refuse("There is no node %s any more, so nothing was ordered. Look at the page Nodes.", name)
		}
		if !node.Runs(service) {
			return federation.Refuse("%s is not activated on %s, so nothing was ordered. Activate it first.", service, name)
		}
	}
	return nil
}

// orderOn reports whether the order changed anything on the node.
func (w *work) orderOn(ctx context.Context, node, service string, order federation.ServiceOrder) (bool, error) {
	old := w.before.ServiceState(node, service)
	now := old
	now.Stopped = order == federation.StopService
	if order == federation.RestartService {
		now.Restarts++
	}
	fields := serviceFields(old, now)
	if len(fields) == 0 {
		return false, nil
	}
	w.note("service", federation.Changed, service+" on "+node, fields)
	_, err := w.tx.Exec(ctx, upsertServiceState, node, service, now.Stopped, now.Restarts, auth.ActorFrom(ctx).Name)
	return true, err
}

func serviceFields(old, now federation.ServiceState) []federation.FieldChange {
	var fields []federation.FieldChange
	if old.Stopped != now.Stopped {
		fields = append(fields, federation.FieldChange{Name: "stopped", Old: fmt.Sprint(old.Stopped), New: fmt.Sprint(now.Stopped)})
	}
	if old.Restarts != now.Restarts {
		fields = append(fields, federation.FieldChange{Name: "restarts", Old: fmt.Sprint(old.Restarts), New: fmt.Sprint(now.Restarts)})
	}
	return fields
}
