package transaction

// Unanswered is the number of server transactions that still owe a final response. Those that live on only to absorb
// retransmissions are not among them: who shuts down waits for the first, not for the second.
func (t *Table) Unanswered() int {
	n := 0
	for i := range t.servers.pieces {
		n += t.servers.pieces[i].count(func(s *Server) bool { return s.Final() == 0 })
	}
	return n
}

// count asks outside its lock, so that no request waits for it.
func (s *shard[T]) count(matches func(T) bool) int {
	s.Lock()
	entries := make([]T, 0, len(s.entries))
	for _, e := range s.entries {
		entries = append(entries, e)
	}
	s.Unlock()
	n := 0
	for _, e := range entries {
		if matches(e) {
			n++
		}
	}
	return n
}
