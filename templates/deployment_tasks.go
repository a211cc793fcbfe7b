package templates

// A TaskPage is the guide's workflow for one deployment, with the state of each step.
type TaskPage struct {
	Head      DeploymentHead
	Progress  Progress
	Sides     []TaskSide
	To        string // where ticks are sent
	MayChange bool
}

// A TaskSide is the steps on one side.
type TaskSide struct {
	ID    string // here or there
	Title string
	Tag   string
	Tasks []TaskRow
}

// A TaskRow is one step.
type TaskRow struct {
	ID     string
	Title  string
	State  State
	Text   string
	Href   string // the page for it, with Link as its words; both may be empty
	Link   string
	Manual bool
	Done   bool
	Ticked string // by whom and when; ""
}
