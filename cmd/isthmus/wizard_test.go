package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnEditRemovesWhatItsDeploymentNoLongerNeeds(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	out := filepath.Join(m.dir, "scripts")
	m.isthmus(answers, "wizard", "finish", "-", "--out", out).want(t, 0)
	edited := m.file("edited.yaml", strings.Replace(answers, ", {fqdn: fe2.synergy.com, address: 10.1.20.22}", "", 1))
	const line = "remove static_route destination=.com.synergy type=domain next_hop=10.1.20.22 port=5061 transport=tls priority=2\n"
	for _, call := range [][]string{{"plan"}, {"finish", "--out", out}} {
		m.isthmus("", append([]string{"wizard", call[0], edited}, call[1:]...)...).want(t, 0, line, "remove acl pattern=fe2.synergy.com\n")
	}
	if left := m.isthmus("", "config", "export").out; strings.Contains(left, "10.1.20.22") || strings.Contains(left, "fe2.synergy.com") || !strings.Contains(left, "10.1.20.21") {
		t.Errorf("after the edit the configuration is\n%s", left)
	}
	if again := m.isthmus("", "wizard", "plan", edited); strings.Contains(again.out, "remove ") || strings.Contains(again.out, "new ") {
		t.Errorf("a second run would change something:\n%s", again.out)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestTheWayBackOfAnEarlierRunIsKept(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	out := filepath.Join(m.dir, "scripts")
	m.isthmus(answers, "wizard", "finish", "-", "--out", out).want(t, 0)
	first := read(t, filepath.Join(out, "rollback.ps1"))
	if again := m.isthmus(answers, "wizard", "finish", "-", "--out", out); strings.Contains(again.out, "kept") {
		t.Errorf("a run that changes nothing puts the way back aside:\n%s", again.out)
	}
	other := answers + "application_id: other\n"
	r := m.isthmus(other, "wizard", "finish", "-", "--out", out)
	r.want(t, 0, "kept "+filepath.Join(out, "rollback-before-revision-"))
	if !strings.Contains(r.err, "Run the rollback.ps1 of today there before you finish") {
		t.Errorf("nobody is told to take the old application back: %s", r.err)
	}
	kept, _ := filepath.Glob(filepath.Join(out, "rollback-before-revision-*.ps1"))
	if len(kept) != 1 || !bytes.Equal(read(t, kept[0]), first) {
		t.Errorf("kept are %v", kept)
	}
	ocs := strings.Replace(answers, "skype_for_business_2015", "ocs_2007_r2", 1)
	if r := m.isthmus(ocs, "wizard", "finish", "-", "--out", out); !strings.Contains(r.err, "verify.ps1 is of an earlier run") || exists(filepath.Join(out, "rollback.ps1")) {
		t.Errorf("files that fit no more are not told of:\n%s", r.err)
	}
}

func TestTheWayBackIsWrittenBeforeADeploymentGoes(t *testing.T) {
	for platform, file := range map[string]string{"skype_for_business_2015": "rollback.ps1", "ocs_2007_r2": "checklist.md"} {
		m := newMachine(t)
		m.isthmus(synergy, "config", "apply", "-").want(t, 0)
		text := strings.Replace(answers, "skype_for_business_2015", platform, 1)
		m.isthmus(text, "wizard", "finish", "-", "--out", filepath.Join(m.dir, "scripts")).want(t, 0)
		m.isthmus("", "wizard", "remove", "pool.synergy.com", "--out", m.file("no-directory", "")).want(t, exitFailure, "cannot be made")
		back := filepath.Join(m.dir, "back")
		m.isthmus("", "wizard", "remove", "pool.synergy.com", "--out", back).want(t, 0, "wrote "+filepath.Join(back, file), "remove acl")
		if !bytes.Equal(read(t, filepath.Join(back, file)), read(t, filepath.Join(m.dir, "scripts", file))) {
			t.Errorf("%s: the file is not the one that finish wrote", platform)
		}
	}
}

func TestADeploymentIsRemovedWithWhatItMade(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy+"acl: [{pattern: 10.1.20.21, description: by hand}]\n", "config", "apply", "-").want(t, 0)
	m.isthmus("", "wizard", "remove", "pool.synergy.com").want(t, exitFailure, "There is no deployment yet")
	m.isthmus(answers, "wizard", "finish", "-", "--out", filepath.Join(m.dir, "scripts")).want(t, 0)
	m.isthmus("", "wizard", "remove", "pool").want(t, exitFailure, "There is no deployment pool; choose one of pool.synergy.com.")

	before := m.isthmus("", "config", "export").out
	m.isthmus("", "wizard", "remove", "Pool.synergy.com", "--dry-run").want(t, 0, "remove acl pattern=10.1.20.22\n", "exists acl pattern=10.1.20.21\n", "Run rollback.ps1 there before you remove the deployment; nothing writes that file afterwards.")
	m.isthmus("", "wizard", "remove", "pool.synergy.com", "--dry-run", "--json").want(t, 0, "It stood there before the wizard")
	if after := m.isthmus("", "config", "export").out; after != before {
		t.Error("a dry run changed something")
	}
	m.isthmus("", "wizard", "remove", "pool.synergy.com").want(t, 0, "remove acl pattern=10.1.20.22\n", "Run the copy of rollback.ps1 that you kept there; nothing writes that file any more.")
	left := m.isthmus("", "config", "export").out
	if strings.Contains(left, "pool.synergy.com") || strings.Contains(left, "10.1.20.22") || !strings.Contains(left, "by hand") {
		t.Errorf("after the removal the configuration is\n%s", left)
	}
	m.isthmus("", "wizard", "remove", "pool.synergy.com").want(t, exitFailure, "There is no deployment yet")
}

func TestRemovingOCSNamesNoScriptThatItDoesNotHave(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	ocs := strings.Replace(answers, "skype_for_business_2015", "ocs_2007_r2", 1)
	m.isthmus(ocs, "wizard", "finish", "-", "--out", filepath.Join(m.dir, "scripts")).want(t, 0)
	for _, more := range [][]string{{"--dry-run"}, nil} {
		a := m.isthmus("", append([]string{"wizard", "remove", "pool.synergy.com"}, more...)...)
		a.want(t, 0, "take back by hand what the checklist had you do there.")
		if strings.Contains(a.out+a.err, "rollback.ps1") {
			t.Errorf("OCS has no rollback.ps1, and the command says %s", a.err)
		}
	}
}
