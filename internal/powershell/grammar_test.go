package powershell

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/pstest"
)

func TestScriptsAreOfPowerShellsGrammar(t *testing.T) {
	eachScript(t, func(t *testing.T, file, text string) {
		if _, err := pstest.Parse(text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if pwsh, err := exec.LookPath("pwsh"); err == nil {
			parsedByPowerShell(t, pwsh, text)
		}
	})
}

// parsedByPowerShell asks PowerShell's own parser, where there is one.
func parsedByPowerShell(t *testing.T, pwsh, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.ps1")
	if err := os.WriteFile(path, Step{Text: text}.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	const ask = "$e = $null; [void][System.Management.Automation.Language.Parser]::ParseFile($env:SCRIPT, [ref]$null, [ref]$e); $e; exit $e.Count"
	command := exec.Command(pwsh, "-NoProfile", "-NonInteractive", "-Command", ask)
	command.Env = append(os.Environ(), "SCRIPT="+path)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("PowerShell refuses it: %v\n%s", err, out)
	}
}

// hostile are values that would be code if their quoting had a hole: each of the five quotes that close a string, what
// expands, what comments, and what ends a line or a block.
var hostile = []string{
	"x'; Remove-Item C:\\ #", "x‘; calc; ‘", "x’; calc #", "x‚; calc #", "x‛; calc #", "''", "'", "‘’‚‛", "$(calc)", "$env:PATH",
	"`'; calc #", "a`", "#> calc <#", "@'", "'@", "\"; calc; \"", "“; calc; ”", "a – b — c", "} else { calc", "a) | calc (", "a, 'b", "%{calc}", "{0}", "日本",
}

// TestNoValueBecomesCode holds that a script has the tokens of its template and no more: with hostile values for answers,
// its tree has the shape that it has with harmless ones. Each round gives every answer another of the values.
func TestNoValueBecomesCode(t *testing.T) {
	// Between them, these have every branch of the templates.
	for _, folder := range []string{"skype-2019-enterprise", "lync-2013-enterprise-calling", "lync-2010-standard", "ocs-enterprise", "ocs-standard-tcp"} {
		next := 0
		harmless := shapes(t, poisoned(deployments()[folder], func() string { next++; return fmt.Sprintf("name%d", next) }), folder)
		for next = 0; next < len(hostile); {
			d := poisoned(deployments()[folder], func() string { next++; return hostile[(next-1)%len(hostile)] })
			for file, shape := range shapes(t, d, folder) {
				if shape != harmless[file] {
					t.Errorf("%s/%s has other tokens with %+v", folder, file, d.Answers)
				}
			}
		}
	}
}

// shapes are the shapes of a deployment's scripts by file.
func shapes(t *testing.T, d federation.Deployment, folder string) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, step := range script(t, d) {
		if !strings.HasSuffix(step.File, ".ps1") {
			continue
		}
		tree, err := pstest.Parse(step.Text)
		if err != nil {
			t.Fatalf("%s/%s with %q: %v", folder, step.File, d.Answers.Site, err)
		}
		list[step.File] = tree.Shape()
	}
	return list
}

// poisoned is a deployment that has a hostile value wherever a text can stand that a script will hold. The names of the
// nodes stay, by which their addresses are found.
func poisoned(d federation.Deployment, value func() string) federation.Deployment {
	d.Name = value()
	a := &d.Answers
	a.TrustedPool, a.ApplicationID = value(), value()
	if a.Platform != federation.OCS2007R2 {
		a.Site, a.Registrar = value(), value()
	}
	a.Domains = []string{value(), value()}
	a.FrontEnds = slices.Clone(a.FrontEnds)
	for i := range a.FrontEnds {
		a.FrontEnds[i].FQDN = value()
	}
	if a.Expressway != nil {
		a.Expressway = &federation.Host{FQDN: value(), Address: a.Expressway.Address, Port: a.Expressway.Port}
	}
	d.Nodes = append(slices.Clone(d.Nodes), value())
	return d
}

func TestTheGrammarFindsWhatIsBroken(t *testing.T) {
	step, _ := File(script(t, deployments()["skype-2019-enterprise"]), "configure.ps1")
	for name, c := range map[string]struct{ old, broken string }{
		"an open brace":                  {"if ($ReplicationSeconds -eq 0) { return }", "if ($ReplicationSeconds -eq 0) { return"},
		"an open string":                 {"'Nothing was changed.'", "'Nothing was changed."},
		"a try without catch":            {"\nexit $code", "\ntry { exit $code }"},
		"a value that ends its string":   {"$Site = '1'", "$Site = '1’; calc #'"},
		"a value without quotes at all":  {"$Site = '1'", "$Site = 1 calc"},
		"a missing closing parenthesis":  {"@(Get-Rows)", "@(Get-Rows"},
		"a hash table's missing bracket": {"@{ Add = $route }", "@{ Add = $route"},
	} {
		if !strings.Contains(step.Text, c.old) {
			t.Fatalf("%s: the script has no %s", name, c.old)
		}
		if _, err := pstest.Parse(strings.Replace(step.Text, c.old, c.broken, 1)); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}
