package templates

// A LiveBar tells as of when a page is, and lets it follow what it shows.
type LiveBar struct {
	At     string // the time, to the second
	Old    bool   // what is shown of other nodes is of that time, because the database is away
	Stream string // where the page hears of changes
}

func (b LiveBar) words() string {
	if b.Old {
		return "The other nodes as of"
	}
	return "As of"
}

// A NodesView is what the page of all nodes has above its table.
type NodesView struct {
	Bar     LiveBar
	Alarms  []Finding
	Rolling *RollingView // nil: none is under way
}

// A NodeView is what is known of one node.
type NodeView struct {
	Bar       LiveBar
	Name      string
	State     State
	Facts     []NodeFact
	Listeners []Fact
	Hops      []Fact
	Controls  []ControlRow
	MayChange bool
	DNS       *State // nil: not asked
}

// A NodeFact is one thing that is known of a node, as text or as a state.
type NodeFact struct {
	Label string
	Text  string
	Mono  bool
	State *State
	Note  string
}

// NodeFields are the questions of a node's form.
type NodeFields struct {
	Others  []string // nodes that can be its backup
	Backup  bool     // whether a backup is asked for
	Routing bool     // whether the routing node is
	Why     string   // why one of them is not, "" when both are
}

// An AssignView is the preview of a user assignment.
type AssignView struct {
	Mode     string
	Modes    []Option
	Problem  string // why it is not as the reader thinks, "" when it is
	Possible bool
	Moves    int // how many users move
	Nodes    []AssignNode
	Groups   []AssignGroup
}

// An AssignNode is a node with its users before and after.
type AssignNode struct {
	Name    string
	Backup  string
	Routing bool
	Now     int
	Then    int
}

// An AssignGroup are the users that move from one node to another, the first of them by name.
type AssignGroup struct {
	From  string
	To    string
	Count int
	Users []string
}

// more is "and 12 more", "" when all are named.
func (g AssignGroup) more() string {
	if g.Count == len(g.Users) {
		return ""
	}
	return " and " + itoa(int64(g.Count-len(g.Users))) + " more"
}
