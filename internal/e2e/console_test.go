//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

const password = "herring gull over grey water"

// TestABrowserGoesFromTheSetUpLinkToAScript is what a newcomer does on the first day.
func TestABrowserGoesFromTheSetUpLinkToAScript(t *testing.T) {
	m := newMachine(t, "imp1.synergy.com", network()+nodeHost, newDatabase(t))
	p := m.serve()
	b := newTab(t, "http://"+m.console)

	_, link, found := strings.Cut(p.out.String(), "minutes: ")
	if !found {
		t.Fatalf("no set-up link in %q", p.out)
	}
	b.visits(strings.TrimSpace(link))
	b.types("name", "anna")
	b.types("password", password)
	b.types("password_again", password)
	b.presses("Create the administrator", "From here to a working federation")
	b.presses("Sign out", "Sign in")
	b.types("name", "anna")
	b.types("password", password)
	b.presses("Sign in", "imp1.synergy.com")

	b.visits("/domains/new")
	b.types("name", "synergy.com")
	b.presses("Save", "synergy.com")

	b.visits("/wizard")
	b.chooses("acknowledged", "true")
	b.presses("Begin", "Platform")
	b.chooses("platform", "skype_for_business_2015")
	b.presses("Next", "Edition")
	b.chooses("edition", "enterprise")
	b.types("pool", "pool.synergy.com")
	b.types("registrar", "pool.synergy.com")
	b.types("site", "1")
	b.presses("Next", "Front ends")
	b.types("front_ends[0].fqdn", "fe1.synergy.com")
	b.types("front_ends[0].address", "10.1.20.21")
	b.presses("Next", "Domains")
	b.chooses("domains", "synergy.com")
	b.presses("Next", "Routing node")
	b.presses("Next", "Review what Finish will do")
	b.presses("Finish and make the scripts", "Now the Microsoft side")
	b.savesScript()
	for _, path := range []string{"/", "/static-routes", "/acl", "/deployments"} {
		b.visits(path)
	}
	if r := m.isthmus("config", "export"); !strings.Contains(r, "next_hop: 10.1.20.21") {
		t.Errorf("what Finish set up:\n%s", r)
	}
}

// savesScript downloads a script, which Windows must be able to read: a BOM, and CRLF alone.
func (b *tab) savesScript() {
	b.t.Helper()
	path, name := b.saves("Download configure.ps1")
	content, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	if !strings.HasPrefix(name, "configure") || !strings.HasSuffix(name, ".ps1") || !bytes.HasPrefix(content, []byte("\xef\xbb\xbf")) || bytes.Count(content, []byte("\n")) != bytes.Count(content, []byte("\r\n")) ||
		!bytes.Contains(content, []byte("pool.synergy.com")) {
		b.t.Errorf("downloaded as %s:\n%.400q", name, content)
	}
}
