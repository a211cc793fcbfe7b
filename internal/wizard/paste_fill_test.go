package wizard

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isthmus/internal/federation"
)

func pasted(t *testing.T, text string) Pasted {
	t.Helper()
	p, err := ReadPaste(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPasteFillsTheAnswers(t *testing.T) {
	a := federation.Answers{Platform: federation.Lync2013, FrontEnds: []federation.Host{
		{FQDN: "FE2.synergy.com", Address: "10.1.20.22"}, {FQDN: "old.synergy.com", Address: "10.1.20.29"}, {}}}
	took, err := pasted(t, pastedPool+pastedSites+"\nName : synergy.com\nIsDefault : True").Fill(&a)
	if err != nil {
		t.Fatal(err)
	}
	want := canonical(federation.Answers{Platform: federation.Lync2013, Edition: federation.EditionEnterprise, Pool: "pool.synergy.com",
		Registrar: "pool.synergy.com", Site: "1", MicrosoftDomains: []string{"synergy.com"},
		FrontEnds: []federation.Host{{FQDN: "fe2.synergy.com", Address: "10.1.20.22"}, {FQDN: "fe1.synergy.com"}, {FQDN: "fe3.synergy.com"}}})
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("the answers (-want +got):\n%s", diff)
	}
	for _, sentence := range []string{"Pool: pool.synergy.com.", "Front ends: fe1.synergy.com, fe2.synergy.com, fe3.synergy.com.",
		"No front ends any more: old.synergy.com;", "Registrar: pool.synergy.com.", "Site: 1.", "SIP domains of the Microsoft side: synergy.com."} {
		wantSentence(t, took, sentence)
	}
}

func TestPasteOfOneServerIsStandardEdition(t *testing.T) {
	a := federation.Answers{Edition: federation.EditionEnterprise, Pool: "fe1.synergy.com", LoadBalancer: "10.1.20.20"}
	took, err := pasted(t, "Identity : fe1.synergy.com\nServices : {Registrar:fe1.synergy.com}\nComputers : {fe1.synergy.com}\nSite : Site:Redmond").Fill(&a)
	if err != nil || a.Edition != federation.EditionStandard || a.Pool != "" || a.LoadBalancer != "" || a.DeploymentName() != "fe1.synergy.com" {
		t.Errorf("%v: %+v", err, a)
	}
	wantSentence(t, took, "Standard Edition")
	wantSentence(t, took, "belongs to Site:Redmond; paste what Get-CsSite prints")
}

func TestAPasteIsChosenFrom(t *testing.T) {
	pool := func(name, services string) string {
		return "Identity : " + name + "\nServices : {" + services + "}\nComputers : {a." + name + "}\nSite : Site:San Jose\n\n"
	}
	one, two := pool("one.synergy.com", "Registrar:one.synergy.com"), pool("two.synergy.com", "WebServer:two.synergy.com...")
	sql := pool("sql.synergy.com", "UserStore:sql.synergy.com")
	registrars := "Identity : Registrar:one.synergy.com\nPoolFqdn : one.synergy.com\n\nIdentity : Registrar:two.synergy.com\nPoolFqdn : two.synergy.com\n"
	for _, c := range []struct {
		name, text string
		given      federation.Answers
		want       string // pool, registrar, site
		refused    string
	}{
		{"two pools", one + two, federation.Answers{}, "", "These are several pools: one.synergy.com, two.synergy.com. Paste"},
		{"two pools, one of them named", one + two, federation.Answers{Pool: "Two.synergy.com"}, "two.synergy.com  ", ""},
		{"a pool that homes nobody beside one that does", sql + one, federation.Answers{}, "one.synergy.com one.synergy.com ", ""},
		{"only a pool that homes nobody", sql, federation.Answers{}, "sql.synergy.com  ", ""},
		{"pools that home nobody", sql + strings.ReplaceAll(sql, "sql", "edge"), federation.Answers{}, "", "None of these pools is a registrar"},
		{"a pool with its site", one + pastedSites, federation.Answers{}, "one.synergy.com one.synergy.com West 2", ""},
		{"a pool with another site", strings.ReplaceAll(one, "San Jose", "Paris") + pastedSites, federation.Answers{}, "one.synergy.com one.synergy.com ", ""},
		{"a pool with another site beside the only one pasted", strings.ReplaceAll(one, "San Jose", "Paris") + "Identity : Site:Oslo\nSiteId : 7", federation.Answers{Site: "Oslo"}, "one.synergy.com one.synergy.com Oslo", ""},
		{"a pool without a site beside sites that do not hold it", strings.ReplaceAll(one, "Site:San Jose", "") + pastedSites, federation.Answers{}, "", "Site:Redmond, Site:San Jose. Paste what Get-CsPool"},
		{"sites without a pool, a wrong one named", pastedSites, federation.Answers{Site: "Oslo"}, "", "Which of these"},
		{"a pool and the registrars of others", two + registrars[:strings.Index(registrars, "\n\n")], federation.Answers{}, "two.synergy.com  ", ""},
		{"a pool that Get-CsService shows as a registrar", two + registrars, federation.Answers{}, "two.synergy.com two.synergy.com ", ""},
		{"SIP domains leave a registrar alone", "Name : synergy.com\nIsDefault : True", federation.Answers{Pool: "pool.synergy.com", Registrar: "reg.synergy.com"}, "pool.synergy.com reg.synergy.com ", ""},
		{"as many computers as next hops", strings.ReplaceAll(one, "a.one", strings.Repeat("x.b, ", maxFrontEnds-1)+"a.one"), federation.Answers{}, "one.synergy.com one.synergy.com ", ""},
		{"a list that was cut", strings.ReplaceAll(one, "a.one.synergy.com", "a.one.synergy.com..."), federation.Answers{}, "", "computers of one.synergy.com is cut short"},
		{"more computers than next hops", strings.ReplaceAll(one, "a.one", strings.Repeat("x.b, ", maxFrontEnds)+"a.one"), federation.Answers{}, "", "has 100 computers, and at most 99"},
		{"a list that was cut of a pool that nobody wants", sql + one[:len(one)-1] + strings.ReplaceAll(sql, "a.sql.synergy.com", "a.sql.synergy.com..."), federation.Answers{}, "one.synergy.com one.synergy.com ", ""},
		{"sites alone", pastedSites, federation.Answers{}, "", "Which of these is the pool's site"},
		{"sites for a pool that one of them holds", pastedSites, federation.Answers{Pool: "sj.synergy.com"}, "sj.synergy.com  West 2", ""},
		{"sites, one of them named", pastedSites, federation.Answers{Site: "san jose"}, "  West 2", ""},
		{"one site", "Identity : Site:Redmond\nSiteId : 7", federation.Answers{}, "  7", ""},
		{"a site without SiteId", "Identity : Site:Redmond\nDisplayName : Redmond", federation.Answers{}, "", "The SiteId of Site:Redmond was not printed"},
		{"registrars alone", registrars, federation.Answers{}, "", "These are several registrars: one.synergy.com, two.synergy.com"},
		{"registrars, one of them the pool", registrars, federation.Answers{Pool: "two.synergy.com"}, "two.synergy.com two.synergy.com ", ""},
		{"one registrar", registrars[:strings.Index(registrars, "\n\n")], federation.Answers{}, " one.synergy.com ", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := c.given
			took, err := pasted(t, c.text).Fill(&a)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) || !cmp.Equal(a, c.given) {
					t.Errorf("%v, took %q, answers %+v; want %q and nothing taken", err, took, a, c.refused)
				}
				return
			}
			if got := a.Pool + " " + a.Registrar + " " + a.Site; err != nil || got != c.want {
				t.Errorf("%v: pool, registrar and site are %q, want %q (%q)", err, got, c.want, took)
			}
		})
	}
}

func TestPasteLeavesAloneWhatItDoesNotTell(t *testing.T) {
	services := "Identity : pool.synergy.com\nServices : {Registrar:pool.synergy.com}"
	a := enterprise()
	a.MicrosoftDomains = []string{"synergy.com"}
	want := canonical(a)
	took, err := pasted(t, services).Fill(&a)
	if diff := cmp.Diff(want, a); diff != "" || err != nil || len(took) != 2 {
		t.Errorf("%v, took %q (-want +got):\n%s", err, took, diff)
	}
	alone := federation.Answers{Edition: federation.EditionStandard}
	if _, err := pasted(t, services).Fill(&alone); err != nil || alone.Pool != "" || alone.DeploymentName() != "pool.synergy.com" {
		t.Errorf("%v: Standard Edition stays so while nothing speaks against it: %+v", err, alone)
	}
	several := federation.Answers{Edition: federation.EditionStandard}
	if _, err := pasted(t, pastedPool).Fill(&several); err != nil || several.Edition != federation.EditionEnterprise || len(several.FrontEnds) != 3 {
		t.Errorf("%v: three computers are Enterprise Edition: %+v", err, several)
	}
	one := federation.Answers{}
	if _, err := pasted(t, "Identity : pool.synergy.com\nComputers : {fe1.synergy.com}").Fill(&one); err != nil || one.Edition != federation.EditionEnterprise {
		t.Errorf("%v: a pool with a name of its own is Enterprise Edition: %+v", err, one)
	}
}

func TestALongListIsNamedInPart(t *testing.T) {
	names := strings.Fields("a b c d e f g h i j k l")
	if got := listed(names) + "; " + listed(names[:10]); got != "a, b, c, d, e, f, g, h, i, j and 2 more; a, b, c, d, e, f, g, h, i, j" {
		t.Error(got)
	}
}

func TestHostileNamesReachTheChecks(t *testing.T) {
	a := enterprise()
	took, err := pasted(t, "Identity : pool';calc;'.x\nComputers : {fe1\u2019.synergy.com, \x1b[31m}\nServices : {Registrar:x}").Fill(&a)
	if err != nil || len(Check(a, snapshot()).Of("pool")) == 0 || len(Check(a, snapshot()).Of("front_ends[0].fqdn")) == 0 {
		t.Errorf("%v, took %q: %s", err, took, Check(a, snapshot()))
	}
}
