// Package metrics owns the numbers that monitoring reads: their names, their labels and the page that shows them. It
// knows nothing of what is counted; who counts calls it.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Outcomes of a request.
const (
	Forwarded = "forwarded" // handed to a next hop, a node or a connector
	Answered  = "answered"  // answered here because it was for this node, such as OPTIONS
	Refused   = "refused"   // answered here with an error
	Dropped   = "dropped"   // not answered: ACK, BENOTIFY, or nothing to answer by
)

// Metrics are the counters of one process, in a registry of their own.
type Metrics struct {
	registry   *prometheus.Registry
	requests   *pairs
	refusals   *prometheus.CounterVec
	responses  *pairs
	attempts   *pairs
	returned   *prometheus.CounterVec
	handshakes *prometheus.CounterVec
	malformed  prometheus.Counter
	panics     prometheus.Counter
	faults     prometheus.Counter
	answerTime prometheus.Histogram
	observed   *observed
}

// New makes the counters. version is that of the program.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), observed: &observed{}}
	m.requests = newPairs(counters("sip_requests_total", "SIP requests by method and by what became of them.", "method", "outcome"))
	m.refusals = counters("sip_refusals_total", "SIP requests refused, by reason.", "reason")
	m.responses = newPairs(counters("sip_responses_total", "SIP responses sent to whoever asked, by status class.", "class"))
	m.attempts = newPairs(counters("sip_hop_attempts_total", "Requests given to a next hop, by hop and by how that ended.", "hop", "outcome"))
	m.returned = counters("sip_returned_responses_total", "Final responses whose connection was gone, by whether another one took them.", "outcome")
	m.handshakes = counters("tls_handshake_failures_total", "TLS handshakes that failed or were not begun, by reason.", "reason")
	m.malformed = counter("sip_malformed_total", "SIP messages that could not be read.")
	m.panics = counter("sip_panics_total", "Connections closed because handling a message failed inside; each is a fault of Isthmus.")
	m.faults = counter("node_panics_total", "Times that a part of the node began anew because it failed inside; each is a fault of Isthmus.")
	m.answerTime = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "sip_answer_seconds",
		Help:    "Time from a request to its final response.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40}})
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "build_info", Help: "Always 1; the label tells the version.",
		ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	m.register(m.requests.vec, m.refusals, m.responses.vec, m.attempts.vec, m.returned, m.handshakes, m.malformed, m.panics, m.faults, m.answerTime, info, m.observed,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// register gives everything one prefix, the runtime's numbers too.
func (m *Metrics) register(list ...prometheus.Collector) {
	prometheus.WrapRegistererWithPrefix("isthmus_", m.registry).MustRegister(list...)
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// Handler answers with all numbers in Prometheus' text form.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// methods are those that get a label of their own: a label that strangers choose would grow without end.
var methods = map[string]bool{
	"ACK": true, "BENOTIFY": true, "BYE": true, "CANCEL": true, "INFO": true, "INVITE": true, "MESSAGE": true, "NEGOTIATE": true,
	"NOTIFY": true, "OPTIONS": true, "PRACK": true, "PUBLISH": true, "REFER": true, "REGISTER": true, "SERVICE": true,
	"SUBSCRIBE": true, "UPDATE": true,
}

// Request counts a request and what became of it: Forwarded, Answered, Refused or Dropped.
func (m *Metrics) Request(method, outcome string) {
	if !methods[method] {
		method = "other"
	}
	m.requests.of(method, outcome).Inc()
}

// Refusal counts why a request was refused. reason is one of a fixed set of short texts, never one with a value in it.
func (m *Metrics) Refusal(reason string) { m.refusals.WithLabelValues(reason).Inc() }

// Response counts a response that was sent upstream. took is the time since the request; it is recorded for final
// responses alone.
func (m *Metrics) Response(status int, took time.Duration) {
	m.responses.of(class(status)).Inc()
	if status >= 200 {
		m.answerTime.Observe(took.Seconds())
	}
}

func class(status int) string {
	if status < 100 || status > 699 {
		return "other"
	}
	return [...]string{"1xx", "2xx", "3xx", "4xx", "5xx", "6xx"}[status/100-1]
}

// Attempt counts a request given to a next hop. hop is as configured, such as tls:10.1.20.21:5061; outcome is one of a
// fixed set of short texts, such as "answered" or "connection refused".
func (m *Metrics) Attempt(hop, outcome string) { m.attempts.of(hop, outcome).Inc() }

// Gone forgets a hop that is configured no more, as numbers by hop would else pile up with every change of a route.
func (m *Metrics) Gone(hop string) { m.attempts.drop("hop", hop) }

// Returned counts a final response whose connection was gone: Forwarded over another, or Dropped.
func (m *Metrics) Returned(outcome string) { m.returned.WithLabelValues(outcome).Inc() }

// HandshakeFailure counts a failed TLS handshake by its reason, one of a fixed set.
func (m *Metrics) HandshakeFailure(reason string) { m.handshakes.WithLabelValues(reason).Inc() }

// Malformed counts a message that could not be read.
func (m *Metrics) Malformed() { m.malformed.Inc() }

// Panic counts a connection that was closed because handling a message failed inside.
func (m *Metrics) Panic() { m.panics.Inc() }

// Fault counts a goroutine of the node that began anew because it failed inside.
func (m *Metrics) Fault() { m.faults.Inc() }
