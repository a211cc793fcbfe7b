package powershell

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/pstest"
)

func pagesOf(t *testing.T, d federation.Deployment) map[string]Page {
	t.Helper()
	pages, err := Pages(d, snapshot())
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]Page{}
	for _, p := range pages {
		byName[p.Name] = p
	}
	return byName
}

// words are everything that a page shows, but for the files.
func words(p Page) string {
	var b strings.Builder
	fmt.Fprintln(&b, p.Title, p.Lede)
	for _, s := range p.Sections {
		fmt.Fprintln(&b, s.Title)
		for _, i := range s.Items {
			fmt.Fprintf(&b, "%s\n\t%s\n", i.Text, i.Code)
		}
	}
	return b.String()
}

// eachPageScript runs a check over every file of every deployment's pages.
func eachPageScript(t *testing.T, check func(t *testing.T, file, text string)) {
	for _, folder := range slices.Sorted(maps.Keys(deployments())) {
		pages, err := Pages(deployments()[folder], snapshot())
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range PageSteps(pages) {
			t.Run(folder+"/"+step.File, func(t *testing.T) { check(t, step.File, step.Text) })
		}
	}
}

func TestPagesOfEachPlatform(t *testing.T) {
	for folder, want := range map[string]string{
		"skype-2019-enterprise": "certificates pop-ups tracing",
		"lync-2010-enterprise":  "certificates pop-ups tracing",
		"ocs-enterprise":        "certificates tracing", // no policy for pop-ups, and no cmdlets for certificates
		"ocs-standard-tcp":      "tracing",
	} {
		pages, err := Pages(deployments()[folder], snapshot())
		if err != nil {
			t.Fatal(err)
		}
		var names, files []string
		for _, p := range pages {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s has the pages %s, want %s", folder, got, want)
		}
		for _, s := range PageSteps(pages) {
			files = append(files, s.File)
		}
		wantFiles := "certificates.ps1 popups-off.ps1 popups-on.ps1"
		if strings.HasPrefix(folder, "ocs-") {
			wantFiles = ""
		}
		if got := strings.Join(files, " "); got != wantFiles {
			t.Errorf("%s has the files %q, want %q", folder, got, wantFiles)
		}
	}
}

func TestPagesSpeakInWholeSentences(t *testing.T) {
	sentence := regexp.MustCompile(`^[A-Z].*[.]$`)
	for folder, d := range deployments() {
		for _, p := range pagesOf(t, d) {
			if p.Title == "" || !sentence.MatchString(p.Lede) || len(p.Sections) == 0 {
				t.Errorf("%s/%s has the title %q and the lede %q", folder, p.Name, p.Title, p.Lede)
			}
			for _, s := range p.Sections {
				if s.Title == "" || len(s.Items) == 0 {
					t.Errorf("%s/%s has a section %q of %d items", folder, p.Name, s.Title, len(s.Items))
				}
				for _, i := range s.Items {
					if !sentence.MatchString(i.Text) || strings.ContainsAny(i.Text+i.Code, "\n\t") || strings.Contains(i.Text+i.Code, "%!") {
						t.Errorf("%s/%s has the item %q with %q", folder, p.Name, i.Text, i.Code)
					}
				}
			}
		}
	}
}

func TestValuesOnThePages(t *testing.T) {
	for _, c := range []struct{ folder, page, want string }{
		{"skype-2019-enterprise", "certificates", "isthmus cert csr --node imp2.synergy.com --name trustedpool.synergy.com > imp2.synergy.com.csr"},
		{"skype-2019-enterprise", "certificates", "Its Common Name has to be pool.synergy.com;"},
		{"skype-2019-enterprise", "certificates", "fe1.synergy.com, fe2.synergy.com"},
		{"skype-2019-enterprise", "certificates", "This side takes TLS 1.2 and newer from Skype for Business Server 2019:"},
		{"skype-2019-enterprise", "certificates", "http://CA-SERVER/certsrv"},
		{"skype-2015-standard", "certificates", "Its Common Name has to be fe1.synergy.com;"},
		{"lync-2010-enterprise", "certificates", "This side takes TLS 1.0 and newer from Lync Server 2010:"},
		{"lync-2013-enterprise-calling", "certificates", "Its Common Name has to be exp.synergy.com, which"},
		{"lync-2010-enterprise", "certificates", "right-click certificates.ps1, Properties, Unblock."},
		{"lync-2013-enterprise-calling", "certificates", `Unblock-File -Path .\certificates.ps1`},
		{"ocs-enterprise", "certificates", "the pool's name, pool.synergy.com, on every front end"},
		{"ocs-enterprise", "certificates", "isthmus cert csr --node imp1.synergy.com > imp1.synergy.com.csr"}, // OCS knows no trusted pool
		{"ocs-enterprise", "certificates", "Use FIPS compliant algorithms"},
		{"ocs-enterprise", "certificates", "A standalone Microsoft CA:"},
		{"ocs-enterprise", "certificates", "An enterprise Microsoft CA:"},
		{"ocs-enterprise", "certificates", "Another CA:"},
		{"skype-2019-enterprise", "pop-ups", "do not have that user in theirs"},
		{"skype-2019-enterprise", "tracing", "Start-CsClsLogging -Scenario 'IMAndPresence' -Pools 'pool.synergy.com' -Duration '0.01:00'"},
		{"skype-2015-standard", "tracing", "Stop-CsClsLogging -Scenario 'IMAndPresence' -Pools 'fe1.synergy.com'"},
		{"lync-2013-enterprise-calling", "tracing", "then for exp.synergy.com:"},
		{"lync-2010-enterprise", "tracing", "Lync Server Logging Tool."},
		{"ocs-enterprise", "tracing", "Right-click the pool pool.synergy.com and choose Logging Tool, New Debug Session."},
		{"ocs-standard-tcp", "tracing", "Right-click the server fe1.synergy.com and choose Logging Tool, New Debug Session."},
	} {
		if got := words(pagesOf(t, deployments()[c.folder])[c.page]); !strings.Contains(got, c.want) {
			t.Errorf("%s/%s lacks\n%s\nin\n%s", c.folder, c.page, c.want, got)
		}
	}
}

func TestPagesOfAPlatformNameNoToolOfAnother(t *testing.T) {
	for folder, foreign := range map[string][]string{
		"lync-2010-enterprise":  {"ClsLogging", "Unblock-File", "Office Communications Server"},
		"skype-2019-enterprise": {"Logging Tool", "FIPS", "Lync"},
		"ocs-enterprise":        {"ClsLogging", ".ps1", "Cs", "trustedpool"},
		"ocs-standard-tcp":      {"TLS", "certificate", ".ps1"},
	} {
		for _, p := range pagesOf(t, deployments()[folder]) {
			for _, word := range foreign {
				if strings.Contains(words(p), word) {
					t.Errorf("%s/%s speaks of %s", folder, p.Name, word)
				}
			}
		}
	}
}

func TestValuesInThePagesFiles(t *testing.T) {
	for _, c := range []struct{ folder, file, want string }{
		{"skype-2019-enterprise", "certificates.ps1", "$Subject = 'pool.synergy.com'\n$KnownSubjects = @('pool.synergy.com', 'fe1.synergy.com', 'fe2.synergy.com')\n"},
		{"skype-2015-standard", "certificates.ps1", "$Subject = 'fe1.synergy.com'\n$KnownSubjects = @('fe1.synergy.com')\n"},
		{"lync-2010-enterprise", "certificates.ps1", "#Requires -Version 2.0\n"},
		{"skype-2019-enterprise", "popups-off.ps1", "#Requires -Version 3.0\n"},
		{"skype-2019-enterprise", "popups-off.ps1", "$Deployment = 'pool.synergy.com'\n"},
		{"skype-2019-enterprise", "popups-off.ps1", "-EnableNotificationForNewSubscribers $false "},
		{"skype-2019-enterprise", "popups-on.ps1", "-EnableNotificationForNewSubscribers $change.Value "},
	} {
		pages, err := Pages(deployments()[c.folder], snapshot())
		if err != nil {
			t.Fatal(err)
		}
		if step, ok := File(PageSteps(pages), c.file); !ok || !strings.Contains(step.Text, c.want) {
			t.Errorf("%s/%s lacks\n%s", c.folder, c.file, c.want)
		}
	}
}

func TestAValueThatNoPageCanHoldIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(d *federation.Deployment)
		want string
	}{
		"a node that a shell would run": {func(d *federation.Deployment) { d.Nodes = []string{"imp1$(reboot)"} }, "The page certificates cannot be written: A name holds a character"},
		"a trusted pool with a quote":   {func(d *federation.Deployment) { d.Answers.TrustedPool = "a' -b" }, "The page certificates cannot be written: A name holds a character"},
		"a node that is an option":      {func(d *federation.Deployment) { d.Nodes = []string{"-rf"} }, "The page certificates cannot be written: A name holds a character"},
		"a pool of two lines":           {func(d *federation.Deployment) { d.Answers.Pool = "a\nb" }, "The page certificates cannot be written: A value holds a line break"},
		"an answer left open":           {func(d *federation.Deployment) { d.Answers.Site = "" }, "has no site, so its pages cannot be written"},
	} {
		d := deployments()["skype-2019-enterprise"]
		c.edit(&d)
		if pages, err := Pages(d, snapshot()); err == nil || !strings.Contains(err.Error(), c.want) || pages != nil {
			t.Errorf("%s: %d pages, %v; want the refusal %q", name, len(pages), err, c.want)
		}
	}
}

func TestAQuoteInAPoolsNameStaysInItsString(t *testing.T) {
	d := deployments()["skype-2019-enterprise"]
	d.Answers.Pool = "o’pool"
	if got := words(pagesOf(t, d)["tracing"]); !strings.Contains(got, "-Pools 'o’’pool'\n") {
		t.Errorf("the pool's name ends its string in\n%s", got)
	}
}

func TestPagesFilesHoldToTheRulesOfScripts(t *testing.T) {
	cmdlets := readFacts(t)
	eachPageScript(t, func(t *testing.T, file, text string) {
		tokens, err := tokenize(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range calls(tokens) {
			if strings.Contains(text, "function "+c.command) {
				continue
			}
			sets, ok := cmdlets[c.command]
			if !ok {
				t.Errorf("line %d calls %s, which is no cmdlet known here", c.line, c.command)
			} else if !slices.ContainsFunc(sets, func(set []string) bool { return fits(c, set) }) {
				t.Errorf("line %d: no parameter set of %s takes %v", c.line, c.command, c.parameters)
			}
		}
		if _, err := pstest.Parse(text); err != nil {
			t.Error(err)
		}
		for _, call := range forbidden {
			if strings.Contains(strings.ToLower(text), strings.ToLower(call)) {
				t.Errorf("the script holds %s", call)
			}
		}
		for _, part := range []string{"SupportsShouldProcess = $true, ConfirmImpact = 'High'", "Set-StrictMode -Version Latest", "$ErrorActionPreference = 'Stop'",
			"$PSCmdlet.ShouldProcess(", "exit $code", "# Exit code: 0 when", "# After a download: "} {
			if !strings.Contains(text, part) {
				t.Errorf("the script lacks %s", part)
			}
		}
		if regexp.MustCompile(`(?m)[ \t]+$|\n\n\n|<no value>`).MatchString(text) || !strings.HasSuffix(text, "\n") {
			t.Error("the script has a hole, blanks at a line's end, or two empty lines")
		}
	})
}

// Every call that changes something stands behind a question, so that -WhatIf and an answer of No are heeded.
func TestPagesFilesAskBeforeEachChange(t *testing.T) {
	changing := regexp.MustCompile(`(Set-Cs\w+|Request-Cs\w+|Import-Cs\w+|Import-Certificate|certutil\.exe) `)
	eachPageScript(t, func(t *testing.T, _, text string) {
		for _, at := range changing.FindAllStringIndex(text, -1) {
			begin := max(strings.LastIndex(text[:at[0]], "\nfunction "), strings.LastIndex(text[:at[0]], "foreach ("))
			if strings.HasPrefix(text[strings.LastIndex(text[:at[0]], "\n")+1:], "#") || strings.Contains(text[strings.LastIndex(text[:at[0]], "\n"):at[0]], "'") {
				continue // told, not called
			}
			if !strings.Contains(text[begin:at[0]], "$PSCmdlet.ShouldProcess(") {
				t.Errorf("nobody is asked before %s", text[at[0]:at[1]])
			}
		}
	})
}

// readFacts are the parameter sets of all cmdlets that scripts and pages use.
func readFacts(t *testing.T) map[string][][]string {
	t.Helper()
	all := map[string][][]string{}
	for _, path := range []string{"testdata/cmdlets.json", "testdata/pages-cmdlets.json"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var facts struct{ Skype, Windows map[string][][]string }
		if err := json.Unmarshal(data, &facts); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		maps.Copy(all, facts.Skype)
		maps.Copy(all, facts.Windows)
	}
	return all
}

// The lines to copy are calls too.
func TestLinesToCopyFitTheirCmdlets(t *testing.T) {
	cmdlets := readFacts(t)
	for folder, d := range deployments() {
		for _, p := range pagesOf(t, d) {
			for _, s := range p.Sections {
				for _, i := range s.Items {
					tokens, err := tokenize(i.Code)
					if err != nil {
						t.Errorf("%s/%s: %v", folder, p.Name, err)
					}
					for _, c := range calls(tokens) {
						sets := cmdlets[c.command]
						if !slices.ContainsFunc(sets, func(set []string) bool { return fits(c, set) }) {
							t.Errorf("%s/%s: no parameter set of %s takes %v", folder, p.Name, c.command, c.parameters)
						}
					}
				}
			}
		}
	}
}

// named gives the pool and every server a value for a name, and leaves the nodes, whose names stand bare in lines for a
// shell of their own.
func named(d federation.Deployment, value func() string) federation.Deployment {
	d.Name, d.Answers.Pool = value(), value()
	d.Answers.FrontEnds = []federation.Host{{FQDN: value(), Address: "10.1.20.21"}, {FQDN: value(), Address: "10.1.20.22"}}
	return d
}

// tokensOf are the numbers of tokens of a page's lines to copy, and the shapes of its files.
func tokensOf(t *testing.T, d federation.Deployment) []string {
	t.Helper()
	var list []string
	pages := pagesOf(t, d)
	for _, name := range []string{"certificates", "pop-ups", "tracing"} {
		for _, s := range pages[name].Sections {
			for _, i := range s.Items {
				tokens, err := tokenize(i.Code)
				if err != nil {
					t.Errorf("%s: %v", i.Code, err)
				}
				list = append(list, fmt.Sprint(i.Text[:5], len(tokens)))
			}
			if s.Step != nil {
				tree, err := pstest.Parse(s.Step.Text)
				if err != nil {
					t.Fatalf("%s with %q: %v", s.Step.File, d.Name, err)
				}
				list = append(list, tree.Shape())
			}
		}
	}
	return list
}

func TestNoValueBecomesCodeOnThePages(t *testing.T) {
	d := deployments()["skype-2019-enterprise"]
	harmless := tokensOf(t, named(d, func() string { return "harmless" }))
	for next := 0; next < len(hostile); {
		first := next
		bad := named(d, func() string { next++; return hostile[(next-1)%len(hostile)] })
		if got := tokensOf(t, bad); !slices.Equal(got, harmless) {
			t.Errorf("with %q the pages have other tokens", hostile[first:min(next, len(hostile))])
		}
	}
}
