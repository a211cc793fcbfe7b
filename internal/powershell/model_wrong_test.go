package powershell

import (
	"slices"
	"strings"
	"testing"

	"isthmus/internal/pstest"
)

// TestTheModelFindsWhatIsWrong breaks configure.ps1 in ways that read well, and wants the model to tell.
func TestTheModelFindsWhatIsWrong(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	whole := text(t, d, "configure.ps1")
	for name, c := range map[string]struct{ old, broken string }{
		"the routes' collection is not named":         {"-Identity $row.Scope -Route", "-Identity 'Global' -Rout"},
		"the guide's misprint":                        {"-TLSRoute", "-TLSSRoute"},
		"a switch's dash is lost":                     {"-UseDefaultCertificate $true", "UseDefaultCertificate $true"},
		"a text for a boolean":                        {"-UseDefaultCertificate $true", "-UseDefaultCertificate 'true'"},
		"a cmdlet asks by itself":                     {"-Port $ApplicationPort -Confirm:$false", "-Port $ApplicationPort"},
		"a change outside the question":               {"if ($PSCmdlet.ShouldProcess($row.Scope, ('Add a static route for {0} to {1}' -f $row.Name, $row.Expected)))", "if ($true)"},
		"a list that is none for one thing":           {"$rows = @(Get-Rows)", "$rows = Get-Rows | Select-Object -First 1\n    $rows.Count"},
		"a property that is not there":                {"$_.State -eq 'missing'", "$_.Status -eq 'missing'"},
		"a variable that is misspelt":                 {"= $Registrar\n", "= $Registar\n"},
		"a key of the pool that is misspelt":          {"RequiresReplication  = $false", "RequireReplication  = $false"},
		"the routing node is added a second time":     {"$_.Kind -eq 'Computer' -and $_.Name -ne $RoutingNode", "$_.Kind -eq 'Computer'"},
		"the topology is left as it was":              {"            Publish-Topology\n", ""},
		"what is in the way is not looked at":         {"if ($conflicts.Count -gt 0)", "if ($conflicts.Count -gt 100)"},
		"the first computer does not come with it":    {"ComputerFqdn         = $RoutingNode", ""},
		"nothing is added although it says so":        {"Set-CsStaticRoutingConfiguration -Identity $row.Scope -Route @{ Add = $route } -Confirm:$false\n", "\n"},
		"the code is 0 whatever happens":              {"\n$code = 1\n", "\n$code = 0\n"},
		"a brace too few":                             {"$changed = $true\n        }\n    }\n", "$changed = $true\n        }\n"},
		"global alone, although the pool has its own": {"if ($own.Count -gt 0) { return $own }", ""},
	} {
		if !strings.Contains(whole, c.old) {
			t.Errorf("%s: the script has no %s", name, c.old)
			continue
		}
		if why := soundness(t, strings.Replace(whole, c.old, c.broken, 1)); why == "" {
			t.Errorf("nobody notices: %s", name)
		}
	}
	if why := soundness(t, whole); why != "" {
		t.Errorf("the script as it is: %s", why)
	}
}

// soundness is why a configure.ps1 is not sound on the model, "" when it is.
func soundness(t *testing.T, script string) string {
	t.Helper()
	d := servers()["skype-2019-enterprise"]
	own := "Service:Registrar:" + d.Answers.Registrar
	for _, c := range []struct {
		name, argument string
		code           int
		changes        []string
		place          func(s *pstest.State)
	}{
		{"fresh", "", 0, wanted(d, "Global"), func(*pstest.State) {}},
		{"without questions", "-Confirm:$false", 0, wanted(d, "Global"), func(*pstest.State) {}},
		{"what if", "-WhatIf", 0, nil, func(*pstest.State) {}},
		{"the pool's own", "", 0, wanted(d, own), func(s *pstest.State) { s.Collections = append(s.Collections, pstest.Collection{Identity: own}) }},
		{"a conflict", "", 1, nil, func(s *pstest.State) { conflicts[0].place(s, d) }},
	} {
		m := fresh(d)
		c.place(&m.State)
		result, err := m.Run(script, slices.DeleteFunc([]string{c.argument}, func(s string) bool { return s == "" })...)
		switch {
		case err != nil:
			return err.Error()
		case result.Code != c.code || !slices.Equal(result.Changes, c.changes) || len(result.Asked) > 0 && len(result.Asked) != len(result.Changes):
			return c.name + "\n" + told(result)
		case m.State.Unpublished:
			return c.name + ": the topology is not enabled"
		}
	}
	return ""
}
