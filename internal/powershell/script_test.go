package powershell

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

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

var untidy = regexp.MustCompile(`(?m)[ \t]+$|\n\n\n`)

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
			if strings.Contains(step.Text, "<no value>") || untidy.MatchString(step.Text) {
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
		{"skype-2019-enterprise", "configure.ps1", "$Destination = 'imp1.synergy.com'\n$DestinationPort = 5061\n$Pools"},
		{"skype-2019-enterprise", "configure.ps1", "#Requires -Version 3.0"},
		{"skype-2015-standard", "configure.ps1", "$MatchUris = @('synergy.com', '*.synergy.com', 'synergy.co.uk', '*.synergy.co.uk')"},
		{"skype-2015-standard", "configure.ps1", "$Site = 'Zürich''s ‘‘north’’'"},
		{"skype-2015-standard", "restart.ps1", "= @('fe1.synergy.com'),"},
		{"lync-2010-enterprise", "configure.ps1", "#Requires -Version 2.0"},
		{"lync-2013-enterprise-calling", "configure.ps1", "$Destination = 'exp.synergy.com'\n$DestinationPort = 65072"},
		{"lync-2013-enterprise-calling", "configure.ps1", "-VerificationLevel AlwaysVerifiable"},
		{"lync-2013-enterprise-calling", "configure.ps1", "New-CsPublicProvider -Identity $Provider -ProxyFqdn $Destination -Enabled $true -VerificationLevel AlwaysVerifiable"},
		{"lync-2010-enterprise", "configure.ps1", "in the Lync Server Management Shell on a front end, as a member of RTCUniversalServerAdmins, or of a\n# role (RBAC) to which the cmdlet New-CsStaticRoute is assigned"},
		{"skype-2019-enterprise", "rollback.ps1", "# Deployment 'pool.synergy.com': the wizard was finished 2026-03-04 09:41:00 UTC by 'm.keller', revision 12.\n# Written by Isthmus. Fingerprint "},
		{"skype-2019-enterprise", "verify.ps1", "likely to belong to a VCS or Expressway for video, or to Exchange Unified Messaging for voice mail"},
		{"skype-2015-standard", "verify.ps1", "$Names = @('imp1.synergy.com', 'imp2.synergy.com')\n$Addresses = @{\n    'imp1.synergy.com' = '10.1.10.11'\n    'imp2.synergy.com' = '10.1.10.12'\n}"},
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

// Whoever finds a conflict is told what it is likely to be.
func TestEveryConflictHasItsAdvice(t *testing.T) {
	presence := []string{KindSite, KindRegistrar, KindSIPDomain} // there or missing, and never different
	for _, kind := range []string{"skype-2019-enterprise", "lync-2013-enterprise-calling"} {
		for _, file := range []string{"configure.ps1", "verify.ps1"} {
			step, _ := File(script(t, deployments()[kind]), file)
			for _, row := range verifyKinds {
				if slices.Contains(presence, row) || row == KindPublicProvider && kind != "lync-2013-enterprise-calling" {
					continue
				}
				if !regexp.MustCompile(`(?m)^    ` + row + ` += '.{40,}'$`).MatchString(step.Text) {
					t.Errorf("%s/%s has no advice for a conflict of the kind %s", kind, file, row)
				}
			}
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
		{"chat only passes the Expressway by", "lync-2013-enterprise-calling",
			func(d *federation.Deployment) { d.Answers.Deployment = federation.ChatOnly }, "$Destination = 'imp1.synergy.com'\n$DestinationPort = 5061"},
		{"Lync 2010 needs a provider for the Expressway", "lync-2013-enterprise-calling",
			func(d *federation.Deployment) { d.Answers.Platform = federation.Lync2010 }, "$Provider = 'isthmus'"},
		{"the name of a node on loopback may lead anywhere", "skype-2019-enterprise",
			func(d *federation.Deployment) { d.Answers.RoutingNode = "laptop.localdomain" }, "    'laptop.localdomain' = ''"},
		{"the name of the Expressway leads to its own address", "lync-2013-enterprise-calling", func(*federation.Deployment) {}, "    'exp.synergy.com' = '10.1.30.31'"},
		{"all is sent to a load balancer before the nodes", "skype-2019-enterprise", behindBalancer, "$Destination = 'sip.synergy.com'\n$DestinationPort = 5061"},
		{"which is a trusted computer", "lync-2013-enterprise", behindBalancer, "$Computers = @('imp1.synergy.com', 'imp2.synergy.com', 'sip.synergy.com')"},
		{"and looked up, wherever it leads", "lync-2010-enterprise", behindBalancer, "    'sip.synergy.com' = ''"},
		{"OCS names it, too", "ocs-enterprise", behindBalancer, "$NextHop = 'sip.synergy.com'\n$NextHopPort = 5061"},
		{"and authorizes it", "ocs-enterprise", behindBalancer, "$Hosts = @('imp1.synergy.com', '10.1.10.11', 'imp2.synergy.com', '10.1.10.12', 'sip.synergy.com')"},
		{"every node is looked up", "lync-2013-enterprise-calling", func(*federation.Deployment) {}, "    'imp2.synergy.com' = '10.1.10.12'"},
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
	d := deployments()["lync-2013-enterprise-calling"]
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
		"lync-2013-enterprise-calling": "in the Lync Server Management Shell on", "ocs-enterprise": "in Windows PowerShell on",
	} {
		if step, _ := File(script(t, deployments()[folder]), "configure.ps1"); !strings.Contains(step.Where, want) {
			t.Errorf("%s: %q, want it run %s", folder, step.Where, want)
		}
	}
}

// TestTemplatesQuoteEveryValue reads the templates themselves: an action either steers, or goes through one of the
// functions that quote, or prints a text that this package makes.
func TestTemplatesQuoteEveryValue(t *testing.T) {
	action := regexp.MustCompile(`\{\{-?\s*(.*?)\s*-?\}\}`)
	safe := regexp.MustCompile(`^((quote|list|code|number) .*|define ".*|template "[a-z]+" \.|end|else|(if|range) .*|\$[a-z]+ := .*|\$transport|\.(Finished|Revision|Engine|Shell|Product|Fingerprint)|)$`)
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

func TestCodeSpansHoldBackticks(t *testing.T) {
	for value, want := range map[string]string{"a": "`a`", "a`b": "`` a`b ``", "``": "``` `` ```"} {
		if got, err := code(value); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", value, got, err, want)
		}
	}
}
