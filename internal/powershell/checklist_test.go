package powershell

import (
	"strings"
	"testing"

	"isthmus/internal/federation"
)

func checklist(t *testing.T, d federation.Deployment) string {
	t.Helper()
	step, ok := File(script(t, d), "checklist.md")
	if !ok {
		t.Fatal("there is no checklist")
	}
	return step.Text
}

func TestTheChecklistOfEachPlatform(t *testing.T) {
	for _, c := range []struct {
		promise, kind string
		holds, lacks  []string
	}{
		{"the limits are told before anything else", "skype-2019-enterprise", []string{"VCS or Expressway", "Exchange Unified Messaging", "Group chat", "Cisco ASA", "presence web service"}, nil},
		{"rights by name", "skype-2019-enterprise", []string{"RTCUniversalServerAdmins", "`New-CsStaticRoute`", "delegated setup permission"}, nil},
		{"the trusted pool's name is in the nodes' certificates", "skype-2019-enterprise", []string{"`trustedpool.synergy.com` among its other names (SAN)"}, nil},
		{"Skype for Business and TLS 1.2", "skype-2015-standard", []string{"Both sides speak TLS 1.2."}, []string{"takes 1.0 and newer"}},
		{"Lync may know nothing newer than TLS 1.0", "lync-2010-enterprise", []string{"takes 1.0 and newer"}, []string{"Both sides speak TLS 1.2."}},
		{"contact lists since Lync 2013", "lync-2013-standard", []string{"Export-CsUserData -PoolFqdn 'fe1.synergy.com' -FileName", "Unblock-File"}, []string{"dbimpexp"}},
		{"contact lists before", "lync-2010-enterprise", []string{"dbimpexp.exe /hrxmlfile:C:\\Backup\\contacts.xml /sqlserver:SQL-SERVER\n", "each file: Properties, Unblock"}, []string{"Export-CsUserData", "Unblock-File"}},
		{"a standard edition has its own database", "lync-2010-standard", []string{"dbimpexp.exe /hrxmlfile:C:\\Backup\\contacts.xml\n"}, []string{"SQL-SERVER"}},
		{"the Expressway's part", "lync-2013-enterprise-calling", []string{"Microsoft interoperability is configured", "SIP broker is enabled, and listens on port 65072", "`exp.synergy.com`"}, nil},
		{"chat only knows no Expressway", "lync-2013-enterprise", nil, []string{"SIP broker", "65072"}},
		{"the busy hours are spared", "skype-2019-enterprise", []string{"Off the busy hours", "The window: ____"}, nil},
		{"OCS: ports, FIPS and certificates of each server, routes of the pool", "ocs-enterprise",
			[]string{"### `fe1.synergy.com`", "port 5061, transport MTLS", "Use FIPS compliant algorithms", "## Once for the pool `pool.synergy.com`, not for each front end", "Its subject is the pool's name, `pool.synergy.com`",
				"configure.ps1 -Backend SERVER\\INSTANCE"}, []string{"Cs"}},
		{"OCS over TCP has no TLS part", "ocs-standard-tcp", []string{"port 5060, transport TCP"}, []string{"FIPS", "MTLS", "ertificate", "-Backend"}},
	} {
		text := checklist(t, deployments()[c.kind])
		for _, want := range c.holds {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the checklist of %s lacks %q in\n%s", c.promise, c.kind, want, text)
			}
		}
		for _, foreign := range c.lacks {
			if strings.Contains(text, foreign) {
				t.Errorf("%s: the checklist of %s holds %q", c.promise, c.kind, foreign)
			}
		}
	}
}

// What applies to a server stands once for each, what applies to a domain once for each, and what applies to the pool once.
func TestTheChecklistOfOCSIsPerServerAndPerPool(t *testing.T) {
	d := deployments()["ocs-enterprise"]
	text := checklist(t, d)
	for _, c := range []struct {
		what string
		want int
	}{
		{"General: under Connections", len(d.Answers.FrontEnds)}, {"FIPS compliant", len(d.Answers.FrontEnds)}, {"Its subject is", len(d.Answers.FrontEnds)},
		{"right-click it, Stop, Front End Services", len(d.Answers.FrontEnds)}, {"Routing, Add:", 1}, {"Host Authorization, Add:", 1},
		{"is a domain of Isthmus", len(d.Answers.Domains)}, {"gets an answer", len(d.Answers.Domains)},
	} {
		if got := strings.Count(text, c.what); got != c.want {
			t.Errorf("%q stands there %d times, want %d", c.what, got, c.want)
		}
	}
}

func TestEveryDomainIsAskedAbout(t *testing.T) {
	d := deployments()["skype-2019-enterprise"]
	d.Answers.Domains = []string{"synergy.com", "synergy.co.uk", "cisco.com"}
	for _, domain := range d.Answers.Domains {
		for _, line := range []string{"`" + domain + "` is a domain of Isthmus", "leads `" + domain + "` elsewhere", "In `" + domain + "`, a user of the Microsoft side"} {
			if !strings.Contains(checklist(t, d), line) {
				t.Errorf("nobody looks whether %s", line)
			}
		}
	}
}
