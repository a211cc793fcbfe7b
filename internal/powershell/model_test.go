package powershell

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/pstest"
)

func TestConfigureAddsWhatIsWantedOnce(t *testing.T) {
	each(t, func(t *testing.T, d federation.Deployment) {
		m := fresh(d)
		first := ran(t, m, d, 0, "configure.ps1")
		if want := wanted(d, "Global"); !slices.Equal(first.Changes, want) {
			t.Errorf("it changed\n%s\nwant\n%s", strings.Join(first.Changes, "\n"), strings.Join(want, "\n"))
		}
		if len(first.Asked) != len(first.Changes) {
			t.Errorf("it asked %d times for %d changes: %v", len(first.Asked), len(first.Changes), first.Asked)
		}
		after := m.State.Clone()
		if after.Unpublished {
			t.Error("the topology is not enabled")
		}
		if second := ran(t, m, d, 0, "configure.ps1"); len(second.Changes) > 0 || len(second.Asked) > 0 {
			t.Errorf("the second run changed %v and asked %v", second.Changes, second.Asked)
		}
		sameState(t, "the second run", m.State, after)
	})
}

func TestWithoutQuestionsTheResultIsTheSame(t *testing.T) {
	each(t, func(t *testing.T, d federation.Deployment) {
		m := fresh(d)
		if result := ran(t, m, d, 0, "configure.ps1", "-Confirm:$false", "-ReplicationSeconds", "60"); len(result.Asked) > 0 || !slices.Equal(result.Changes, wanted(d, "Global")) {
			t.Errorf("it asked %v and changed %v", result.Asked, result.Changes)
		}
	})
}

func TestWhatIfChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, d federation.Deployment) {
		m := fresh(d)
		before := m.State.Clone()
		announces(t, ran(t, m, d, 0, "configure.ps1", "-WhatIf"), len(wanted(d, "Global")))
		sameState(t, "configure.ps1 -WhatIf", m.State, before)
		ran(t, m, d, 0, "configure.ps1")
		done := m.State.Clone()
		clear(m.Machine.Files)
		announces(t, ran(t, m, d, 0, "rollback.ps1", "-WhatIf"), 4)
		announces(t, ran(t, m, d, 0, "restart.ps1", "-WhatIf"), len(d.Answers.FrontEnds))
		sameState(t, "rollback.ps1 and restart.ps1 -WhatIf", m.State, done)
		if len(m.Machine.Files) > 0 {
			t.Errorf("files were written: %v", slices.Collect(maps.Keys(m.Machine.Files)))
		}
	})
}

// announces wants a run that changed and asked nothing, and said at least so many things that it would do.
func announces(t *testing.T, result pstest.Result, least int) {
	t.Helper()
	said := 0
	for _, line := range result.Host {
		if strings.HasPrefix(line, "What if: ") {
			said++
		}
	}
	if len(result.Changes) > 0 || len(result.Asked) > 0 || said < least {
		t.Errorf("it would do %d things, want %d at least\n%s", said, least, told(result))
	}
}

func TestVerifyTellsBeforeFromAfter(t *testing.T) {
	each(t, func(t *testing.T, d federation.Deployment) {
		m := fresh(d)
		ran(t, m, d, 1, "verify.ps1")
		readBack(t, d, ran(t, m, d, 1, "verify.ps1", "-Json"), "missing")
		ran(t, m, d, 0, "configure.ps1")
		done := m.State.Clone()
		ran(t, m, d, 0, "verify.ps1")
		readBack(t, d, ran(t, m, d, 0, "verify.ps1", "-Json"), "exists")
		sameState(t, "verify.ps1", m.State, done)
	})
}

// resultOf takes the printed JSON in.
func resultOf(t *testing.T, d federation.Deployment, result pstest.Result) federation.Verification {
	t.Helper()
	v, err := ReadVerification([]byte(result.Printed()), d, snapshot(), dayAfter)
	if err != nil {
		t.Fatalf("%v\n%s", err, result.Printed())
	}
	return v
}

// readBack takes the printed JSON in and wants every object that configure.ps1 makes in one state.
func readBack(t *testing.T, d federation.Deployment, result pstest.Result, state string) {
	t.Helper()
	v := resultOf(t, d, result)
	if v.Fingerprint != Fingerprint(d, snapshot()) || v.Computer != "FE1" || len(result.Host) > 0 {
		t.Errorf("fingerprint %s, computer %s, host %v", v.Fingerprint, v.Computer, result.Host)
	}
	found := 0
	for _, line := range v.Results {
		if slices.Contains([]string{"Route", "TrustedPool", "Computer", "Application", "PublicProvider"}, line.Kind) {
			found++
			if line.State != state {
				t.Errorf("%s %s is %s, want %s: %s", line.Kind, line.Name, line.State, state, line.Actual)
			}
		}
	}
	if want := len(wanted(d, "Global")); found != want {
		t.Errorf("%d objects, want %d", found, want)
	}
}

func TestRollbackRestoresTheStart(t *testing.T) {
	each(t, func(t *testing.T, d federation.Deployment) {
		m := fresh(d)
		start := m.State.Clone()
		if result := ran(t, m, d, 0, "rollback.ps1"); len(result.Changes) > 0 {
			t.Errorf("on a fresh side it changed %v", result.Changes)
		}
		ran(t, m, d, 0, "configure.ps1")
		ran(t, m, d, 0, "rollback.ps1")
		sameState(t, "rollback.ps1", m.State, start)
		if result := ran(t, m, d, 0, "rollback.ps1"); len(result.Changes) > 0 {
			t.Errorf("the second time it changed %v", result.Changes)
		}
	})
}
