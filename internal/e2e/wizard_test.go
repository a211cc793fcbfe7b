//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// begins is a browser in the wizard's first step, on a node that holds synergy.com.
func begins(t *testing.T) (*machine, *tab) {
	t.Helper()
	m := newMachine(t, "imp1.synergy.com", network()+nodeHost, newDatabase(t))
	m.apply("domains: [{name: synergy.com}]\n")
	if r := call(t, password+"\n", m.env, programs.isthmus, "admin", "add", "anna"); r.code != 0 {
		t.Fatalf("admin add: %s", r)
	}
	m.serve()
	b := newTab(t, "http://"+m.console)
	b.visits("/login")
	b.types("name", "anna")
	b.types("password", password)
	b.presses("Sign in", "imp1.synergy.com")
	b.visits("/wizard")
	b.chooses("acknowledged", "true")
	b.presses("Begin", "Platform")
	return m, b
}

// sees waits until the page says something without having been left.
func (b *tab) sees(selector, words string) {
	b.t.Helper()
	b.does(chromedp.WaitVisible(`//` + selector + `[contains(., "` + words + `")]`))
}

const printed = `Identity  : pool.synergy.com
Computers : {fe1.synergy.com, fe2.synergy.com}
Services  : {Registrar:pool.synergy.com}
Site      : Site:Redmond

Identity : Site:Redmond
SiteId   : 1
Pools    : {pool.synergy.com}
`

func TestABrowserSetsUpLyncWithAnExpressway(t *testing.T) {
	m, b := begins(t)
	b.chooses("platform", "lync_2013")
	b.chooses("deployment", "chat_and_calling")
	b.presses("Next", "Edition")
	b.does(chromedp.SetValue(chromedp.CSS("#field-paste"), printed))
	b.presses("Fill in from this", "Site: 1.")
	b.presses("Next", "Expressway")

	b.types("front_ends[0].address", "10.1.20.21")
	b.types("front_ends[1].address", "10.1.20.22")
	b.types("expressway.fqdn", "fe1.synergy.com")
	b.types("expressway.address", "127.0.0.9\t") // the second field that is left asks for the first one too
	b.sees(`*[@class="error"]`, "It is the name of another server in these answers")
	b.sees(`*[@class="caution"]`, "No other machine can reach the loopback address")
	b.does(chromedp.SetValue(chromedp.CSS("#field-expressway-fqdn"), "exp.synergy.com"), chromedp.SetValue(chromedp.CSS("#field-expressway-address"), "10.1.20.31"))
	b.presses("Next", "Domains")
	b.chooses("domains", "synergy.com")
	b.presses("Next", "Routing node")
	b.presses("Next", "Review what Finish will do")
	b.presses("Finish and make the scripts", "pool.synergy.com")
	if r := m.isthmus("config", "export"); !strings.Contains(r, "pattern: exp.synergy.com") || !strings.Contains(r, "pattern: 10.1.20.31") {
		t.Errorf("the Expressway is not admitted:\n%s", r)
	}
}

func TestABrowserSetsUpOCSOverTCP(t *testing.T) {
	m, b := begins(t)
	b.chooses("platform", "ocs_2007_r2")
	b.does(chromedp.WaitNotVisible(chromedp.CSS(`input[name="deployment"]`)), chromedp.WaitVisible(chromedp.CSS(`input[name="transport"]`)))
	b.chooses("transport", "tcp")
	b.presses("Next", "Edition")
	b.chooses("edition", "standard")
	b.does(chromedp.WaitNotVisible(chromedp.CSS(`input[name="pool"]`)))
	b.presses("Next", "Front end")
	b.types("front_ends[0].fqdn", "ocs1.synergy.com")
	b.types("front_ends[0].address", "10.1.20.41")
	b.presses("Next", "Domains")
	b.chooses("domains", "synergy.com")
	b.presses("Next", "Routing node")
	b.presses("Next", "Review what Finish will do")
	b.presses("Finish and make the scripts", "ocs1.synergy.com")
	if r := m.isthmus("config", "export"); !strings.Contains(r, "next_hop: 10.1.20.41") || !strings.Contains(r, "port: 5060") {
		t.Errorf("what Finish set up:\n%s", r)
	}
}
