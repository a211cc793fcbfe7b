package templates

import (
	"fmt"
	"strconv"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/wizard"
)

// A WizardBegin is the page before the wizard's first step.
type WizardBegin struct {
	Own         *DraftRow // the reader's own draft, nil when there is none
	Others      []DraftRow
	Deployments []DeploymentRow
}

// A DraftRow is somebody's run of the wizard that is not finished.
type DraftRow struct {
	ID     int64
	Owner  string
	Number int // of the step that comes next
	Step   string
	Since  string
}

func (d DraftRow) path() string { return "/wizard/drafts/" + itoa(d.ID) }

// A DraftLook is another's draft as one may read it.
type DraftLook struct {
	Row      DraftRow
	Answers  []AnswerFact
	Replaces bool // taking it over drops a draft of the reader's own
}

// A StepLink is one cell of the bar of steps.
type StepLink struct {
	Title   string
	Href    string // "" for one that is not reached yet
	Done    bool
	Current bool
}

// A WizardStep is one screen that asks something.
type WizardStep struct {
	Step      wizard.Step
	Steps     []StepLink
	Form      Form
	Platforms []Option
	FrontEnds []FrontEndRow
	Domains   []Option
	Nodes     []Option
}

// A FrontEndRow is one line to type a front end into, with what the DNS says of it where it was asked.
type FrontEndRow struct {
	FQDN, Address string
	Found         State
}

// question is what a step's page asks, and the sentence below it.
func (s WizardStep) question() (title, lede string) {
	switch s.Step.Number {
	case 1:
		return "What is on the Microsoft side?", "This wizard sets up chat and presence between both sides of a shared domain."
	case 2:
		return "Which edition, and which pool?", "Every name here is one that the Microsoft side has already; its own shell prints them."
	case 3:
		return "Which front ends are there?", "They are the next hops of every domain, tried in this order, and the hosts that may connect."
	case 4:
		return "Which domains do both sides share?", "A domain takes part when people of both sides have addresses in it."
	}
	return "Which node does the Microsoft side send to?", "It takes everything that comes from there and passes it to the node of each recipient."
}

// field is the name and the id of one cell of the front ends' table.
func (r FrontEndRow) field(i int, name string) (field, id string) {
	return fmt.Sprintf("front_ends[%d].%s", i, name), fmt.Sprintf("field-front_ends-%d-%s", i, name)
}

// target is the id of the field that a problem is about. Problems of a list that has no field for each entry lead to the
// list.
func target(path string) string {
	if rest, ok := strings.CutPrefix(path, "front_ends["); ok && strings.Contains(rest, "].") {
		return "field-front_ends-" + strings.Replace(rest, "].", "-", 1)
	}
	return fieldID(base(path))
}

// where is "Step 2 of 7: Version and pool", which a narrow page shows in place of the bar.
func where(steps []StepLink) (number, title string) {
	for i, s := range steps {
		if s.Current {
			return fmt.Sprintf("Step %d of %d: ", i+1, len(steps)), s.Title
		}
	}
	return "", ""
}

// An AnswerFact is one answer as people read it.
type AnswerFact struct {
	Label string
	Value string
	Step  int
	Mono  bool // what a machine reads
}

// AnswerFacts are the answers that were given, in the order of the steps.
func AnswerFacts(a federation.Answers) []AnswerFact {
	var list []AnswerFact
	add := func(step int, mono bool, label, value string) {
		if value != "" {
			list = append(list, AnswerFact{label, value, step, mono})
		}
	}
	add(1, false, "Platform", PlatformName(a.Platform))
	add(1, false, "Transport", overTCP(a))
	add(2, false, "Edition", EditionName(a.Edition))
	add(2, true, "Pool", a.Pool)
	add(2, true, "Load balancer", a.LoadBalancer)
	add(2, true, "Registrar", a.Registrar)
	add(2, true, "Site", a.Site)
	for _, h := range a.FrontEnds {
		add(3, true, "Front end", strings.TrimSpace(h.FQDN+" "+h.Address))
	}
	if e := a.Expressway; e != nil {
		add(3, true, "Expressway", e.FQDN+" "+e.Address+" port "+strconv.Itoa(e.Port))
	}
	add(4, true, "Domains", strings.Join(a.Domains, ", "))
	if a.ChildDomains {
		add(4, false, "Hosts below them", "a route of their own")
	}
	add(5, true, "Routing node", a.RoutingNode)
	add(5, true, "Trusted pool", a.TrustedPool)
	add(5, true, "Application id", a.ApplicationID)
	return list
}

func overTCP(a federation.Answers) string {
	if a.Transport == federation.TCP {
		return "TCP"
	}
	return ""
}

// EditionName is what people call an edition.
func EditionName(edition string) string {
	switch edition {
	case federation.EditionEnterprise:
		return "Enterprise Edition"
	case federation.EditionStandard:
		return "Standard Edition"
	}
	return edition
}
