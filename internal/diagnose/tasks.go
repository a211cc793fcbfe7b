package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"isthmus/internal/federation"
)

// TaskState is how far a step of the workflow is.
type TaskState string

// States of a task.
const (
	Done    TaskState = "done"
	Open    TaskState = "open"    // still to do
	Wrong   TaskState = "wrong"   // done otherwise than it has to be
	Unknown TaskState = "unknown" // only a person or a new result of verify.ps1 can tell
)

// Sides on which a task is done.
const (
	Here  = "here"
	There = "there"
)

// A Task is one step of the guide's workflow (guide p.39-44) for one deployment.
type Task struct {
	ID     string // stable name, such as static_routes
	Title  string
	Side   string // Here or There
	State  TaskState
	Text   string // why it stands so, or what there is to do; whole sentences, one line for each thing
	Page   string // path of the console's page for it, or ""; one without a leading slash is the deployment's own
	Manual bool   // only a tick can say that it is done
	Tick   *federation.Tick
}

// TaskFacts are what the workflow of one deployment is judged by.
type TaskFacts struct {
	Facts
	Deployment   federation.Deployment
	Plan         federation.Changes       // what the wizard would do for the deployment's answers today
	Verification *federation.Verification // the last result of verify.ps1; nil when none was handed in
	Fingerprint  string                   // of the deployment's scripts as they are today
	Ticks        []federation.Tick
}

// Tasks are the steps of the guide's workflow that this deployment's platform and profile have, in their order. The
// system says what it can see; the rest waits for a tick.
func Tasks(f TaskFacts) []Task {
	first := before(f.Deployment.Answers.Platform)
	list := slices.Concat(first, here(f))
	if f.Deployment.Answers.Platform == federation.OCS2007R2 {
		list = append(list, ocsSide(f)...)
	} else {
		list = append(list, skypeSide(f)...)
	}
	list = append(list, Task{ID: "tried", Title: "Try it in both directions", Side: There, Manual: true,
		Text: "A user there writes to a user here and gets an answer, and each sees the other's availability."})
	for i := range list {
		finished := f.Deployment.CreatedAt
		if i < len(first) { // done once, whatever the wizard does later
			finished = time.Time{}
		}
		list[i].tick(f.Ticks, finished)
	}
	return list
}

// tick lets a person's word stand where the system cannot look. One from before the wizard was finished last may be about
// other servers and other scripts than today's, which only that person can tell.
func (t *Task) tick(ticks []federation.Tick, finished time.Time) {
	if !t.Manual {
		return
	}
	t.State = Open
	i := slices.IndexFunc(ticks, func(tick federation.Tick) bool { return tick.Task == t.ID })
	if i < 0 {
		return
	}
	t.State, t.Tick = Done, &ticks[i]
	if t.Tick.At.Before(finished) {
		t.Text += " The wizard was finished again since this was ticked; see whether it has to be done again."
	}
}

// before is what has to be so before anything is enabled (guide p.5, 29).
func before(platform string) []Task {
	save := "Save the contact lists of the Microsoft side's users first, with Export-CsUserData."
	if platform == federation.Lync2010 || platform == federation.OCS2007R2 {
		save = "Save the contact lists of the Microsoft side's users first, with dbimpexp.exe."
	}
	return []Task{
		{ID: "local_service", Title: "See that this side works alone", Side: Here, Manual: true,
			Text: "Users here add each other as contacts, and see each other's availability."},
		{ID: "backup", Title: "Save the contact lists", Side: There, Manual: true, Text: save},
	}
}

// here are the steps on this side, all of which the system can see.
func here(f TaskFacts) []Task {
	a := f.Deployment.Answers
	list := []Task{f.domains()}
	if a.Deployment == federation.ChatOnly && len(f.Snapshot.Nodes) > 1 {
		list = append(list, f.found("routing_node", "Have a routing node without users", routingNode, homesNobody))
	}
	list = append(list,
		f.found("services", "Start the services of every node", services),
		f.found("script_nodes", "Have every node in the scripts", func(facts Facts) []Finding {
			r := report{check: "script_nodes", list: nodesLeftOut(facts, f.Deployment)}
			return r.orGreen("The scripts hold every node.")
		}),
		f.planned("federation", "Turn federation on", "/settings", "setting"),
		f.planned("static_routes", "Static routes to the Microsoft side", "/static-routes", "static_route"),
		f.planned("acl", "Admit its servers in the incoming ACL", "/acl", "acl"),
		f.planned("listeners", "Listen where it connects", "/listeners", "listener"))
	if a.Transport == federation.TCP {
		return append(list, f.peerCertificate())
	}
	return append(list,
		f.planned("peer_subjects", "Know the names in its certificates", "/tls-peer-subjects", "tls_peer_subject"),
		f.planned("tls_contexts", "Demand certificates from it", "/tls-contexts", "tls_context"),
		f.trustedCA(),
		f.found("own_certificates", "Give every node a certificate of a CA", ownCertificates))
}

// found is a task that checks judge; the worst finding says how it stands.
func (f TaskFacts) found(id, title string, checks ...func(Facts) []Finding) Task {
	t := Task{ID: id, Title: title, Side: Here, State: Done}
	for _, check := range checks {
		for _, finding := range check(f.Facts) {
			if t.Page == "" {
				t.Page = finding.Page
			}
			if finding.State != Green {
				t.State = Open
				t.Text = strings.TrimSpace(t.Text + "\n" + finding.Text + " " + finding.Advice)
			} else if t.Text == "" {
				t.Text = finding.Text
			}
		}
	}
	return t
}

// homesNobody: whoever homes users on the routing node lets them share it with everything from outside (guide p.49).
func homesNobody(f Facts) []Finding {
	r := report{check: "routing_node_users", page: "/nodes"}
	for _, n := range f.Snapshot.Nodes {
		if users := f.Snapshot.Usage.ByNode[n.Name]; n.Routing && users > 0 {
			r.add(Amber, "Move them to another node.", "%d users are homed on the routing node %s.", users, n.Name)
		}
	}
	return r.orGreen("Nobody is homed on the routing node.")
}

func (f TaskFacts) domains() Task {
	t := Task{ID: "domains", Title: "Have the shared domains on both sides", Side: Here, Page: "/domains", State: Done}
	for _, d := range f.Deployment.Answers.Domains {
		if !f.Snapshot.HasDomain(d) {
			t.State, t.Text = Wrong, d+" is no domain of this side any more; add it again, or leave it out in the wizard."
			return t
		}
	}
	there := f.Deployment.Answers.MicrosoftDomains
	if len(there) == 0 {
		t.Text = "This side holds every domain of the deployment."
		return t
	}
	for _, d := range f.Deployment.Answers.Domains {
		if !slices.Contains(there, d) {
			t.State, t.Text = Wrong, d+" is no SIP domain of the Microsoft side; add it there, or leave it out in the wizard."
			return t
		}
	}
	t.Text = "Every SIP domain of the Microsoft side is a domain of this side, too."
	alone := slices.DeleteFunc(slices.Clone(there), f.Snapshot.HasDomain)
	switch n := len(alone); {
	case n == 1:
		t.Text = alone[0] + " is a SIP domain of the Microsoft side alone, so its users cannot take part; add it here, or leave it so."
	case n > 1:
		t.Text = strings.Join(alone[:n-1], ", ") + " and " + alone[n-1] +
			" are SIP domains of the Microsoft side alone, so their users cannot take part; add them here, or leave it so."
	}
	return t
}

// peerCertificate is the step of a deployment without TLS, which has no certificate to show.
func (f TaskFacts) peerCertificate() Task {
	t := Task{ID: "peer_certificate", Title: "Demand no certificates from outside", Side: Here, Page: "/settings", State: Done,
		Text: "Requests over TCP are let in without a certificate."}
	if shutOut(f.Snapshot, f.Deployment) {
		t.State = Wrong
		t.Text = "Requests over TCP have no certificate, and all of them end with 403; turn require_peer_certificate off in Settings, or set the deployment up again over TLS."
	}
	return t
}

// planned is a task whose objects the wizard would make today where they are not there.
func (f TaskFacts) planned(id, title, page, kind string) Task {
	t := Task{ID: id, Title: title, Side: Here, Page: page, State: Done}
	count, missing := 0, 0
	for _, c := range f.Plan.List {
		switch {
		case c.Kind != kind || c.Verdict == federation.VerdictRemove:
			continue
		case c.Verdict == federation.VerdictConflict && t.State != Wrong:
			t.State, t.Text = Wrong, c.Reason
		case c.Verdict == federation.VerdictNew:
			missing++
		}
		count++
	}
	switch {
	case t.State == Wrong:
	case len(f.Plan.List) == 0: // the answers do not hold any more, so that nothing can be planned for them
		t.State, t.Text = Unknown, "The answers of the wizard do not fit the configuration any more; go through the wizard again."
	case missing > 0:
		t.State, t.Text = Open, fmt.Sprintf("%d of %d objects are not there any more; go through the wizard again to put them back.", missing, count)
	default:
		t.Text = fmt.Sprintf("All %d objects are as the deployment needs them.", count)
	}
	return t
}
