package templates

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// A Review is the wizard's last question: the whole plan before it is applied.
type Review struct {
	Steps       []StepLink
	Answers     []AnswerFact
	Lede        string
	Conflicts   []PlanRow
	Warnings    []string
	Groups      []PlanGroup
	Run         string // which deployment the run changes or makes beside others, "" for the first one
	Earlier     string // path of the rollback.ps1 of today of the deployment that the run changes, "" when there is none
	New         int
	Changes     int
	Goes        int
	Exists      int
	Behind      int    // first priority with which the routes would stand behind those in their way; 0 when that is no way out
	Fingerprint string // of the plan that is shown
	Refused     string // why the reader may not finish it, "" when there is nothing against it
}

// A PlanGroup is the objects of one kind.
type PlanGroup struct {
	Title string
	Path  string // of the page of this kind
	Note  string // such as "2 new, 1 exists"
	Rows  []PlanRow
}

// A PlanRow is one object of a plan.
type PlanRow struct {
	Verdict string // new, exists, conflict or remove
	Object  string // what people call it
	Machine string // its name or pattern as machines read it
	Effect  string // what it does, a whole sentence
	Reason  string // of a conflict
	Href    string // of a conflict: the page where what stands in the way can be found
}

// verdictChanges is an object that exists and will be another. The plan counts it as new or, when only what an earlier run
// put into it goes, as existing; whoever reads the page wants to know what becomes of it.
const verdictChanges = "changes"

// Sign is the shape and colour of the verdict.
func (r PlanRow) Sign() string { return sign(r.Verdict) }

// Sign is the shape and colour of what is counted.
func (t Tally) Sign() string { return sign(t.Verdict) }

func sign(verdict string) string {
	if verdict == verdictChanges {
		return federation.VerdictNew
	}
	return verdict
}

// Word is the verdict as the page says it.
func (r PlanRow) Word() string {
	if r.Verdict == federation.VerdictRemove {
		return "Goes"
	}
	return capital(r.Verdict)
}

// changes reports whether a group holds anything but what stays as it is.
func (g PlanGroup) changes() bool {
	return slices.ContainsFunc(g.Rows, func(r PlanRow) bool { return r.Verdict != federation.VerdictExists })
}

// A Tally is how many objects have one verdict.
type Tally struct {
	Verdict string
	Words   string // such as "3 go"
}

// verdicts in the order in which they ask for attention, with their words in a count.
var verdicts = []struct{ verdict, one, many string }{
	{federation.VerdictConflict, "conflict", "conflicts"},
	{federation.VerdictRemove, "goes", "go"},
	{verdictChanges, "changes", "change"},
	{federation.VerdictNew, "new", "new"},
	{federation.VerdictExists, "exists", "exist"},
}

// NewReview lays a plan out for reading, held against the configuration of now: by kind, and in each kind what asks for
// attention first.
func NewReview(a federation.Answers, c federation.Changes, now federation.Configuration, fingerprint string) Review {
	r := Review{Answers: AnswerFacts(a), Warnings: c.Warnings, Fingerprint: fingerprint}
	for _, change := range c.List {
		row := planRow(a, change)
		if change.Kind == "tls_context" && change.Verdict != federation.VerdictConflict {
			row.contextChange(now.TLSContext(row.Machine), c.Target.TLSContext(row.Machine))
		}
		r.count(row.Verdict)
		if change.Verdict == federation.VerdictConflict {
			r.Conflicts = append(r.Conflicts, row)
		}
		r.Groups = grouped(r.Groups, change.Kind, row)
	}
	for i := range r.Groups {
		g := &r.Groups[i]
		slices.SortStableFunc(g.Rows, func(a, b PlanRow) int { return urgency(a) - urgency(b) })
		g.Note = tally(g.Rows)
	}
	r.Lede = reviewLede(r)
	return r
}

func (r *Review) count(verdict string) {
	switch verdict {
	case federation.VerdictNew:
		r.New++
	case verdictChanges:
		r.Changes++
	case federation.VerdictRemove:
		r.Goes++
	case federation.VerdictExists:
		r.Exists++
	}
}

func urgency(r PlanRow) int {
	return slices.IndexFunc(verdicts, func(v struct{ verdict, one, many string }) bool { return v.verdict == r.Verdict })
}

// tallies count the whole plan by verdict.
func (r Review) tallies() []Tally {
	var rows []PlanRow
	for _, g := range r.Groups {
		rows = append(rows, g.Rows...)
	}
	return talliesOf(rows)
}

func reviewLede(r Review) string {
	var parts []string
	add := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, count(n, one, many))
		}
	}
	add(len(r.Conflicts), "object is in conflict with another", "objects are in conflict with others")
	add(r.New, "object is new", "objects are new")
	add(r.Changes, "object changes", "objects change")
	add(r.Goes, "object goes, because an earlier run made it and these answers do not want it so any more", "objects go, because earlier runs made them and these answers do not want them so any more")
	add(r.Exists, "object exists already and stays as it is", "objects exist already and stay as they are")
	words := strings.Join(parts, "; ")
	switch {
	case len(r.Conflicts) > 0:
		return words + ". Nothing is saved, and Finish waits until the conflicts are resolved."
	case r.New+r.Changes+r.Goes == 0:
		return "All of it exists already. Finish changes nothing here and writes the scripts from these answers."
	}
	return words + ". Nothing is saved yet; Finish saves all of it in one step, or nothing."
}

func tally(rows []PlanRow) string {
	var parts []string
	for _, t := range talliesOf(rows) {
		parts = append(parts, t.Words)
	}
	return strings.Join(parts, ", ")
}

func talliesOf(rows []PlanRow) []Tally {
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Verdict]++
	}
	var list []Tally
	for _, v := range verdicts {
		if n := counts[v.verdict]; n > 0 {
			list = append(list, Tally{v.verdict, count(n, v.one, v.many)})
		}
	}
	return list
}

// kinds are the pages of the kinds of objects in a plan.
var kinds = map[string]struct{ title, path string }{
	"setting":          {"Settings", "/settings"},
	"static_route":     {"Static routes", "/static-routes"},
	"acl":              {"Incoming ACL", "/acl"},
	"tls_peer_subject": {"TLS peer subjects", "/tls-peer-subjects"},
	"tls_context":      {"TLS contexts", "/tls-contexts"},
	"listener":         {"Listeners", "/listeners"},
}

func planRow(a federation.Answers, c federation.Change) PlanRow {
	row := PlanRow{Verdict: c.Verdict, Reason: c.Reason, Href: kinds[c.Kind].path}
	switch c.Kind {
	case "setting":
		row.Object, row.Effect = settingWords(c.Fields[0])
	case "static_route":
		row.routeWords(a, c)
	case "acl":
		row.Machine, row.Effect = value(c, "pattern"), "Requests from there are accepted."
		if !federation.IsAddress(row.Machine) {
			row.Effect = "The same by name."
		}
	case "tls_peer_subject":
		row.Machine, row.Effect = value(c, "name"), "A certificate with this Common Name is accepted."
	case "tls_context":
		row.contextWords(c)
	case "listener":
		row.Object = value(c, "name")
		row.Machine = value(c, "transport") + " " + value(c, "port")
		row.Effect = "Listens."
		if value(c, "enabled") != "true" {
			row.Effect = "Is there, and off."
		}
	}
	if c.Verdict == federation.VerdictRemove {
		row.Effect = "An earlier run made it, and these answers do not want it so any more."
	}
	return row
}

// value is one field of a change.
func value(c federation.Change, name string) string {
	for _, f := range c.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

func settingWords(f federation.KeyValue) (object, effect string) {
	switch f.Name {
	case "partitioned_federation":
		return "Partitioned intradomain federation on", "A recipient who is not licensed here is looked for on the Microsoft side."
	case "routing_mode":
		return "Routing mode " + f.Value, "Everybody who is not licensed here is looked for there, known by name or not."
	case "require_peer_certificate":
		return "Certificate required from outside", "Requests from outside over any other listener are refused with 403."
	case "email_federation":
		return "E-mail addresses for federation off", "The two exclude each other."
	}
	return f.Name + " " + f.Value, ""
}

func (row *PlanRow) routeWords(a federation.Answers, c federation.Change) {
	destination, hop := value(c, "destination"), value(c, "next_hop")
	name := federation.PatternDomain(destination)
	row.Machine = destination
	row.Object = fmt.Sprintf("to %s port %s over %s, priority %s", hop, value(c, "port"), strings.ToUpper(value(c, "transport")), value(c, "priority"))
	row.Href += "?" + url.Values{"field": {"destination"}, "op": {"is_exactly"}, "q": {destination}}.Encode()
	switch {
	case isFrontEnd(a, name):
		row.Effect = "Requests inside a dialog go back to the front end that holds it."
	case value(c, "priority") != "1":
		row.Effect = "Tried when those before it do not answer."
	case name == a.Pool:
		row.Effect = "Requests to the pool by its name go here first."
	default:
		row.Effect = "Requests for " + name + " go here first."
	}
}

func isFrontEnd(a federation.Answers, name string) bool {
	for _, h := range a.FrontEnds {
		if h.FQDN == name {
			return true
		}
	}
	return false
}

func (row *PlanRow) contextWords(c federation.Change) {
	row.Machine = value(c, "name")
	row.Effect = "Demands no client certificate."
	if value(c, "verify_client") == "true" {
		row.Effect = "Demands a client certificate."
	}
	if subjects := value(c, "peer_subjects"); subjects != "" {
		row.Effect += " Its peers: " + strings.ReplaceAll(subjects, ",", ", ") + "."
	}
	if version := value(c, "min_version"); version != "" {
		row.Effect += " TLS " + version + " or newer."
	}
}
