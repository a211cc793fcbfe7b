package powershell

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Calls that the guide prints wrongly, that wipe what others made, or that let a value become code.
var forbidden = []string{"-TLSSRoute", "Remove-CsStaticRoutingConfiguration", "-Route $null", "Replace =", "Replace=", "Restart-CsWindowsService",
	"Invoke-Expression", "iex ", "Get-CsManagementConnection", "Disable-CsUser", "'site:", "-EnableTcp", "Add-Type", "& $", "[scriptblock]", "EncodedCommand"}

func TestForbiddenCalls(t *testing.T) {
	eachScript(t, func(t *testing.T, _, text string) {
		for _, call := range forbidden {
			if strings.Contains(strings.ToLower(text), strings.ToLower(call)) {
				t.Errorf("the script holds %s", call)
			}
		}
		for line := range strings.Lines(text) {
			if strings.Contains(line, "Set-CsStaticRoutingConfiguration") && !strings.Contains(line, "-Identity $") {
				t.Errorf("routes are set without naming their collection: %s", line)
			}
		}
	})
}

func TestEveryCallFitsAParameterSet(t *testing.T) {
	var facts struct{ Skype, Windows map[string][][]string }
	data, err := os.ReadFile("testdata/cmdlets.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &facts); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	eachScript(t, func(t *testing.T, _, text string) {
		tokens, err := tokenize(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range calls(tokens) {
			if strings.Contains(text, "function "+c.command) {
				continue
			}
			sets, ok := facts.Skype[c.command]
			if !ok {
				sets, ok = facts.Windows[c.command]
			}
			used[c.command] = true
			if !ok {
				t.Errorf("line %d calls %s, which is no cmdlet known here", c.line, c.command)
			} else if !slices.ContainsFunc(sets, func(set []string) bool { return fits(c, set) }) {
				t.Errorf("line %d: no parameter set of %s takes %v", c.line, c.command, c.parameters)
			}
		}
	})
	for name := range facts.Skype {
		if !used[name] {
			t.Errorf("no script uses %s; take it out of the facts", name)
		}
	}
}

// positional are the first arguments that the scripts give without their names.
var positional = map[string]string{"Where-Object": "FilterScript", "ForEach-Object": "Process", "Write-Host": "Object", "Write-Warning": "Message"}

func fits(c call, set []string) bool {
	given := append(slices.Clone(c.parameters), positional[c.command])
	for _, p := range set {
		name, mandatory := strings.CutSuffix(p, "!")
		if mandatory && !slices.Contains(given, name) {
			return false
		}
	}
	return !slices.ContainsFunc(c.parameters, func(p string) bool {
		return !slices.Contains(set, p) && !slices.Contains(set, p+"!")
	})
}

func TestBracketsMatch(t *testing.T) {
	pairs := map[string]string{")": "(", "}": "{", "]": "["}
	eachScript(t, func(t *testing.T, _, text string) {
		tokens, err := tokenize(text)
		if err != nil {
			t.Fatal(err)
		}
		var open []token
		for _, tok := range tokens {
			switch {
			case tok.kind == "mark" && strings.Contains("({[", tok.text):
				open = append(open, tok)
			case tok.kind == "mark" && pairs[tok.text] != "":
				if len(open) == 0 || open[len(open)-1].text != pairs[tok.text] {
					t.Fatalf("line %d closes %s, which is not open", tok.line, tok.text)
				}
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 {
			t.Errorf("line %d opens %s and nothing closes it", open[0].line, open[0].text)
		}
	})
}

func TestChangingScriptsAskFirst(t *testing.T) {
	changing := regexp.MustCompile(`^(New-CsTrusted|New-CsStatic|New-CsPublic|Set-Cs|Remove-Cs|Enable-Cs|Stop-Cs|Start-Cs|Set-Wmi)`)
	eachScript(t, func(t *testing.T, file, text string) {
		tokens, err := tokenize(text)
		if err != nil {
			t.Fatal(err)
		}
		changes := slices.ContainsFunc(calls(tokens), func(c call) bool { return changing.MatchString(c.command) })
		if file == "verify.ps1" {
			if changes {
				t.Error("verify.ps1 changes something")
			}
			return
		}
		for _, part := range []string{"SupportsShouldProcess = $true, ConfirmImpact = 'High'", "Set-StrictMode -Version Latest", "$ErrorActionPreference = 'Stop'", "exit $code"} {
			if !strings.Contains(text, part) {
				t.Errorf("the script lacks %s", part)
			}
		}
		if asks := strings.Count(text, "$PSCmdlet.ShouldProcess("); asks == 0 {
			t.Error("the script changes without asking")
		}
	})
}
