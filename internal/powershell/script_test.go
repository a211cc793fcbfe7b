package powershell

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

var update = flag.Bool("update", false, "write the golden files anew")

// deployments are one of every kind of Microsoft side, by the name of its golden folder.
func deployments() map[string]federation.Deployment {
	enterprise := federation.Answers{
		Platform: federation.SkypeForBusiness2019, Deployment: federation.ChatOnly, Edition: federation.EditionEnterprise,
		Pool: "pool.synergy.com", Registrar: "pool.synergy.com", Site: "1",
		FrontEnds:   []federation.Host{{FQDN: "fe1.synergy.com", Address: "10.1.20.21"}, {FQDN: "fe2.synergy.com", Address: "10.1.20.22"}},
		Domains:     []string{"synergy.com", "synergy.co.uk"},
		RoutingNode: "imp1.synergy.com", TrustedPool: "trustedpool.synergy.com", ApplicationID: "isthmus", Transport: federation.TLS,
	}
	standard := enterprise
	standard.Platform, standard.Edition, standard.Pool, standard.Registrar = federation.SkypeForBusiness2015, federation.EditionStandard, "", "fe1.synergy.com"
	standard.FrontEnds, standard.ChildDomains, standard.Site = enterprise.FrontEnds[:1], true, "Zürich's ‘north’"
	lync := enterprise
	lync.Platform = federation.Lync2010
	calling := enterprise
	calling.Platform, calling.Deployment = federation.Lync2013, federation.ChatAndCalling
	calling.Expressway = &federation.Host{FQDN: "exp.synergy.com", Address: "10.1.30.31", Port: 65072}
	ocs := enterprise
	ocs.Platform, ocs.Registrar, ocs.Site = federation.OCS2007R2, "", ""
	ocsTCP := standard
	ocsTCP.Platform, ocsTCP.Transport, ocsTCP.Registrar, ocsTCP.Site = federation.OCS2007R2, federation.TCP, "", ""
	list := map[string]federation.Deployment{}
	for name, a := range map[string]federation.Answers{
		"skype-2019-enterprise": enterprise, "skype-2015-standard": standard, "lync-2010-enterprise": lync, "lync-2013-calling": calling,
		"ocs-enterprise": ocs, "ocs-standard-tcp": ocsTCP,
	} {
		list[name] = deployment(a)
	}
	return list
}

func deployment(a federation.Answers) federation.Deployment {
	name := a.Pool
	if name == "" {
		name = a.FrontEnds[0].FQDN
	}
	return federation.Deployment{ID: 1, Name: name, Answers: a, Nodes: []string{"imp1.synergy.com", "imp2.synergy.com"}, Revision: 12,
		CreatedAt: time.Date(2026, 3, 4, 9, 41, 0, 0, time.UTC), CreatedBy: "m.keller"}
}

func snapshot() federation.Snapshot {
	return federation.Snapshot{Configuration: federation.Configuration{Nodes: []federation.Node{
		{Name: "imp1.synergy.com", Address: "10.1.10.11"}, {Name: "imp2.synergy.com", Address: "10.1.10.12"},
		{Name: "laptop.localdomain", Address: "127.0.0.1"},
	}}}
}

func script(t *testing.T, d federation.Deployment) []Step {
	t.Helper()
	steps, err := Script(d, snapshot())
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// eachScript runs a check over every .ps1 of every deployment.
func eachScript(t *testing.T, check func(t *testing.T, name string, text string)) {
	for _, folder := range slices.Sorted(maps.Keys(deployments())) {
		for _, step := range script(t, deployments()[folder]) {
			if strings.HasSuffix(step.File, ".ps1") {
				t.Run(folder+"/"+step.File, func(t *testing.T) { check(t, step.File, step.Text) })
			}
		}
	}
}

func TestScriptsAreAsReviewed(t *testing.T) {
	for folder, d := range deployments() {
		for _, step := range script(t, d) {
			path := filepath.Join("testdata", folder, step.File)
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, step.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, step.Bytes()) {
				t.Errorf("%s is not what was reviewed; read the difference, then run with -update", path)
			}
		}
	}
}

func TestFilesAreForWindows(t *testing.T) {
	for folder, d := range deployments() {
		for _, step := range script(t, d) {
			b := step.Bytes()
			if !bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) || bytes.Count(b, []byte("\ufeff")) != 1 {
				t.Errorf("%s/%s does not begin with one byte order mark", folder, step.File)
			}
			if bytes.Count(b, []byte("\n")) != bytes.Count(b, []byte("\r\n")) || bytes.Contains(b, []byte("\r\r")) || !bytes.HasSuffix(b, []byte("\r\n")) {
				t.Errorf("%s/%s does not end every line with CRLF", folder, step.File)
			}
			if strings.Contains(step.Text, "<no value>") || regexp.MustCompile(`(?m)[ \t]+$|\n\n\n`).MatchString(step.Text) {
				t.Errorf("%s/%s has a hole, blanks at a line's end, or two empty lines", folder, step.File)
			}
		}
	}
}

func TestFilesOfEachPlatform(t *testing.T) {
	for folder, want := range map[string]string{
		"skype-2019-enterprise": "checklist.md configure.ps1 verify.ps1 restart.ps1 rollback.ps1",
		"ocs-enterprise":        "checklist.md configure.ps1",
	} {
		var files []string
		for _, step := range script(t, deployments()[folder]) {
			files = append(files, step.File)
		}
		if got := strings.Join(files, " "); got != want {
			t.Errorf("%s has %s, want %s", folder, got, want)
		}
	}
	step, ok := File(script(t, deployments()["skype-2019-enterprise"]), "verify.ps1")
	if !ok || step.DownloadName(deployments()["skype-2019-enterprise"]) != "verify-pool.synergy.com-2026-03-04.ps1" {
		t.Errorf("verify.ps1 is downloaded as %s", step.DownloadName(deployments()["skype-2019-enterprise"]))
	}
	if _, ok := File(nil, "x"); ok {
		t.Error("a file is found where there is none")
	}
}

func TestValuesInTheScripts(t *testing.T) {
	for _, c := range []struct{ folder, file, want string }{
		{"skype-2019-enterprise", "configure.ps1", "$MatchUris = @('synergy.com', 'synergy.co.uk')"},
		{"skype-2019-enterprise", "configure.ps1", "$Computers = @('imp1.synergy.com', 'imp2.synergy.com')"},
		{"skype-2019-enterprise", "configure.ps1", "$Destination = 'imp1.synergy.com'\n$DestinationPort = 5061\n$DestinationAddress = '10.1.10.11'"},
		{"skype-2019-enterprise", "configure.ps1", "#Requires -Version 3.0"},
		{"skype-2015-standard", "configure.ps1", "$MatchUris = @('synergy.com', '*.synergy.com', 'synergy.co.uk', '*.synergy.co.uk')"},
		{"skype-2015-standard", "configure.ps1", "$Site = 'Zürich''s ‘‘north’’'"},
		{"skype-2015-standard", "restart.ps1", "= @('fe1.synergy.com'),"},
		{"lync-2010-enterprise", "configure.ps1", "#Requires -Version 2.0"},
		{"lync-2013-calling", "configure.ps1", "$Destination = 'exp.synergy.com'\n$DestinationPort = 65072"},
		{"lync-2013-calling", "configure.ps1", "-VerificationLevel AlwaysVerifiable"},
		{"ocs-enterprise", "configure.ps1", "$Hosts = @('imp1.synergy.com', '10.1.10.11', 'imp2.synergy.com', '10.1.10.12')"},
		{"ocs-enterprise", "configure.ps1", "$NextHop = 'imp1.synergy.com'\n$NextHopPort = 5061\n$Transport = 'TLS'"},
		{"ocs-standard-tcp", "configure.ps1", "$NextHop = '10.1.10.11'\n$NextHopPort = 5060\n$Transport = 'TCP'"},
		{"ocs-standard-tcp", "configure.ps1", "$Hosts = @('10.1.10.11', '10.1.10.12')"},
		{"ocs-standard-tcp", "checklist.md", "domain `*.synergy.co.uk`, next hop `10.1.10.11`, port 5060, transport TCP"},
	} {
		step, ok := File(script(t, deployments()[c.folder]), c.file)
		if !ok || !strings.Contains(step.Text, c.want) {
			t.Errorf("%s/%s lacks\n%s", c.folder, c.file, c.want)
		}
	}
}

func TestValuesThatFollowFromOtherAnswers(t *testing.T) {
	for _, c := range []struct {
		name, folder string
		edit         func(d *federation.Deployment)
		want         string
	}{
		{"a registrar beside the pool: its collection of routes counts as well", "skype-2019-enterprise",
			func(d *federation.Deployment) { d.Answers.Registrar = "director.synergy.com" }, "$Pools = @('director.synergy.com', 'pool.synergy.com')"},
		{"the pool's own registrar is one collection", "skype-2019-enterprise", func(*federation.Deployment) {}, "$Pools = @('pool.synergy.com')"},
		{"no nodes kept: the routing node is trusted", "skype-2019-enterprise",
			func(d *federation.Deployment) { d.Nodes = nil }, "$Computers = @('imp1.synergy.com')"},
		{"chat only passes the Expressway by", "lync-2013-calling",
			func(d *federation.Deployment) { d.Answers.Deployment = federation.ChatOnly }, "$Destination = 'imp1.synergy.com'\n$DestinationPort = 5061"},
		{"Lync 2010 needs a provider for the Expressway", "lync-2013-calling",
			func(d *federation.Deployment) { d.Answers.Platform = federation.Lync2010 }, "$Provider = 'isthmus'"},
		{"the name of a node on loopback may lead anywhere", "skype-2019-enterprise",
			func(d *federation.Deployment) { d.Answers.RoutingNode = "laptop.localdomain" }, "$DestinationAddress = ''"},
		{"a node that is gone is authorized by name alone", "ocs-enterprise",
			func(d *federation.Deployment) { d.Nodes = []string{"imp9.synergy.com"} }, "$Hosts = @('imp9.synergy.com')"},
	} {
		d := deployments()[c.folder]
		c.edit(&d)
		if step, ok := File(script(t, d), "configure.ps1"); !ok || !strings.Contains(step.Text, c.want+"\n") {
			t.Errorf("%s: the script lacks\n%s", c.name, c.want)
		}
	}
}

func TestSkypeForBusinessNeedsNoProviderForTheExpressway(t *testing.T) {
	d := deployments()["lync-2013-calling"]
	d.Answers.Platform = federation.SkypeForBusiness2015
	for _, step := range script(t, d) {
		if strings.Contains(step.Text, "PublicProvider") {
			t.Errorf("%s makes or removes a public provider", step.File)
		}
	}
}

func TestEachPlatformIsSentToItsOwnShell(t *testing.T) {
	for folder, want := range map[string]string{
		"skype-2019-enterprise": "in the Skype for Business Server Management Shell on", "lync-2010-enterprise": "in the Lync Server Management Shell on",
		"lync-2013-calling": "in the Lync Server Management Shell on", "ocs-enterprise": "in Windows PowerShell on",
	} {
		if step, _ := File(script(t, deployments()[folder]), "configure.ps1"); !strings.Contains(step.Where, want) {
			t.Errorf("%s: %q, want it run %s", folder, step.Where, want)
		}
	}
}

func TestAValueThatNoScriptCanHoldIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(a *federation.Answers)
		file string
	}{
		"a site of two lines":           {func(a *federation.Answers) { a.Site = "1\nRemove-Item C:\\ -Recurse" }, "configure.ps1"},
		"a trusted pool of two lines":   {func(a *federation.Answers) { a.TrustedPool = "a\n- [ ] Run this." }, "checklist.md"},
		"a domain that turns direction": {func(a *federation.Answers) { a.Domains = []string{"moc.\u202eygrenys"} }, "checklist.md"},
	} {
		d := deployments()["skype-2019-enterprise"]
		c.edit(&d.Answers)
		if _, err := Script(d, snapshot()); err == nil || !strings.HasPrefix(err.Error(), c.file+" cannot be written: A value holds a line break") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := list([]string{"a", "b\nc"}); err == nil {
		t.Errorf("a list of two lines is written as %s", got)
	}
}

func TestAnAnswerThatWasLeftOpenIsRefused(t *testing.T) {
	d := deployments()["skype-2019-enterprise"]
	d.Answers.TrustedPool = ""
	if _, err := Script(d, snapshot()); err == nil || !strings.Contains(err.Error(), "has no trusted_pool") {
		t.Errorf("without a trusted pool: %v", err)
	}
}

func TestOCSOverTCPNeedsTheNodesAddress(t *testing.T) {
	if _, err := Script(deployments()["ocs-standard-tcp"], federation.Snapshot{}); err == nil || !strings.Contains(err.Error(), "no node imp1.synergy.com") {
		t.Errorf("without the node's address: %v", err)
	}
}

// TestTemplatesQuoteEveryValue reads the templates themselves: an action either steers, or goes through one of the
// functions that quote, or prints a text that this package makes.
func TestTemplatesQuoteEveryValue(t *testing.T) {
	action := regexp.MustCompile(`\{\{-?\s*(.*?)\s*-?\}\}`)
	safe := regexp.MustCompile(`^((quote|list|code|number) .*|define ".*|template "[a-z]+" \.|end|else|(if|range) .*|\$(hop|port|transport) := .*|\$transport|\.(Finished|Revision|Engine|Shell|Fingerprint)|)$`)
	paths, err := filepath.Glob("scripts/*.tmpl")
	if err != nil || len(paths) < 7 {
		t.Fatalf("%d templates, %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range action.FindAllStringSubmatch(string(text), -1) {
			if !safe.MatchString(m[1]) {
				t.Errorf("%s prints {{%s}} without quoting it", path, m[1])
			}
		}
	}
}

func TestFingerprintFollowsTheAnswers(t *testing.T) {
	d := deployments()["skype-2019-enterprise"]
	first := Fingerprint(d)
	d.Revision, d.CreatedBy = 99, "somebody else"
	if Fingerprint(d) != first {
		t.Error("the fingerprint follows more than what the scripts are made of")
	}
	d.Nodes = d.Nodes[:1]
	if Fingerprint(d) == first {
		t.Error("the fingerprint does not follow the nodes")
	}
}

func TestCodeSpansHoldBackticks(t *testing.T) {
	for value, want := range map[string]string{"a": "`a`", "a`b": "`` a`b ``", "``": "``` `` ```"} {
		if got, err := code(value); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", value, got, err, want)
		}
	}
}
