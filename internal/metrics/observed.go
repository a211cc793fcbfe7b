package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A State is what is true of a node at the moment of a scrape.
type State struct {
	Ready              bool
	DatabaseUp         bool
	AppliedRevision    int64
	Held               bool            // the database went back, and that is not accepted yet
	Behind             time.Duration   // since when the newest known state is not in force, 0 while it is
	ClockSkew          time.Duration   // by how much this clock is ahead of the database's
	Connections        int             // open SIP connections
	ServerTransactions int             // requests that are not finished yet
	ClientTransactions int             // the same, sent on
	HandshakesWaiting  int             // TLS handshakes of strangers that wait to be worked on
	MemoryPressure     int             // 0 to 3: unlisted peers, then new connections, then new requests are refused
	Users              int             // users whose routing facts are known
	Listeners          map[string]bool // by name: open
	Hops               map[string]bool // as in Attempt: up

	Node string               // whose certificates Ends tells of
	Ends map[string]time.Time // by purpose: when the node's own certificate ends, and the first of the trusted CAs and of the peers
}

// Observe names the function that tells the node's state. It is called at every scrape, from any goroutine; until then
// there are no such numbers.
func (m *Metrics) Observe(state func() State) { m.observed.state.Store(&state) }

// ObserveLog names the function that tells how many lines of the log were lost since the start. It is called once, and the
// function at every scrape.
func (m *Metrics) ObserveLog(lost func() int64) {
	m.register(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "log_lines_dropped_total",
		Help: "Lines of the log that were lost because they could not be written in time."},
		func() float64 { return float64(lost()) }))
}

// observed collects a State. Numbers that come from what exists now, such as the hops of the current routes, vanish with
// it, which counters kept by label would not.
type observed struct{ state atomic.Pointer[func() State] }

var (
	readyDesc        = gauge("ready", "1 while a snapshot is applied, the SIP proxy runs on this node and every activated listener is open.")
	databaseDesc     = gauge("database_up", "1 while the database answers.")
	revisionDesc     = gauge("applied_revision", "Revision of the configuration that is in force on this node.")
	heldDesc         = gauge("restored_held", "1 while the database is older than what this node has in force, as after a restore, and that is not accepted.")
	behindDesc       = gauge("behind_seconds", "Seconds since the newest known state of the configuration is not in force; 0 while it is.")
	skewDesc         = gauge("clock_skew_seconds", "Seconds by which this machine's clock is ahead of the database's.")
	connectionsDesc  = gauge("sip_connections", "Open SIP connections.")
	transactionsDesc = gauge("sip_transactions", "SIP transactions that are not finished, by side.", "side")
	handshakesDesc   = gauge("tls_handshakes_waiting", "TLS handshakes of unlisted peers, and of listed ones that fail often, that wait to be worked on.")
	pressureDesc     = gauge("memory_pressure", "What is refused for want of memory: 1 connections of unlisted peers, 2 all new connections, 3 new requests too; 0 nothing.")
	usersDesc        = gauge("users", "Users whose routing facts this node knows.")
	listenerDesc     = gauge("listener_open", "1 while the listener is open on this node.", "listener")
	hopDesc          = gauge("sip_hop_up", "1 while the next hop is not marked down.", "hop")
	endsDesc         = gauge("certificate_not_after_seconds", "When the certificate in use ends, in seconds since 1970; of the trusted CAs (cup-trust) and of those that peers showed (peer) the first that ends.", "node", "purpose")
)

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe is part of prometheus.Collector.
func (o *observed) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{readyDesc, databaseDesc, revisionDesc, heldDesc, behindDesc, skewDesc, connectionsDesc, transactionsDesc, handshakesDesc, pressureDesc, usersDesc, listenerDesc, hopDesc, endsDesc} {
		out <- d
	}
}

// Collect is part of prometheus.Collector.
func (o *observed) Collect(out chan<- prometheus.Metric) {
	ask := o.state.Load()
	if ask == nil {
		return
	}
	s := (*ask)()
	send := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	send(readyDesc, one(s.Ready))
	send(databaseDesc, one(s.DatabaseUp))
	send(revisionDesc, float64(s.AppliedRevision))
	send(heldDesc, one(s.Held))
	send(behindDesc, s.Behind.Seconds())
	send(skewDesc, s.ClockSkew.Seconds())
	send(connectionsDesc, float64(s.Connections))
	send(transactionsDesc, float64(s.ServerTransactions), "server")
	send(transactionsDesc, float64(s.ClientTransactions), "client")
	send(handshakesDesc, float64(s.HandshakesWaiting))
	send(pressureDesc, float64(s.MemoryPressure))
	send(usersDesc, float64(s.Users))
	for name, open := range s.Listeners {
		send(listenerDesc, one(open), name)
	}
	for name, up := range s.Hops {
		send(hopDesc, one(up), name)
	}
	for purpose, end := range s.Ends {
		send(endsDesc, float64(end.Unix()), s.Node, purpose)
	}
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
