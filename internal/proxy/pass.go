package proxy

import (
	"log/slog"
	"strings"

	"isthmus/internal/metrics"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
)

// A passing is a request that has no answer, an ACK for a 2xx or a BENOTIFY, on its way out: it moves on to another hop
// only while it could not be sent.
type passing struct {
	rewrite
	climb   climb
	message *sip.Message // in the hand; a copy once it is kept
	kept    bool
	failed  []string
}

func (p *Proxy) pass(in *incoming, d routing.Decision) {
	ps := &passing{rewrite: rewrite{proxy: p, link: in.link}, climb: climb{groups: d.Groups}, message: in.message}
	ps.decided(in, d)
	ps.next()
}

// next tries the next hop.
func (ps *passing) next() {
	p := ps.proxy
	pl := ps.climb.next(p, func(pl *place) { ps.failed = append(ps.failed, pl.current().String()+" "+pl.why()) })
	if pl == nil {
		p.metrics.Request(ps.message.Method(), metrics.Dropped)
		p.logMessage(slog.LevelWarn, "request dropped", ps.policy, ps.link, ps.message, "no next hop took it: "+strings.Join(ps.failed, ", "))
		return
	}
	pl.over(ps.keep, func(w *wire) error { return ps.send(pl.current(), w) }, func(err error) {
		if err == nil || err == errMaybeSent {
			return
		}
		ps.failed = append(ps.failed, pl.current().String()+" "+reasonOf(err))
		ps.next()
	})
}

// keep makes the message outlive the read buffer.
func (ps *passing) keep() {
	if !ps.kept {
		ps.message, ps.kept = ps.message.Clone(), true
	}
}

func (ps *passing) send(hop *routing.Hop, w *wire) error {
	d := drafts.Get().(*draft)
	defer drafts.Put(d)
	ps.write(d, ps.message, w.exit(ps.proxy.next(hop)))
	return w.Queue(ps.link, d.bytes)
}
