package powershell

import (
	"strings"
	"testing"

	"isthmus/internal/pstest"
)

func said(r pstest.Result) string {
	return strings.Join(append(append([]string{}, r.Host...), r.Warnings...), "\n")
}

func TestWithoutAnyCollectionTheRoutesAreMissing(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	m := configured(t, d)
	m.State.Collections = nil
	ran(t, m, d, 1, "verify.ps1")
	v := resultOf(t, d, ran(t, m, d, 1, "verify.ps1", "-Json"))
	routes := 0
	for _, r := range v.Results {
		if r.Kind == KindRoute && r.State == "missing" && r.Scope == "Global" {
			routes++
		}
	}
	if routes != len(d.Answers.Domains) {
		t.Errorf("%d routes are missing, want one for each domain: %+v", routes, v.Results)
	}
	if result := ran(t, m, d, 1, "configure.ps1"); len(result.Changes) > 0 {
		t.Errorf("it changed %v", result.Changes)
	}
}

func TestWhatIsMissingHasAdviceOfItsKind(t *testing.T) {
	d := servers()["lync-2013-enterprise-calling"]
	const adds, answers, dns = "Run configure.ps1, which adds what is missing of ours", "configure.ps1 cannot add these", "Enter these names in DNS"
	for name, c := range map[string]struct {
		remove func(m *pstest.Microsoft)
		want   string
	}{
		"a route":     {func(m *pstest.Microsoft) { m.State.Collections[0].Routes = m.State.Collections[0].Routes[:1] }, adds + ": Route "},
		"a provider":  {func(m *pstest.Microsoft) { m.State.Providers = nil }, adds + ": PublicProvider "},
		"a site":      {func(m *pstest.Microsoft) { m.State.Sites = m.State.Sites[1:] }, answers + ": Site "},
		"a registrar": {func(m *pstest.Microsoft) { m.State.Registrars = m.State.Registrars[1:] }, answers + ": Registrar "},
		"a domain":    {func(m *pstest.Microsoft) { m.State.SIPDomains = m.State.SIPDomains[:1] }, answers + ": SipDomain "},
		"a name":      {func(m *pstest.Microsoft) { delete(m.Names, "imp2.synergy.com") }, dns + ": imp2.synergy.com."},
	} {
		m := configured(t, d)
		c.remove(m)
		text := said(ran(t, m, d, 1, "verify.ps1"))
		for _, advice := range []string{adds, answers, dns} {
			if want := strings.HasPrefix(c.want, advice); strings.Contains(text, advice) != want {
				t.Errorf("without %s: the advice %q is given: %t\n%s", name, advice, !want, text)
			}
		}
		if !strings.Contains(text, c.want) || strings.Contains(text, "Find out who needs") {
			t.Errorf("without %s it lacks %q, or speaks of a conflict\n%s", name, c.want, text)
		}
	}
	m := configured(t, d)
	conflicts[0].place(&m.State, d)
	if text := said(ran(t, m, d, 1, "verify.ps1")); strings.Contains(text, adds) || !strings.Contains(text, "Find out who needs what is in conflict") {
		t.Errorf("with a conflict alone it says\n%s", text)
	}
}

func TestAnEarlierRouteOfOursIsNotTakenForVideo(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	const earlier, video = "leads to one of our nodes", "likely to belong to a VCS"
	for host, ours := range map[string]bool{"imp2.synergy.com": true, "IMP2.synergy.com": true, "vcs.example.com": false, "ximp2.synergy.com": false, "10.1.10.12": true} {
		m := fresh(d)
		m.State.Collections[0].Routes = append(m.State.Collections[0].Routes, pstest.Route{MatchURI: d.Answers.Domains[0], Destination: host, Port: 5061, TLS: host[0] != '1'})
		for _, file := range []string{"configure.ps1", "verify.ps1"} {
			text := said(ran(t, m, d, 1, file))
			if strings.Contains(text, earlier) != ours || strings.Contains(text, video) == ours {
				t.Errorf("%s with a route to %s says\n%s", file, host, text)
			}
			if !strings.Contains(text, "earlier run of the wizard") || !strings.Contains(text, "rollback.ps1 of that time takes it away") {
				t.Errorf("%s with a route to %s does not name the way out\n%s", file, host, text)
			}
		}
	}
}

func TestAProvidersConflictNamesTheRemedy(t *testing.T) {
	d := servers()["lync-2013-enterprise-calling"]
	m := fresh(d)
	m.State.Providers = append(m.State.Providers, pstest.Provider{Identity: d.Answers.ApplicationID, ProxyFQDN: "exp2.example.com", Enabled: true, Verification: "AlwaysVerifiable"})
	if text := said(ran(t, m, d, 1, "configure.ps1")); !strings.Contains(text, "belongs to another deployment of the wizard, finish the wizard again with another application id") {
		t.Errorf("it says\n%s", text)
	}
}

// Another pool of the forest may have the same entries: without its own database nothing can be judged.
func TestOCSOfAnEnterpriseJudgesNothingWithoutItsDatabase(t *testing.T) {
	d := deployments()["ocs-enterprise"]
	m := freshOCS(d, `sql1.synergy.com\rtc`)
	ran(t, m, d, 0, "configure.ps1", "-Backend", `sql1.synergy.com\rtc`)
	for _, arguments := range [][]string{nil, {"-WhatIf"}} {
		result := ran(t, m, d, 1, "configure.ps1", arguments...)
		if text := said(result); !strings.Contains(text, `-Backend SERVER\INSTANCE`) || !strings.Contains(text, `sql1.synergy.com\rtc`) || strings.Contains(text, "exists") {
			t.Errorf("%v: it says\n%s", arguments, text)
		}
	}
	step, _ := File(script(t, d), "configure.ps1")
	if step.Command != `.\configure.ps1 -Backend SERVER\INSTANCE` || !strings.Contains(step.Text, "#   .\\configure.ps1 -Backend SERVER\\INSTANCE -WhatIf ") {
		t.Errorf("the page runs it as %q, and the head says\n%s", step.Command, step.Text[:1200])
	}
}

// Nobody can tell who made an object that is exactly as configure.ps1 makes it.
func TestWhatRollbackTakesIsSaidTruthfully(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	m := fresh(d)
	route := pstest.Route{MatchURI: d.Answers.Domains[0], Destination: d.Answers.RoutingNode, Port: 5061, TLS: true}
	m.State.Collections[0].Routes = append(m.State.Collections[0].Routes, route)
	if result := ran(t, m, d, 0, "rollback.ps1"); len(result.Changes) == 0 {
		t.Error("what stood there before stays; say so")
	}
	m = fresh(d)
	route.PhoneOnly = true
	m.State.Collections[0].Routes = append(m.State.Collections[0].Routes, route)
	if result := ran(t, m, d, 0, "rollback.ps1"); len(result.Changes) > 0 {
		t.Errorf("a route that configure.ps1 does not make so is taken away: %v", result.Changes)
	}
	step, _ := File(script(t, d), "rollback.ps1")
	for place, text := range map[string]string{"head": step.Text, "page": step.Success, "checklist": checklist(t, d)} {
		if !strings.Contains(text, "also where it stood there before") || strings.Contains(text, "what configure.ps1 made") || strings.Contains(text, "`configure.ps1` made") {
			t.Errorf("the %s promises too much", place)
		}
	}
	if text := checklist(t, deployments()["ocs-enterprise"]); !strings.Contains(text, "that were not there before") {
		t.Error("the checklist of OCS deletes what was there before")
	}
}

func TestADownloadedFilesNameIsExplained(t *testing.T) {
	const want = "has the deployment and the day in its name"
	for kind, d := range deployments() {
		for _, step := range script(t, d) {
			if !strings.Contains(step.Text, want) {
				t.Errorf("%s/%s does not tell of the name that the console gives it", kind, step.File)
			}
		}
	}
}
