package powershell

import (
	"regexp"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

// newer are constructs that PowerShell 2.0, .NET 2.0 or Lync Server 2010 do not know, each with a line that holds it.
// Windows Server 2008 R2, on which Lync 2010 and OCS run, brings no more.
var newer = []struct{ pattern, example string }{
	{`(?i)\s-(not)?in\s`, "if ($a -in $b) { }"},
	{`(?i)\s-sh[lr]\s`, "$a -shl 2"},
	{`(?i)\[ordered\]`, "$a = [ordered]@{}"},
	{`(?i)\[pscustomobject\]`, "[PSCustomObject]@{}"},
	{`(?i)::new\(`, "[Guid]::new()"},
	{`(?i)\bConvert(To|From)-Json\b`, "$a | ConvertTo-Json"},
	{`(?i)\$PS(Item|ScriptRoot|CommandPath)\b`, "$PSItem.Name"},
	{`(?i)\$using:`, "$using:name"},
	{`(?i)Where-Object\s+[^{\s]`, "Where-Object Name -eq 'a'"},
	{`(?i)ForEach-Object\s+[^{\s]`, "ForEach-Object Name"},
	{`(?i)\)\.(ForEach|Where)\(`, "@($a).Where({ $_ })"},
	{`(?i)^\s*(class|enum|using)\s`, "class Route { }"},
	{`(?i)\s(&&|\|\||\?\?|\?)\s`, "$a ?? $b"},
	{`(?i)\s(\*|[3-6])>`, "Get-It *> $null"},
	{`(?i)^#Requires\s+-(Modules|RunAsAdministrator|PSEdition)`, "#Requires -Modules Lync"},
	{`(?i)^#Requires\s+-Version\s+[3-9]`, "#Requires -Version 3.0"},
	{`(?i)Unblock-File`, "# Unblock-File .\\configure.ps1"},
	{`(?i)(Invoke-(RestMethod|WebRequest)|Test-NetConnection|Resolve-DnsName)`, "Resolve-DnsName 'a'"},
	{`(?i)(Import|Export)-(Certificate|PfxCertificate)`, "Import-Certificate -FilePath $a"},
	{`(?i)-Cim[A-Z]`, "Get-CimInstance x"},
	{`(?i)(Get-FileHash|New-Guid|Write-Information|Compress-Archive|New-SelfSignedCertificate)`, "New-Guid"},
	{`(?i)Get-Content\s.*-(Raw|Tail)\b`, "Get-Content -Path $a -Raw"},
	{`(?i)Get-ChildItem\s.*-(File|Directory)\b`, "Get-ChildItem -Path $a -File"},
	{`(?i)Export-Csv\s.*-Append\b`, "Export-Csv -Path $a -Append"},
	{`(?i)IsNullOrWhiteSpace`, "[string]::IsNullOrWhiteSpace($a)"},
	{`(?i)Get-CsManagementStoreReplicationStatus\s+-`, "Get-CsManagementStoreReplicationStatus -CentralManagementStoreStatus"},
	{`(?i)(ClsLogging|Cs(User|Conf)Data|CsPoolUpgradeReadinessState|CsPoolFailOver|VideoInterop)`, "Export-CsUserData -PoolFqdn $a"},
}

var (
	newerPatterns = func() (list []*regexp.Regexp) {
		for _, n := range newer {
			list = append(list, regexp.MustCompile(n.pattern))
		}
		return list
	}()
	quotedText = regexp.MustCompile(`'[^']*'`)
)

// newerThanTwo is the first construct of a line that PowerShell 2.0 does not know, "" when there is none.
func newerThanTwo(line string) string {
	if !strings.HasPrefix(strings.TrimSpace(line), "#") {
		line = quotedText.ReplaceAllString(line, "''")
	}
	for _, p := range newerPatterns {
		if found := p.FindString(line); found != "" {
			return found
		}
	}
	return ""
}

func TestOldServersGetNothingThatTheirPowerShellLacks(t *testing.T) {
	for _, n := range newer {
		if newerThanTwo(n.example) == "" {
			t.Errorf("%s passes", n.example)
		}
	}
	for kind, d := range deployments() {
		if d.Answers.Platform != federation.Lync2010 && !valuesOf(d, snapshot()).OCS() {
			continue
		}
		pages, err := Pages(d, snapshot())
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range append(script(t, d), PageSteps(pages)...) {
			if !strings.HasSuffix(step.File, ".ps1") {
				continue
			}
			if !strings.HasPrefix(step.Text, "#Requires -Version 2.0\n") {
				t.Errorf("%s: %s does not begin with the engine that it needs", kind, step.File)
			}
			for line := range strings.Lines(step.Text) {
				// A cmdlet that the script looks for first may be missing.
				if found := newerThanTwo(line); found != "" && !strings.Contains(step.Text, "if (Get-Command -Name '"+found+"' -ErrorAction SilentlyContinue) {") {
					t.Errorf("%s: %s needs more than PowerShell 2.0 (%s): %s", kind, step.File, found, line)
				}
			}
		}
	}
}

func TestNewServersAreToldOfUnblockFile(t *testing.T) {
	for kind, want := range map[string]string{
		"skype-2015-standard": "# After a download: Unblock-File .\\*.ps1, or Properties and Unblock.\n", "lync-2010-standard": "# After a download: Properties of the file, Unblock.\n",
	} {
		for _, step := range script(t, deployments()[kind]) {
			if strings.HasSuffix(step.File, ".ps1") && !strings.Contains(step.Text, want) {
				t.Errorf("%s/%s lacks %q", kind, step.File, want)
			}
		}
	}
}
