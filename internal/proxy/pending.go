package proxy

// Pending is the number of requests that came in and have no final answer yet.
func (p *Proxy) Pending() int { return p.table.Unanswered() }
