package federation

// A Point is the place of a committed state in the order of all that ever were. The era rises when a database that was
// restored from a backup is accepted, so that nothing that comes afterwards looks older than what nodes have seen.
type Point struct {
	Era      int64 // from 1; 0 is unknown, as in what was kept before there were eras
	Revision int64
}

// Before reports whether p is older than q.
func (p Point) Before(q Point) bool {
	if p.Era != q.Era {
		return p.Era < q.Era
	}
	return p.Revision < q.Revision
}

// Point is the snapshot's place in the order of all.
func (s *Snapshot) Point() Point { return Point{s.Era, s.Revision} }

// Applied is the place of the state that the node has in force.
func (s NodeStatus) Applied() Point { return Point{s.AppliedEra, s.AppliedRevision} }
