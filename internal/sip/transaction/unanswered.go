package transaction

// Unanswered is the number of server transactions that still owe a final response. Those that live on only to absorb
// retransmissions are not among them: who shuts down waits for the first, not for the second.
func (t *Table) Unanswered() int {
	n := 0
	t.EachUnanswered(func(*Server) { n++ })
	return n
}

// EachUnanswered calls f with every server transaction that still owes a final response, without a lock: f may respond.
// Transactions that begin meanwhile may be left out.
func (t *Table) EachUnanswered(f func(*Server)) {
	for i := range t.servers.pieces {
		for _, s := range t.servers.pieces[i].all() {
			if s.Final() == 0 {
				f(s)
			}
		}
	}
}

// all copies the entries, so that no request waits for whoever looks at them.
func (s *shard[T, P]) all() []*T {
	s.Lock()
	defer s.Unlock()
	entries := make([]*T, 0, s.count)
	for _, v := range s.buckets {
		for ; v != nil; v = P(v).linkage().next {
			entries = append(entries, v)
		}
	}
	return entries
}
