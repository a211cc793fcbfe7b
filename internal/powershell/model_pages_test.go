package powershell

import (
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/pstest"
)

// policies are client policies of every scope, each with another value for pop-ups.
func policies() []pstest.Policy {
	on, off := true, false
	return []pstest.Policy{{Identity: "Global"}, {Identity: "Site:Redmond", PopUps: &on}, {Identity: "Tag:Quiet", PopUps: &off}, {Identity: "Tag:Loud", PopUps: &on}}
}

func TestPopUpsGoOffAndComeBackAsTheyWere(t *testing.T) {
	each(t, func(t *testing.T, d federation.Deployment) {
		m := fresh(d)
		m.State.Policies = policies()
		start := m.State.Clone()
		announces(t, ran(t, m, d, 0, "popups-off.ps1", "-WhatIf"), 3)
		if first := ran(t, m, d, 0, "popups-off.ps1"); len(first.Changes) != 3 {
			t.Errorf("it changed %v", first.Changes)
		}
		for _, p := range m.State.Policies {
			if p.PopUps == nil || *p.PopUps {
				t.Errorf("%s still has pop-ups", p.Identity)
			}
		}
		if second := ran(t, m, d, 0, "popups-off.ps1"); len(second.Changes) > 0 {
			t.Errorf("the second run changed %v", second.Changes)
		}
		announces(t, ran(t, m, d, 0, "popups-on.ps1", "-WhatIf"), 3)
		ran(t, m, d, 0, "popups-on.ps1")
		sameState(t, "popups-on.ps1", m.State, start)
		ran(t, m, d, 1, "popups-on.ps1")
	})
}

func TestPopUpsThatWereDeclinedOrFailedAreSetByTheNextRun(t *testing.T) {
	few(t, func(t *testing.T, d federation.Deployment) {
		for i := range 3 {
			for _, broken := range []func(m *pstest.Microsoft){
				func(m *pstest.Microsoft) { decline(m, i) },
				func(m *pstest.Microsoft) { m.Fails, m.FailAt = "Set-CsClientPolicy", i+1 },
			} {
				m := fresh(d)
				m.State.Policies = policies()
				start := m.State.Clone()
				for _, file := range []string{"popups-off.ps1", "popups-on.ps1"} {
					broken(m)
					ran(t, m, d, 1, file)
					m.Machine.Ask, m.Fails = nil, ""
					ran(t, m, d, 0, file)
				}
				sameState(t, "popups-on.ps1", m.State, start)
			}
		}
	})
}

func TestAPolicyThatSomebodySetSinceKeepsItsValue(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	m := fresh(d)
	m.State.Policies = policies()
	ran(t, m, d, 0, "popups-off.ps1")
	on := true
	m.State.Policies[0].PopUps = &on
	m.State.Policies = append(m.State.Policies, pstest.Policy{Identity: "Tag:New", PopUps: &on})
	ran(t, m, d, 0, "popups-on.ps1")
	for _, i := range []int{0, 4} {
		if p := m.State.Policies[i]; p.PopUps == nil || !*p.PopUps {
			t.Errorf("%s was changed", p.Identity)
		}
	}
}

func TestPopUpsGoToTheDefaultWithoutTheFile(t *testing.T) {
	d := servers()["lync-2010-enterprise"]
	m := fresh(d)
	m.State.Policies = policies()
	ran(t, m, d, 1, "popups-on.ps1")
	ran(t, m, d, 0, "popups-on.ps1", "-ToDefault")
	for _, p := range m.State.Policies {
		if p.PopUps != nil {
			t.Errorf("%s still has a value", p.Identity)
		}
	}
}

// good is a certificate for the deployment's pool that both sides take.
func good(d federation.Deployment, thumbprint string) pstest.Certificate {
	name := d.Answers.Pool
	if name == "" {
		name = d.Answers.FrontEnds[0].FQDN
	}
	return pstest.Certificate{Thumbprint: strings.Repeat(thumbprint, 40), Subject: "CN=" + name + ", O=Synergy", Issuer: "CN=Synergy CA", Names: []string{name},
		Usages: []string{"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"}, Signature: "1.2.840.113549.1.1.11",
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func put(m *pstest.Microsoft, file string, c pstest.Certificate) {
	m.Machine.Files[strings.ToLower(pstest.Folder+`\`+file)] = c
}

func TestCertificatesFromTheRequestToItsUse(t *testing.T) {
	each(t, func(t *testing.T, d federation.Deployment) {
		m := fresh(d)
		old, root := good(d, "A"), good(d, "C")
		old.HasKey, old.Usages = true, old.Usages[:1]
		root.Subject = root.Issuer
		m.State.Certificates, m.State.InUse = []pstest.Certificate{old}, old.Thumbprint
		put(m, "root.cer", root)
		put(m, "signed.cer", good(d, "B"))
		ran(t, m, d, 1, "certificates.ps1")
		for _, step := range []struct {
			arguments []string
			change    string
		}{
			{[]string{"-TrustRoot", `.\root.cer`}, "trust the root " + root.Thumbprint},
			{[]string{"-Request", `.\request.txt`}, "request a certificate"},
			{[]string{"-Import", `.\signed.cer`}, "import the certificate " + strings.Repeat("B", 40)},
			{[]string{"-Assign", strings.Repeat("b", 40)}, "use the certificate " + strings.Repeat("B", 40)},
		} {
			takes(t, m, d, step.arguments, step.change)
		}
		ran(t, m, d, 0, "certificates.ps1")
	})
}

// takes runs one step of certificates.ps1: with -WhatIf nothing changes, then one thing does, and again nothing.
func takes(t *testing.T, m *pstest.Microsoft, d federation.Deployment, arguments []string, change string) {
	t.Helper()
	before := m.State.Clone()
	announces(t, ran(t, m, d, 0, "certificates.ps1", append(slices.Clone(arguments), "-WhatIf")...), 1)
	sameState(t, "-WhatIf", m.State, before)
	if result := ran(t, m, d, 0, "certificates.ps1", arguments...); !slices.Equal(result.Changes, []string{change}) {
		t.Errorf("%v changed %v, want %s", arguments, result.Changes, change)
	}
	after := m.State.Clone()
	again, err := m.Run(text(t, d, "certificates.ps1"), arguments...)
	if err != nil || len(again.Changes) > 0 {
		t.Errorf("%v changed %v the second time (%v)", arguments, again.Changes, err)
	}
	sameState(t, "the second time", m.State, after)
}

func TestCertificatesThatAreNotFitAreRefused(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	for name, spoil := range map[string]func(c *pstest.Certificate){
		"it lacks client authentication": func(c *pstest.Certificate) { c.Usages = c.Usages[:1] },
		"it lacks server authentication": func(c *pstest.Certificate) { c.Usages = c.Usages[1:] },
		"it ended on 2026-02-01":         func(c *pstest.Certificate) { c.NotAfter = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC) },
		"it begins on 2027-02-01":        func(c *pstest.Certificate) { c.NotBefore = time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC) },
		"it is signed with":              func(c *pstest.Certificate) { c.Signature = "1.2.840.113549.1.1.5" },
		"its Common Name is x":           func(c *pstest.Certificate) { c.Subject = "CN=x.example.com" },
	} {
		m := fresh(d)
		bad := good(d, "B")
		spoil(&bad)
		put(m, "signed.cer", bad)
		if result := ran(t, m, d, 1, "certificates.ps1", "-Import", "signed.cer"); len(result.Changes) > 0 || !strings.Contains(strings.Join(result.Host, "\n"), name) {
			t.Errorf("imported although %s: %s", name, told(result))
		}
		put(m, "signed.pfx", bad)
		if result := ran(t, m, d, 1, "certificates.ps1", "-Import", "signed.pfx"); !strings.Contains(strings.Join(result.Host, "\n"), "it is not fit, so do not assign it") {
			t.Errorf("a file with a key ends well although %s: %s", name, told(result))
		}
		bad.HasKey = true
		m.State.Certificates = []pstest.Certificate{bad}
		if result := ran(t, m, d, 1, "certificates.ps1", "-Assign", bad.Thumbprint); len(result.Changes) > 0 {
			t.Errorf("assigned although %s: %v", name, result.Changes)
		}
	}
}
