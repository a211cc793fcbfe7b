package powershell

import (
	"regexp"
	"strings"
	"testing"
)

// PowerShell takes $pools for $Pools: a variable of a script's own would take the place of what the wizard was told.
func TestNoScriptWritesOverWhatTheWizardWasTold(t *testing.T) {
	assignment := regexp.MustCompile(`(?m)^( *)\$(\w+) = `)
	eachScript(t, func(t *testing.T, _, text string) {
		told := map[string]bool{}
		for _, m := range assignment.FindAllStringSubmatch(text, -1) {
			name := strings.ToLower(m[2])
			switch {
			case m[1] != "":
				if told[name] {
					t.Errorf("$%s is written over", m[2])
				}
			case m[2][0] >= 'A' && m[2][0] <= 'Z':
				told[name] = true
			}
		}
		if len(told) == 0 {
			t.Error("the script was told nothing")
		}
	})
}
