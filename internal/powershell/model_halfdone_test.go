package powershell

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/pstest"
)

// few are deployments whose scripts have all that the others' have: cmdlets of Lync 2010, a provider, child domains.
func few(t *testing.T, check func(t *testing.T, d federation.Deployment)) {
	t.Helper()
	for _, kind := range []string{"lync-2013-enterprise-calling", "skype-2019-standard"} {
		t.Run(kind, func(t *testing.T) { check(t, servers()[kind]) })
	}
}

// configured is a Microsoft side after configure.ps1.
func configured(t *testing.T, d federation.Deployment) *pstest.Microsoft {
	t.Helper()
	m := fresh(d)
	ran(t, m, d, 0, "configure.ps1", "-Confirm:$false")
	return m
}

func TestWhatIsMissingIsAddedAgain(t *testing.T) {
	each(t, func(t *testing.T, d federation.Deployment) {
		done := configured(t, d).State
		for name, remove := range removals(d) {
			m := fresh(d)
			m.State = done.Clone()
			remove(&m.State)
			ran(t, m, d, 1, "verify.ps1")
			if result := ran(t, m, d, 0, "configure.ps1"); len(result.Changes) < 2 {
				t.Errorf("without %s it changed %v", name, result.Changes)
			}
			sameState(t, "without "+name, m.State, done)
		}
	})
}

// removals take away each single object that configure.ps1 made. The routing node is not among them: it comes with its
// pool alone.
func removals(d federation.Deployment) map[string]func(s *pstest.State) {
	list := map[string]func(s *pstest.State){
		"the pool":        func(s *pstest.State) { s.TrustedPools = s.TrustedPools[:1] },
		"the application": func(s *pstest.State) { s.TrustedPools[1].Applications = nil },
	}
	for _, node := range d.Nodes {
		if node != d.Answers.RoutingNode {
			list["the computer "+node] = func(s *pstest.State) {
				s.TrustedPools[1].Computers = slices.DeleteFunc(s.TrustedPools[1].Computers, func(one string) bool { return one == node })
			}
		}
	}
	for _, domain := range d.Answers.Domains {
		list["the route for "+domain] = func(s *pstest.State) {
			s.Collections[0].Routes = slices.DeleteFunc(s.Collections[0].Routes, func(r pstest.Route) bool { return r.MatchURI == domain })
		}
	}
	if d.Answers.Deployment == federation.ChatAndCalling && strings.HasPrefix(d.Answers.Platform, "lync") {
		list["the provider"] = func(s *pstest.State) { s.Providers = s.Providers[:1] }
	}
	return list
}

// decline says no to the question of a number, from 0, and yes to all others.
func decline(m *pstest.Microsoft, number int) {
	asked := -1
	m.Machine.Ask = func(string, string) bool {
		asked++
		return asked != number
	}
}

func TestWhatWasDeclinedIsAddedByTheNextRun(t *testing.T) {
	few(t, func(t *testing.T, d federation.Deployment) {
		done := configured(t, d).State
		questions := wanted(d, "Global")
		for i, question := range questions {
			m := fresh(d)
			decline(m, i)
			first, err := m.Run(text(t, d, "configure.ps1"))
			if err != nil || slices.Contains(first.Changes, question) {
				t.Fatalf("declined %q, and it changed %v (%v)", question, first.Changes, err)
			}
			if first.Code == 0 {
				t.Errorf("declined %q, and the code is 0", question)
			}
			goOn(t, m, d, done, "declined "+strings.Replace(question, "enable the topology", "Enable-CsTopology", 1))
		}
	})
}

// goOn runs configure.ps1 to the end after a run that was broken off. A run that finds nothing to add enables the topology
// only when it is told to.
func goOn(t *testing.T, m *pstest.Microsoft, d federation.Deployment, done pstest.State, what string) {
	t.Helper()
	m.Machine.Ask, m.Fails = nil, ""
	ran(t, m, d, 0, "configure.ps1")
	if m.State.Unpublished {
		if !strings.Contains(what, "Enable-CsTopology") {
			t.Errorf("%s: the next run left the topology as it was", what)
		}
		ran(t, m, d, 0, "configure.ps1", "-EnableTopology")
	}
	sameState(t, what, m.State, done)
	ran(t, m, d, 0, "verify.ps1")
}

// failing runs a file once for each call of each cmdlet that it makes, and has that call fail.
func failing(t *testing.T, d federation.Deployment, start pstest.State, file string, check func(m *pstest.Microsoft, what string)) {
	t.Helper()
	m := fresh(d)
	m.State = start.Clone()
	ran(t, m, d, 0, file)
	calls := maps.Clone(m.Called)
	for _, cmdlet := range slices.Sorted(maps.Keys(calls)) {
		if !strings.Contains(cmdlet, "-Cs") {
			continue
		}
		for at := range min(calls[cmdlet], 3) {
			m := fresh(d)
			m.State = start.Clone()
			m.Fails, m.FailAt = cmdlet, at+1
			result, err := m.Run(text(t, d, file))
			if err != nil || result.Code != 1 || result.Uncaught != "" {
				t.Fatalf("%s fails, and %s ends with code %d (%v)\n%s", cmdlet, file, result.Code, err, told(result))
			}
			check(m, cmdlet+" failed")
		}
	}
}

func TestARunThatFailsAnywhereIsCompletedByTheNext(t *testing.T) {
	few(t, func(t *testing.T, d federation.Deployment) {
		done := configured(t, d).State
		failing(t, d, fresh(d).State, "configure.ps1", func(m *pstest.Microsoft, what string) { goOn(t, m, d, done, what) })
	})
}

func TestARollbackThatFailsAnywhereIsCompletedByTheNext(t *testing.T) {
	few(t, func(t *testing.T, d federation.Deployment) {
		start := fresh(d).State
		failing(t, d, configured(t, d).State, "rollback.ps1", func(m *pstest.Microsoft, what string) {
			m.Fails = ""
			ran(t, m, d, 0, "rollback.ps1", "-EnableTopology")
			sameState(t, what, m.State, start)
		})
	})
}

// TestARemovalThatWasDeclined: every answer is honoured, and the code says that something is left.
func TestARemovalThatWasDeclined(t *testing.T) {
	few(t, func(t *testing.T, d federation.Deployment) {
		start := fresh(d).State
		done := configured(t, d).State
		m := fresh(d)
		m.State = done.Clone()
		questions := len(ran(t, m, d, 0, "rollback.ps1").Asked)
		for i := range questions {
			m := fresh(d)
			m.State = done.Clone()
			decline(m, i)
			result, err := m.Run(text(t, d, "rollback.ps1"))
			if err != nil || result.Code != 1 {
				t.Fatalf("question %d was declined, and the code is %d (%v)\n%s", i, result.Code, err, told(result))
			}
			m.Machine.Ask = nil
			ran(t, m, d, 0, "rollback.ps1", "-EnableTopology")
			sameState(t, "after a removal was declined", m.State, start)
		}
	})
}

func TestReplicationThatDoesNotEndIsToldAndNoMore(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	m := fresh(d)
	m.Lag = 100000
	result := ran(t, m, d, 1, "configure.ps1", "-ReplicationSeconds", "30")
	if !strings.Contains(strings.Join(result.Host, "\n"), "Replication") {
		t.Errorf("it says\n%s", told(result))
	}
	m.Lag = 0
	ran(t, m, d, 0, "configure.ps1", "-EnableTopology")
	ran(t, m, d, 0, "verify.ps1")
}
