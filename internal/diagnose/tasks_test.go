package diagnose

import (
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// workflow is a deployment in which everything that the system can see is done.
func workflow() TaskFacts {
	facts := healthy()
	d := facts.Snapshot.Deployments[0]
	d.Answers.Deployment, d.Answers.Domains = federation.ChatOnly, []string{"synergy.com"}
	f := TaskFacts{Facts: facts, Deployment: d, Fingerprint: "f1"}
	f.Peers = []federation.PeerCertificate{frontEndShowed()}
	for _, kind := range []string{"setting", "static_route", "acl", "listener", "tls_peer_subject", "tls_context"} {
		f.Plan.List = append(f.Plan.List, federation.Change{Verdict: federation.VerdictExists, Kind: kind})
	}
	f.Verification = &federation.Verification{Fingerprint: "f1", CheckedAt: time.Date(2026, 3, 4, 9, 41, 0, 0, time.UTC)}
	for _, kind := range []string{"Site", "Registrar", "SipDomain", "Route", "TrustedPool", "Computer", "Application", "Name", "Replication"} {
		f.Verification.Results = append(f.Verification.Results, federation.VerifyResult{State: federation.VerifyExists, Kind: kind, Name: "n", Expected: "e", Actual: "e"})
	}
	return f
}

func ids(tasks []Task) string {
	var list []string
	for _, t := range tasks {
		list = append(list, t.ID)
	}
	return strings.Join(list, " ")
}

func TestTheWorkflowOfEachPlatformAndProfile(t *testing.T) {
	const begin, tls = "local_service backup domains ", "peer_subjects tls_contexts trusted_cas own_certificates "
	const this = "services script_nodes federation static_routes acl listeners "
	const skype = "microsoft_names microsoft_domains microsoft_routes trusted_application topology microsoft_roots microsoft_certificates restart tried"
	for promise, c := range map[string]struct {
		edit func(*TaskFacts)
		want string
	}{
		"one node needs no routing node": {func(*TaskFacts) {}, begin + this + tls + skype},
		"several nodes and chat only want one": {func(f *TaskFacts) {
			f.Snapshot.Nodes = append(f.Snapshot.Nodes, federation.Node{Name: "imp2.synergy.com", Services: federation.Services})
		}, begin + "routing_node " + this + tls + skype},
		"chat and calling goes through the Expressway, without a routing node": {func(f *TaskFacts) {
			f.Snapshot.Nodes = append(f.Snapshot.Nodes, federation.Node{Name: "imp2.synergy.com", Services: federation.Services})
			f.Deployment.Answers.Deployment = federation.ChatAndCalling
		}, begin + this + tls + "expressway " + skype},
		"OCS over TLS": {func(f *TaskFacts) { f.Deployment.Answers.Platform = federation.OCS2007R2 },
			begin + this + tls + "ocs_ports ocs_routes ocs_hosts ocs_fips microsoft_roots microsoft_certificates restart tried"},
		"OCS over TCP knows no certificates": {func(f *TaskFacts) {
			f.Deployment.Answers.Platform, f.Deployment.Answers.Transport = federation.OCS2007R2, federation.TCP
		}, begin + this + "peer_certificate ocs_ports ocs_routes ocs_hosts restart tried"},
	} {
		f := workflow()
		c.edit(&f)
		if got := ids(Tasks(f)); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", promise, got, c.want)
		}
	}
}

func TestWhatTheSystemSeesIsDoneWithoutATick(t *testing.T) {
	for _, task := range Tasks(workflow()) {
		want := Done
		if task.Manual {
			want = Open
		}
		if task.State != want || task.Title == "" || !strings.HasSuffix(task.Text, ".") || task.Side != Here && task.Side != There {
			t.Errorf("%s is %s: %s", task.ID, task.State, task.Text)
		}
	}
}

func TestATickSpeaksOnlyWhereTheSystemCannotSee(t *testing.T) {
	f := workflow()
	f.Snapshot.Settings.PartitionedFederation = false
	f.Plan.List[0].Verdict = federation.VerdictNew
	f.Ticks = []federation.Tick{{Task: "backup", By: "ann"}, {Task: "federation", By: "ann"}}
	for _, task := range Tasks(f) {
		switch {
		case task.ID == "backup" && (task.State != Done || task.Tick == nil || task.Tick.By != "ann"),
			task.ID == "federation" && (task.State != Open || task.Tick != nil),
			task.ID == "tried" && (task.State != Open || task.Tick != nil):
			t.Errorf("%+v", task)
		}
	}
}

func TestATickFromBeforeTheLastFinishSaysSo(t *testing.T) {
	const again = "The wizard was finished again since"
	for _, c := range []struct {
		platform, task string
		want           bool
	}{
		{federation.SkypeForBusiness2019, "restart", true},
		{federation.SkypeForBusiness2019, "tried", true},
		{federation.SkypeForBusiness2019, "microsoft_certificates", true},
		{federation.OCS2007R2, "ocs_routes", true},
		{federation.OCS2007R2, "ocs_ports", true},
		{federation.SkypeForBusiness2019, "backup", false}, // neither follows from the answers
		{federation.SkypeForBusiness2019, "local_service", false},
	} {
		f := workflow()
		f.Deployment.Answers.Platform = c.platform
		f.Deployment.CreatedAt = f.Verification.CheckedAt
		text := func(at time.Time) string {
			f.Ticks = []federation.Tick{{Task: c.task, By: "ann", At: at}}
			tasks := Tasks(f)
			task := tasks[slices.IndexFunc(tasks, func(t Task) bool { return t.ID == c.task })]
			if task.State != Done {
				t.Errorf("%s is ticked and %s", c.task, task.State)
			}
			return task.Text
		}
		if got := text(f.Deployment.CreatedAt.Add(-time.Second)); strings.Contains(got, again) != c.want {
			t.Errorf("%s, ticked before the finish: %s", c.task, got)
		}
		if got := text(f.Deployment.CreatedAt.Add(time.Second)); strings.Contains(got, again) {
			t.Errorf("%s, ticked after the finish: %s", c.task, got)
		}
	}
}

func TestEachTaskSaysHowItStands(t *testing.T) {
	result := func(kind, state string) func(*TaskFacts) {
		return func(f *TaskFacts) {
			for i := range f.Verification.Results {
				if r := &f.Verification.Results[i]; r.Kind == kind {
					r.State, r.Actual = state, "a"
				}
			}
		}
	}
	for promise, c := range map[string]struct {
		edit  func(*TaskFacts)
		task  string
		state TaskState
		text  string
	}{
		"an object that went": {func(f *TaskFacts) { f.Plan.List[1].Verdict = federation.VerdictNew }, "static_routes", Open, "1 of 1 objects are not there any more"},
		"a conflict goes before what is missing": {func(f *TaskFacts) {
			f.Plan.List = append(f.Plan.List, federation.Change{Verdict: federation.VerdictNew, Kind: "acl"},
				federation.Change{Verdict: federation.VerdictConflict, Kind: "acl", Reason: "That is it."})
		}, "acl", Wrong, "That is it."},
		"what goes is nothing that is missing": {func(f *TaskFacts) {
			f.Plan.List = append(f.Plan.List, federation.Change{Verdict: federation.VerdictRemove, Kind: "acl"})
		}, "acl", Done, "All 1 objects"},
		"nothing can be planned":         {func(f *TaskFacts) { f.Plan.List = nil }, "static_routes", Unknown, "do not fit the configuration any more"},
		"a domain that went":             {func(f *TaskFacts) { f.Snapshot.Domains = nil }, "domains", Wrong, "synergy.com is no domain of this side any more"},
		"a domain they lack":             {func(f *TaskFacts) { f.Deployment.Answers.MicrosoftDomains = []string{"a.com"} }, "domains", Wrong, "synergy.com is no SIP domain of the Microsoft side"},
		"a domain that only they have":   {func(f *TaskFacts) { f.Deployment.Answers.MicrosoftDomains = []string{"synergy.com", "a.com", "b.com"} }, "domains", Done, "a.com and b.com are SIP domains of the Microsoft side alone, so their users cannot take part"},
		"one domain that only they have": {func(f *TaskFacts) { f.Deployment.Answers.MicrosoftDomains = []string{"synergy.com", "a.com"} }, "domains", Done, "a.com is a SIP domain of the Microsoft side alone, so its users cannot take part"},
		"certificates demanded of TCP": {func(f *TaskFacts) {
			f.Deployment.Answers.Platform, f.Deployment.Answers.Transport, f.Snapshot.Settings.RequirePeerCertificate = federation.OCS2007R2, federation.TCP, true
		}, "peer_certificate", Wrong, "turn require_peer_certificate off in Settings"},
		"no certificates demanded of TCP": {func(f *TaskFacts) {
			f.Deployment.Answers.Platform, f.Deployment.Answers.Transport, f.Snapshot.Settings.RequirePeerCertificate = federation.OCS2007R2, federation.TCP, false
		}, "peer_certificate", Done, "over TCP"},
		"the same domains":       {func(f *TaskFacts) { f.Deployment.Answers.MicrosoftDomains = []string{"synergy.com"} }, "domains", Done, "Every SIP domain"},
		"a service that is off":  {func(f *TaskFacts) { f.Snapshot.Nodes[0].Services = nil }, "services", Open, "The SIP proxy is off on imp1.synergy.com; its listeners are closed. Activate it."},
		"a node that came later": {func(f *TaskFacts) { f.Deployment.Nodes = []string{"imp9.synergy.com"} }, "script_nodes", Open, "imp1.synergy.com came after the wizard was finished for fe1.synergy.com"},
		"a node that went":       {func(f *TaskFacts) { f.Deployment.Nodes = []string{"imp1.synergy.com", "imp9.synergy.com"} }, "script_nodes", Open, "still name the node imp9.synergy.com, which is gone"},
		"no CA":                  {func(f *TaskFacts) { f.Snapshot.Certificates = f.Snapshot.Certificates[1:] }, "trusted_cas", Open, "No CA is trusted"},
		"users on the routing node": {func(f *TaskFacts) {
			f.Snapshot.Nodes[0].Routing = true
			f.Snapshot.Nodes[0].Services = proxyAlone
			f.Snapshot.Nodes = append(f.Snapshot.Nodes, federation.Node{Name: "imp2.synergy.com", Services: federation.Services})
			f.Snapshot.Usage.ByNode = map[string]int{"imp1.synergy.com": 3}
		}, "routing_node", Open, "3 users are homed on the routing node imp1.synergy.com."},
		"nothing was handed in":        {func(f *TaskFacts) { f.Verification = nil }, "microsoft_routes", Unknown, "Not seen yet"},
		"the result is of old scripts": {func(f *TaskFacts) { f.Fingerprint = "f2" }, "microsoft_routes", Unknown, "older than the configuration"},
		"a route that is missing":      {result("Route", federation.VerifyMissing), "microsoft_routes", Open, "Static route n is missing there."},
		"a route that is another":      {result("Route", federation.VerifyConflict), "microsoft_routes", Wrong, "Static route n: expected e, found a."},
		"one of several kinds":         {result("Computer", federation.VerifyMissing), "trusted_application", Open, "Trusted computer n is missing there."},
		"others' faults are theirs":    {result("Computer", federation.VerifyMissing), "microsoft_routes", Done, "1 of 1 as they should be, seen on 4 March 2026, 09:41 UTC."},
		"a result without such a line": {func(f *TaskFacts) { f.Verification.Results = f.Verification.Results[:3] }, "microsoft_routes", Unknown, "says nothing of it"},
	} {
		f := workflow()
		c.edit(&f)
		tasks := Tasks(f)
		i := slices.IndexFunc(tasks, func(t Task) bool { return t.ID == c.task })
		if i < 0 || tasks[i].State != c.state || !strings.Contains(tasks[i].Text, c.text) {
			t.Errorf("%s: %+v", promise, tasks[max(i, 0)])
		}
	}
}

func TestAConflictThereGoesBeforeWhatIsMissing(t *testing.T) {
	f := workflow()
	f.Verification.Results = append(f.Verification.Results, federation.VerifyResult{State: federation.VerifyConflict, Kind: "Route", Name: "x"},
		federation.VerifyResult{State: federation.VerifyMissing, Kind: "Route", Name: "y"})
	tasks := Tasks(f)
	if i := slices.IndexFunc(tasks, func(t Task) bool { return t.ID == "microsoft_routes" }); tasks[i].State != Wrong || !strings.Contains(tasks[i].Text, "Static route x") {
		t.Errorf("%+v", tasks[i])
	}
}

func TestContactListsAreSavedWithWhatThePlatformHas(t *testing.T) {
	for platform, want := range map[string]string{
		federation.SkypeForBusiness2019: "Export-CsUserData", federation.SkypeForBusiness2015: "Export-CsUserData", federation.Lync2013: "Export-CsUserData",
		federation.Lync2010: "dbimpexp.exe", federation.OCS2007R2: "dbimpexp.exe",
	} {
		f := workflow()
		f.Deployment.Answers.Platform = platform
		tasks := Tasks(f)
		text := tasks[slices.IndexFunc(tasks, func(t Task) bool { return t.ID == "backup" })].Text
		if !strings.Contains(text, want) || strings.Contains(text, "Export-CsUserData") && strings.Contains(text, "dbimpexp") {
			t.Errorf("%s: %s", platform, text)
		}
	}
}
