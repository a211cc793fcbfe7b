package node

import (
	"context"
	"fmt"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/metrics"
)

const (
	reportEvery = 2 * time.Second // a node that reported within 60 s counts as alive
	reportLimit = 2 * time.Second
)

// report tells the database how this node is, after every change and every few seconds. Listeners that could not open
// are tried again on the way, and certificates that end soon are told of.
func (n *Node) report(ctx context.Context) {
	tick := time.NewTicker(n.config.ReportEvery)
	defer tick.Stop()
	failing := false
	var near expiry
	var lag lag
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			n.retry()
		case <-n.reportNow:
		}
		if a := n.current(); a != nil {
			near.tell(n.log, n.endings(a), time.Now())
		}
		lag.tellBehind(n, time.Now())
		lag.compareClocks(ctx, n)
		err := n.reportOnce(ctx)
		n.mu.Lock()
		n.facts.noteReport(err)
		n.mu.Unlock()
		if err != nil && !failing && ctx.Err() == nil {
			n.log.Warn("this node's status cannot be reported", "reason", err)
		}
		failing = err != nil
	}
}

func (n *Node) reportOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reportLimit)
	defer cancel()
	status, now := n.status(), time.Now()
	list, version := n.handshakes.untold(now)
	status.Handshakes = list
	status.Peers = n.peers.untold()
	if err := n.config.Report(ctx, status); err != nil {
		return err
	}
	if list != nil {
		n.handshakes.tell(version, now)
	}
	n.peers.tell(status.Peers)
	return n.readPeers(ctx, now)
}

// endings are those of the certificates that matter to the configuration in force.
func (n *Node) endings(a *applied) []ending {
	return endings(n.config.Name, a.snapshot.Certificates, n.peers.of(&a.snapshot))
}

// observe is the node's state for monitoring.
func (n *Node) observe() metrics.State {
	h := n.Health()
	s := metrics.State{
		Ready: h.State == Ready || h.State == Degraded, DatabaseUp: h.Revision != nil, AppliedRevision: h.AppliedRevision,
		Connections: len(n.layer.Connections()), HandshakesWaiting: n.layer.HandshakesWaiting(), MemoryPressure: int(n.pressure.Load()), Users: n.users.Len(), Listeners: map[string]bool{}, Hops: map[string]bool{},
	}
	s.ServerTransactions, s.ClientTransactions = n.core.Transactions()
	n.mu.Lock()
	s.Held, s.Behind, s.ClockSkew = n.facts.held != "", n.facts.lagging(time.Now()), n.facts.skew
	n.mu.Unlock()
	for _, l := range h.Listeners {
		s.Listeners[l.Name] = l.Open
	}
	for _, hop := range n.core.HopStates() {
		s.Hops[fmt.Sprintf("%s:%s:%d", hop.Transport, hop.Host, hop.Port)] = hop.State != federation.HopDown
	}
	if a := n.current(); a != nil {
		s.Node, s.Ends = n.config.Name, ends(n.endings(a))
	}
	return s
}
