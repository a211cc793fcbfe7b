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
	Form        Form
	Own         *DraftRow // the reader's own draft, nil when there is none
	Others      []DraftRow
	Deployments []DeploymentRow
	Role        string // what the reader's role may not finish, "" for one that may finish all
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
	Step       wizard.Step
	Steps      []StepLink
	Form       Form
	Answers    federation.Answers // those that count today, which say what is asked
	Cautions   federation.Invalid // what deserves a second look, by its field
	FrontEnds  []ServerRow
	Expressway ServerRow
	Domains    []Option
	OnlyThere  []string // domains of the Microsoft side that this side does not hold
	IPv6       string   // who has an IPv6 address, "" when nobody has one
	Others     bool     // whether there are deployments already
	Nodes      []Option
	Run        string // which deployment the run changes, "" when it makes a new one
	Trusting   string // the deployment that has the proposed trusted application pool already, "" when none has it
}

func (s WizardStep) ocs() bool      { return s.Answers.Platform == federation.OCS2007R2 }
func (s WizardStep) standard() bool { return s.Answers.Edition == federation.EditionStandard }
func (s WizardStep) calls() bool    { return s.Answers.Deployment == federation.ChatAndCalling }

// pasteCommand prints all that the second and third step ask for. The first part keeps long lists whole.
const pasteCommand = "$FormatEnumerationLimit = -1; Get-CsPool | Format-List Identity, Computers, Services, Site; Get-CsSite | Format-List Identity, SiteId, Pools"

// platforms are the choices of the first step.
func platforms() []Option {
	var list []Option
	for _, p := range []string{federation.SkypeForBusiness2019, federation.SkypeForBusiness2015, federation.Lync2013, federation.Lync2010, federation.OCS2007R2} {
		list = append(list, Option{Value: p, Label: PlatformName(p)})
	}
	return list
}

// A ServerRow is one line to type a server into, with what the DNS says of it where it was asked.
type ServerRow struct {
	Path          string // front_ends[0], or expressway
	FQDN, Address string
	Found         State
}

// field is the name and the id of one cell of the row.
func (r ServerRow) field(name string) (field, id string) {
	field = r.Path + "." + name
	return field, target(field)
}

// question is what a step's page asks, and the sentence below it.
func (s WizardStep) question() (title, lede string) {
	switch s.Step.Number {
	case 1:
		return "What is on the Microsoft side?", "This wizard sets up chat and presence between both sides of a shared domain."
	case 2:
		if s.ocs() {
			return "Which edition, and which pool?", "Every name here is one that the Microsoft side has already; its administration console shows them."
		}
		return "Which edition, and which pool?", "Every name here is one that the Microsoft side has already; its own shell prints them."
	case 3:
		return "Which front ends are there?", "They are the next hops of every domain, tried in this order, and the hosts that may connect."
	case 4:
		return "Which domains do both sides share?", "A domain takes part when people of both sides have addresses in it."
	}
	if s.calls() {
		return "Which node does the Expressway send to?", "The Microsoft side sends to the Expressway, and that to this node, which passes everything to the node of each recipient."
	}
	return "Which node does the Microsoft side send to?", "It takes everything that comes from there and passes it to the node of each recipient."
}

// domainsHint names the cmdlet only where there is one.
func (s WizardStep) domainsHint() string {
	what := "Paste all that Get-CsSipDomain prints, or enter one domain a line."
	if s.ocs() {
		what = "Enter one domain a line."
	}
	return what + " They are compared with yours, and nothing else."
}

// trustHint says whether the name of the trusted application pool is a new one.
func (s WizardStep) trustHint() string {
	const certificates = " The nodes' certificates have to name it, too."
	switch {
	case s.Trusting == "":
		return "A new name for the scripts; nothing of yours is called so yet." + certificates
	case strings.EqualFold(s.Trusting, s.Answers.DeploymentName()):
		return "The name that this deployment has so far." + certificates
	}
	return s.Trusting + " has this one already. Keep it when both are in one topology; else enter a name that is new there." + certificates
}

// target is the id of the field that a problem is about. Problems of a list that has no field for each entry lead to the
// list.
func target(path string) string {
	if !strings.Contains(path, ".") {
		path = base(path)
	}
	return fieldID(strings.NewReplacer("[", "-", "].", "-", ".", "-").Replace(path))
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
	add(1, false, "What crosses", whatCrosses(a))
	add(1, false, "Transport", transport(a))
	add(2, false, "Edition", EditionName(a.Edition))
	add(2, true, "Pool", a.Pool)
	add(2, true, "Load balancer", a.LoadBalancer)
	if a.Platform != federation.OCS2007R2 {
		add(2, true, "Registrar", a.Registrar)
		add(2, true, "Site", a.Site)
	}
	for _, h := range a.FrontEnds {
		add(3, true, "Front end", strings.TrimSpace(h.FQDN+" "+h.Address))
	}
	if e := a.Expressway; e != nil {
		add(3, true, "Expressway", e.FQDN+" "+e.Address+" port "+strconv.Itoa(e.Port))
	}
	add(4, true, "Domains", strings.Join(a.Domains, ", "))
	add(4, true, "Domains of the Microsoft side", strings.Join(a.MicrosoftDomains, ", "))
	if a.ChildDomains {
		add(4, false, "Hosts below them", "a route of their own")
	}
	if a.FirstPriority > 1 {
		add(4, false, "First priority", strconv.Itoa(a.FirstPriority)+", behind other routes")
	}
	add(5, true, "Routing node", a.RoutingNode)
	add(5, true, "Load balancer before them", a.FrontName)
	if a.Platform != federation.OCS2007R2 {
		add(5, true, "Trusted pool", a.TrustedPool)
		add(5, true, "Application id", a.ApplicationID)
	}
	return list
}

// whatCrosses is what people call the kind of a deployment; OCS leaves no choice.
func whatCrosses(a federation.Answers) string {
	switch {
	case a.Platform == federation.OCS2007R2 || a.Deployment == "":
		return ""
	case a.Deployment == federation.ChatAndCalling:
		return "Chat and calling"
	}
	return "Chat only"
}

// transport is an answer only where there was a choice.
func transport(a federation.Answers) string {
	if a.Platform != federation.OCS2007R2 {
		return ""
	}
	return strings.ToUpper(a.Transport)
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
