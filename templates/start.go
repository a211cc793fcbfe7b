package templates

// A Start is the first page: what crosses, what is missing, and how far each node has come.
type Start struct {
	Bar      LiveBar
	Headline string // the finding, a whole sentence
	Lede     string
	Straits  []Strait
	Tasks    []Task // shown while nothing is set up
	Missing  []Finding
	Hops     []Fact
	Nodes    []Fact
	Begin    PageLink // where the reader goes on, without a name for one who may change nothing
}

// A Strait is one domain: what is here, whether it crosses, what is there.
type Strait struct {
	Domain   string
	Here     string
	Crossing State
	There    string // the platform, or what is not known of it
	ThereSub string
}

// A Task is one step of the guide's task flow, with whether it is done.
type Task struct {
	Done bool
	Text string
	Href string
	Note string // who does it, while it is not done; may be empty
}

// A Fact is a row of a small table: a name, a number where it has one, and a state.
type Fact struct {
	Name   string
	Note   string
	Number string
	State  State
}

// path draws the crossing: whole, broken in parts, or open in the middle.
func (s Strait) path() string {
	switch s.Crossing.Mark {
	case Up:
		return "M0 6H100"
	case Part:
		return "M0 6H62M68 6H78M84 6H100"
	case Down:
		return "M0 6H40M60 6H100"
	}
	return "M0 6H6M14 6H20M28 6H34M42 6H48M56 6H62M70 6H76M84 6H90"
}
