package templates

// A PendingView is the page Pending actions: what was decided and is not in force everywhere.
type PendingView struct {
	Bar       LiveBar
	Revision  int64
	Restored  *RestoredView // nil: the database holds the newest state there is
	Behind    []BehindNode
	Stopped   []ControlRow
	Kinds     []KindRow
	MayChange bool
	MayAccept bool
}

// Nothing reports whether nothing waits for anybody.
func (v PendingView) Nothing() bool {
	return v.Restored == nil && len(v.Behind) == 0 && len(v.Stopped) == 0
}

// A RestoredView is a database that went back, as after a restore.
type RestoredView struct {
	Held  int64 // newest revision that nodes have in force
	Now   int64 // the database's
	Nodes string
}

// A BehindNode is a node that has not everything in force.
type BehindNode struct {
	Name    string
	Href    string
	State   State
	Way     string // what to do
	Since   string // when the first change that it lacks was made, "" when that is not known
	Changes []PendingChange
	More    bool // there are earlier ones
}

// A PendingChange is a change that a node lacks.
type PendingChange struct {
	When string
	Who  string
	What string
}

// A KindRow is one kind of change: what the guide restarts for it, and how far the last one has come.
type KindRow struct {
	Name  string
	Guide string
	State State
}
