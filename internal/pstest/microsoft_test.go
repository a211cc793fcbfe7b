package pstest

import (
	"strings"
	"testing"
)

// example is a Microsoft side with one of everything.
func example() *Microsoft {
	return NewMicrosoft(State{
		SIPDomains: []string{"a.example.com"}, Sites: []Site{{ID: "1", Name: "Redmond"}}, Registrars: []string{"pool.example.com"},
		Collections: []Collection{{Identity: "Global", Routes: []Route{{MatchURI: "a.example.com", Destination: "x.example.com", Port: 5061, TLS: true}}},
			{Identity: "Service:Registrar:pool.example.com"}},
		TrustedPools: []TrustedPool{{FQDN: "t.example.com", Registrar: "pool.example.com", Site: "1", Computers: []string{"n1.example.com"},
			Applications: []Application{{ID: "app", Port: 5061}}}},
		Providers: []Provider{{Identity: "P", ProxyFQDN: "p.example.com"}},
		Policies:  []Policy{{Identity: "Global"}},
		FrontEnds: []FrontEnd{{FQDN: "fe1.example.com", Running: []string{"RTCSRV", "RTCATS"}}},
	}, "Lync")
}

const start = "Set-StrictMode -Version Latest\n$ErrorActionPreference = 'Stop'\nImport-Module -Name 'Lync'\n"

func TestRefusalsOfTheMicrosoftSide(t *testing.T) {
	for _, c := range []struct{ name, call, want string }{
		{"the last computer of a pool", "Remove-CsTrustedApplicationComputer -Identity 'n1.example.com' -Confirm:$false", "last computer"},
		{"a port that is taken in the pool", "New-CsTrustedApplication -ApplicationId 'other' -TrustedApplicationPoolFqdn 't.example.com' -Port 5061 -Confirm:$false", "already"},
		{"an id that is taken in the pool", "New-CsTrustedApplication -ApplicationId 'APP' -TrustedApplicationPoolFqdn 't.example.com' -Port 5062 -Confirm:$false", "already"},
		{"an id with a blank", "New-CsTrustedApplication -ApplicationId 'a b' -TrustedApplicationPoolFqdn 't.example.com' -Port 5062 -Confirm:$false", "no blanks"},
		{"an application in a pool that is not there", "New-CsTrustedApplication -ApplicationId 'a' -TrustedApplicationPoolFqdn 'u.example.com' -Port 5062 -Confirm:$false", "Cannot find"},
		{"a pool that is there", "New-CsTrustedApplicationPool -Identity 't.example.com' -Registrar 'pool.example.com' -Site '1' -ComputerFqdn 'n2.example.com' -Confirm:$false", "already"},
		{"a pool with a site's identity for its id", "New-CsTrustedApplicationPool -Identity 'u.example.com' -Registrar 'pool.example.com' -Site 'Site:Redmond' -ComputerFqdn 'n2.example.com' -Confirm:$false", "SiteId"},
		{"a pool with a registrar that is not there", "New-CsTrustedApplicationPool -Identity 'u.example.com' -Registrar 'x.example.com' -Site '1' -ComputerFqdn 'n2.example.com' -Confirm:$false", "registrar"},
		{"a computer of another pool", "New-CsTrustedApplicationPool -Identity 'u.example.com' -Registrar 'pool.example.com' -Site '1' -ComputerFqdn 'n1.example.com' -Confirm:$false", "already"},
		{"a second computer in a pool that has its own name's", "New-CsTrustedApplicationPool -Identity 'u.example.com' -Registrar 'pool.example.com' -Site '1' -Confirm:$false | Out-Null\n" +
			"New-CsTrustedApplicationComputer -Identity 'n2.example.com' -Pool 'u.example.com' -Confirm:$false", "its own name"},
		{"a second route for a domain", "$r = New-CsStaticRoute -TLSRoute -Destination 'y.example.com' -Port 5061 -MatchUri 'A.example.com'\nSet-CsStaticRoutingConfiguration -Identity 'Global' -Route @{ Add = $r } -Confirm:$false", "already"},
		{"a route over TLS to an address", "New-CsStaticRoute -TLSRoute -Destination '10.1.1.1' -Port 5061 -MatchUri 'b.example.com'", "over TLS it is a name"},
		{"a route to port 0", "New-CsStaticRoute -TLSRoute -Destination 'x.example.com' -Port 0 -MatchUri 'b.example.com'", "Port"},
		{"a collection that is not there", "Set-CsStaticRoutingConfiguration -Identity 'Service:Registrar:q.example.com' -Route @{ Remove = @((Get-CsStaticRoutingConfiguration -Identity 'Global').Route)[0] } -Confirm:$false", "Cannot find"},
		{"a provider's host that is taken", "New-CsPublicProvider -Identity 'Q' -ProxyFqdn 'P.example.com' -Enabled $true -Confirm:$false", "already"},
		{"a text for a boolean", "New-CsPublicProvider -Identity 'Q' -ProxyFqdn 'q.example.com' -Enabled 'yes' -Confirm:$false", "Boolean"},
		{"a pool that is not there", "Get-CsTrustedApplicationPool -Identity 'u.example.com'", "Cannot find"},
		{"a front end that is not there", "Stop-CsWindowsService -Name 'RTCSRV' -ComputerName 'fe9.example.com' -Confirm:$false", "cannot be reached"},
	} {
		m := example()
		before := m.State.Clone()
		result, err := m.Run(start + c.call)
		if err != nil || !strings.Contains(result.Uncaught, c.want) {
			t.Errorf("%s: %q, %v; want %s", c.name, result.Uncaught, err, c.want)
		}
		if strings.Count(c.call, "\n") == 0 && m.State.Text() != before.Text() {
			t.Errorf("%s: something was changed", c.name)
		}
	}
}

func TestCallsThatNoScriptOfOursMayMake(t *testing.T) {
	for name, call := range map[string]string{
		"both kinds of route":                   "New-CsStaticRoute -TLSRoute -TCPRoute -Destination 'x' -Port 1 -MatchUri 'b'",
		"the guide's misprint":                  "New-CsStaticRoute -TLSSRoute -Destination 'x' -Port 1 -MatchUri 'b'",
		"a route without its port":              "New-CsStaticRoute -TLSRoute -Destination 'x.example.com' -MatchUri 'b'",
		"a cmdlet that does not exist":          "Restart-CsWindowsService -Name 'RTCSRV'",
		"Replace, which wipes others' routes":   "Set-CsStaticRoutingConfiguration -Identity 'Global' -Route @{ Replace = $null } -Confirm:$false",
		"$null, which wipes others' routes":     "Set-CsStaticRoutingConfiguration -Identity 'Global' -Route $null -Confirm:$false",
		"mixed parameter sets":                  "Set-CsStaticRoutingConfiguration -Identity 'Global' -Instance 1 -Route @{ } -Confirm:$false",
		"a -WhatIf where there is none":         "New-CsStaticRoute -TLSRoute -Destination 'x.example.com' -Port 1 -MatchUri 'b' -WhatIf",
		"a change that asks by itself":          "Remove-CsTrustedApplicationPool -Identity 't.example.com'",
		"a cmdlet whose errors are passed over": "$ErrorActionPreference = 'Continue'\nGet-CsTrustedApplicationPool -Identity 'u.example.com'",
	} {
		if result, err := example().Run(start + call); err == nil {
			t.Errorf("%s passes: %+v", name, result)
		}
	}
}

func TestRemovingTheGlobalRoutesWipesThem(t *testing.T) {
	m := example()
	if _, err := m.Run(start + "Remove-CsStaticRoutingConfiguration -Identity 'Global' -Confirm:$false"); err != nil {
		t.Fatal(err)
	}
	if len(m.State.Collections) != 2 || len(m.State.Collections[0].Routes) != 0 {
		t.Errorf("the collections are %+v", m.State.Collections)
	}
}

func TestRemovingAPoolTakesWhatIsInIt(t *testing.T) {
	m := example()
	result, err := m.Run(start + "Remove-CsTrustedApplicationPool -Identity 't.example.com' -Confirm:$false\n@(Get-CsTrustedApplicationComputer).Count; @(Get-CsTrustedApplication).Count\nEnable-CsTopology -Confirm:$false | Out-Null")
	if err != nil || Text(result.Output) != "0 0" || m.State.Unpublished {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestWhatIfOfTheCmdletsThemselves(t *testing.T) {
	m := example()
	before := m.State.Clone()
	result, err := m.Run("[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]\nparam()\n"+start+"Remove-CsTrustedApplicationPool -Identity 't.example.com' -Confirm:$false", "-WhatIf")
	if err != nil || len(result.Changes) > 0 || len(result.Host) != 1 || m.State.Text() != before.Text() {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestServicesDependOnTheFrontEndService(t *testing.T) {
	m := example()
	const running = "@(Get-CsWindowsService -ComputerName 'fe1.example.com' -ExcludeActivityLevel | Where-Object { $_.Status -eq 'Running' }).Count\n"
	result, err := m.Run(start + running + "Stop-CsWindowsService -Name 'RTCSRV' -ComputerName 'fe1.example.com' -Confirm:$false\n" + running +
		"Start-CsWindowsService -Name 'RTCSRV' -ComputerName 'fe1.example.com' -Confirm:$false\n" + running + "Start-Sleep -Seconds 5\n" + running)
	if err != nil || Text(result.Output) != "2 0 0 1" {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestTheFailingCallFails(t *testing.T) {
	m := example()
	m.Fails, m.FailAt = "Get-CsSite", 2
	result, err := m.Run(start + "@(Get-CsSite).Count; try { Get-CsSite } catch { 'failed' }; @(Get-CsSite).Count")
	if err != nil || Text(result.Output) != "1 failed 1" || m.Called["Get-CsSite"] != 3 {
		t.Errorf("%+v, %v", result, err)
	}
}
