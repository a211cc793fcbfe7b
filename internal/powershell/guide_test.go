package powershell

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// printedCommands are the examples of the guide (p.75-77; for the two lines without an example, their form on p.75 and
// p.77), as they are printed there, mistakes included. Each has what we do otherwise: - for a parameter that only the
// guide has, + for one that only we have.
var printedCommands = []struct {
	line  string
	other []string // why stands behind
}{
	{"New-CsStaticRoute -TLSSRoute -Destination impserverPub.sip.com -Port 5061 -usedefaultcertificate $true -MatchUri example.com",
		[]string{"+tlsroute", "-tlssroute"}}, // the cmdlet has no such switch
	{"Set-CsStaticRoutingConfiguration -Route @{Add=$tlsRoute}",
		[]string{"+confirm", "+identity"}}, // without a name it takes the global collection, which a pool may not use
	{"New-CsTrustedApplicationPool -Identity trustedpool.sip.com -Registrar lyncserver.synergy.com -Site 1 -TreatAsAuthenticated $true -ThrottleAsServer $true -RequiresReplication $false -OutboundOnly $false -Computerfqdn impserverPub.sip.com",
		[]string{"+confirm"}}, // configure.ps1 has asked already
	{"New-CsTrustedApplicationComputer -Identity impserver2.sip.com -Pool trustedpool.sip.com", []string{"+confirm"}},
	{"New-CsTrustedApplication -ApplicationID imptrustedapp.sip.com -TrustedApplicationPoolFqdn trustedpool.sip.com -Port 5061", []string{"+confirm"}},
	{"Enable-CsTopology", []string{"+confirm"}},
}

func TestOurCommandsAreTheGuidesWithoutItsMistakes(t *testing.T) {
	step, _ := File(script(t, deployments()["lync-2010-enterprise"]), "configure.ps1")
	for _, c := range printedCommands {
		name, _, _ := strings.Cut(c.line, " ")
		ours, ok := ourCommand(step.Text, name)
		if !ok {
			t.Errorf("configure.ps1 does not call %s", name)
			continue
		}
		if got := differences(parameters(c.line), ours); !slices.Equal(got, c.other) {
			t.Errorf("%s differs from the guide's in %q, want %q", name, got, c.other)
		}
	}
}

// The routing node is the pool's first computer, and is never added again (guide p.71); every other node is.
func TestTheGuidesOrderAndItsRoutingNode(t *testing.T) {
	step, _ := File(script(t, deployments()["lync-2010-enterprise"]), "configure.ps1")
	place := -1
	for _, c := range printedCommands {
		name, _, _ := strings.Cut(c.line, " ")
		// Enable-CsTopology stands in a function, which is called by its name.
		now := strings.LastIndex(step.Text, strings.Replace(name, "Enable-CsTopology", "Publish-Topology", 1))
		if now < place {
			t.Errorf("%s comes too early", name)
		}
		place = now
	}
	if !strings.Contains(step.Text, "$_.Kind -eq 'Computer' -and $_.Name -ne $RoutingNode") {
		t.Error("the routing node is added to the pool that it came with")
	}
}

func TestTheReadingOfCommandsFindsDifferences(t *testing.T) {
	text := "$Site = '2'\n$Node = 'a'\n    $x = @{\n        Site = $Site\n        New  = $true\n    }\n    Do-It @x -Name $Node -Confirm:$false | Out-Null\n"
	ours, _ := ourCommand(text, "Do-It")
	want := []string{"+confirm", "+new", "-old", "name a, not b", "site 2, not 1"}
	if got := differences(parameters("Do-It -Site 1 -Name b -Old"), ours); !slices.Equal(got, want) {
		t.Errorf("the differences are %q, want %q", got, want)
	}
}

var parameterPattern = regexp.MustCompile(`-([A-Za-z]+)(?::(\S+)|\s+(@\{[^}]*\}|[^-@|\s]\S*))?`)

// parameters are those of a line, by their names in small letters.
func parameters(line string) map[string]string {
	_, line, _ = strings.Cut(line, " ")
	found := map[string]string{}
	for _, m := range parameterPattern.FindAllStringSubmatch(" "+line, -1) {
		found[strings.ToLower(m[1])] = m[2] + m[3]
	}
	return found
}

// ourCommand is the call of a cmdlet in a script, with its values filled in as far as the script gives them: those that
// a loop goes through are the last of their list, and a route's object and collection are the guide's.
func ourCommand(text, name string) (map[string]string, bool) {
	line := regexp.MustCompile(`(?m)^ +(?:\$\w+ = )?(` + name + `\b[^|\n]*)`).FindStringSubmatch(text)
	if line == nil {
		return nil, false
	}
	found := parameters(line[1])
	if splat := regexp.MustCompile(`\s@(\w+)`).FindStringSubmatch(line[1]); splat != nil {
		table := regexp.MustCompile(`(?s)\$` + splat[1] + ` = @\{(.*?)\}`).FindStringSubmatch(text)
		for _, m := range regexp.MustCompile(`(\w+) += (\S+)`).FindAllStringSubmatch(table[1], -1) {
			found[strings.ToLower(m[1])] = m[2]
		}
	}
	loops := map[string]string{"New-CsStaticRoute": "MatchUris", "New-CsTrustedApplicationComputer": "Computers"}
	for key, value := range found {
		switch {
		case value == "$row.Name":
			found[key] = lastValue(text, loops[name])
		case strings.HasPrefix(value, "@{"):
			found[key] = strings.ReplaceAll(strings.ReplaceAll(value, " ", ""), "$route", "$tlsRoute")
		case strings.HasPrefix(value, "$") && value != "$true" && value != "$false":
			found[key] = lastValue(text, value[1:])
		}
	}
	return found, true
}

// lastValue is what a script gives to a variable, the last one of a list.
func lastValue(text, variable string) string {
	m := regexp.MustCompile(`(?m)^\$` + variable + ` = (.*)$`).FindStringSubmatch(text)
	if m == nil {
		return "$" + variable
	}
	list := strings.Split(strings.Trim(m[1], "@()"), ", ")
	return strings.Trim(list[len(list)-1], "'")
}

func differences(guide, ours map[string]string) []string {
	var list []string
	for key, value := range guide {
		if got, ok := ours[key]; !ok {
			list = append(list, "-"+key)
		} else if !strings.EqualFold(got, value) {
			list = append(list, key+" "+got+", not "+value)
		}
	}
	for key := range maps.Keys(ours) {
		if _, ok := guide[key]; !ok {
			list = append(list, "+"+key)
		}
	}
	slices.Sort(list)
	return list
}
