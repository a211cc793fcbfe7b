package proxy

import "isthmus/internal/metrics"

// cancel ends an INVITE for its sender (RFC 3261 section 16.10).
func (r *relay) cancel() {
	r.mu.Lock()
	if r.done || r.cancelled || !r.underWay() {
		r.mu.Unlock()
		return
	}
	r.cancelled = true
	a := r.current
	if a == nil || !a.written {
		r.current = nil
		r.mu.Unlock()
		r.finish(487, nil)
		return
	}
	a.cancelling = true
	client := a.client
	if a.answered {
		r.limit = r.proxy.now().Add(cancelLimit)
		r.arm()
	}
	r.mu.Unlock()
	if client != nil {
		client.Cancel()
	}
}

// cancel answers a CANCEL and ends the INVITE that it means.
func (p *Proxy) cancel(in *incoming) {
	invite := p.table.Invite(in.message)
	if invite == nil {
		p.metrics.Request("CANCEL", metrics.Refused)
		p.respond(in, 481, nil)
		return
	}
	p.metrics.Request("CANCEL", metrics.Answered)
	p.respond(in, 200, nil)
	if r, ok := invite.Back().(*relay); ok {
		r.cancel()
	}
}
