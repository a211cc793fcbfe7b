package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

func TestAllFaultsOfAFormAreToldAtOnce(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	page := c.post("/static-routes", "destination", "synergy", "type", "domain", "next_hop", "fe1", "priority", "first", "weight", "0").
		status(http.StatusUnprocessableEntity).page()
	for field, sentence := range map[string]string{
		"destination": "synergy", "next_hop": "Enter an IP address", "priority": "Enter the priority as a whole number, in digits alone.", "weight": "between 1 and 65535",
	} {
		page.Says(t, "#error-"+field+" .error", sentence)
	}
	page.Count(t, "#error-priority .error", 1)
	page = c.post("/static-routes", "destination", "Synergy.com", "type", "domain", "next_hop", "127.0.0.21", "priority", "first").
		status(http.StatusUnprocessableEntity).page()
	page.Count(t, "main .error", 1) // what can be read is not wrong for how it was typed
}

func TestATickIsReadAsBrowsersAndScriptsSendIt(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	for i, test := range []struct {
		posted []string
		want   bool
	}{
		{[]string{"false", "true"}, true}, {[]string{"on"}, true}, {[]string{"1"}, true}, {[]string{"false"}, false}, {[]string{""}, false}, {nil, true},
	} {
		posted := form("name", fmt.Sprintf("Lab %d", i), "transport", "tcp", "port", fmt.Sprint(5070+i))
		if test.posted != nil {
			posted["enabled"] = test.posted
		}
		c.postForm("/listeners", posted).to("/listeners")
		on := slices.ContainsFunc(c.snapshot().Listeners, func(l federation.Listener) bool { return l.Port == 5070+i && l.Enabled })
		if on != test.want {
			t.Errorf("enabled posted as %q: %v", test.posted, on)
		}
	}
}

func TestAFormSetsNothingThatTheDocumentDoesNotKnow(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/acl", "pattern", "10.0.0.1").to("/acl")
	first := c.snapshot().ACL[0]
	c.post("/acl", "pattern", "10.0.0.2", "-", fmt.Sprint(first.ID), "ID", fmt.Sprint(first.ID), "", "x").to("/acl")
	if acl := c.snapshot().ACL; len(acl) != 2 || !slices.Contains(acl, first) {
		t.Errorf("stored %v", acl)
	}
}

func TestAStaleFormNamesWhatIsAnotherNowAndNothingElse(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	ciphers := federation.Ciphers()[:2]
	if !slices.ContainsFunc(ciphers, func(name string) bool { return name[:8] == "TLS_RSA_" }) {
		ciphers = append(ciphers, "TLS_RSA_WITH_AES_128_GCM_SHA256")
	}
	posted := form("name", "lab", "verify_client", "true")
	posted["ciphers"] = ciphers
	c.postForm("/tls-contexts", posted).to("/tls-contexts")
	c.get("/tls-contexts").page().Says(t, "table tbody", fmt.Sprintf("%d ciphers", len(ciphers)))
	path := fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext("lab").ID)

	mine := c.get(path).page().One(t, "form.form").Form()
	if !slices.Equal(mine["ciphers"][1:], ciphers) {
		t.Errorf("the form shows the ciphers %v", mine["ciphers"])
	}
	theirs := c.get(path).page().One(t, "form.form").Form()
	theirs.Set("min_version", "1.3")
	theirs.Set("name", "laboratory")
	c.postForm(path, theirs).to("/tls-contexts")
	mine.Del("name") // what a script leaves out is not compared
	page := c.postForm(path, mine).status(http.StatusConflict).page()
	page.Says(t, ".banner[role=alert] li", `in another window. Min version is now "1.3". Save again to put what stands below in its place.`)
	page.Says(t, ".banner[role=alert]", "Nothing was saved.")
	page.One(t, "main a.danger")
	if again := page.One(t, "form.form").Form(); !slices.Equal(again["ciphers"][1:], ciphers) || again.Get("name") != "laboratory" {
		t.Errorf("the form comes back with %v", again)
	}
	mine.Del("was") // a script's form means what it says
	c.postForm(path, mine).to("/tls-contexts")
}

func TestAStaleFormNamesTickBoxesAndListsAsTheyStandNow(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/listeners", "name", "Lab", "transport", "tcp", "port", "5070", "enabled", "true").to("/listeners")
	c.post("/tls-peer-subjects", "name", "fe1.synergy.com").to("/tls-peer-subjects")
	c.post("/tls-contexts", "name", "lab", "peer_subjects", "fe1.synergy.com").to("/tls-contexts")
	c.post("/domains", "name", "synergy.com").to("/domains")
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "10.1.20.21").to("/static-routes")
	lab := c.snapshot().Listeners[slices.IndexFunc(c.snapshot().Listeners, func(l federation.Listener) bool { return l.Name == "Lab" })]
	for promise, test := range map[string]struct {
		path         string
		field        string
		theirs, mine []string
		now          string
	}{
		"a tick box switched off":   {fmt.Sprintf("/listeners/%d", lab.ID), "enabled", []string{"false"}, []string{"false", "true"}, `Enabled is now "false".`},
		"a list that was emptied":   {fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext("lab").ID), "peer_subjects", []string{""}, []string{"", "fe1.synergy.com"}, `Peer subjects is now "".`},
		"a pattern typed as domain": {fmt.Sprintf("/static-routes/%d", c.snapshot().StaticRoutes[0].ID), "weight", []string{"7"}, []string{"9"}, `Weight is now "7".`},
		"a number that is none":     {"/settings", "max_contacts", []string{"17"}, []string{"many"}, `Max contacts is now "17".`},
	} {
		mine, theirs := c.get(test.path).page().One(t, "form.form").Form(), c.get(test.path).page().One(t, "form.form").Form()
		theirs[test.field] = test.theirs
		c.postForm(test.path, theirs).status(http.StatusSeeOther)
		mine[test.field] = test.mine
		if mine.Has("destination") {
			mine.Set("destination", " Synergy.com ") // the same in other words
		}
		page := c.postForm(test.path, mine).status(http.StatusConflict).page()
		if got := page.One(t, ".banner[role=alert] li").Text(); got != staleBefore+" "+test.now+staleAfter {
			t.Errorf("%s: %s", promise, got)
		}
	}
}

const (
	staleBefore = "This was saved after you opened it, by somebody else or in another window."
	staleAfter  = " Save again to put what stands below in its place."
)

func TestAFormThatAsksForWhatIsAlreadySoIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/acl", "pattern", "10.0.0.1", "description", "front end").to("/acl")
	for path, field := range map[string]string{fmt.Sprintf("/acl/%d", c.snapshot().ACL[0].ID): "description", "/settings": "max_contacts"} {
		twice := c.get(path).page().One(t, "form.form").Form()
		twice.Set(field, "17")
		c.postForm(path, twice).status(http.StatusSeeOther)
		c.postForm(path, twice).status(http.StatusSeeOther)
	}
}

func TestALinkFillsInAFormAndNothingThatIsNoField(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	form := c.get("/static-routes/new?destination=a.com&priority=7&again=true&none=x").page().One(t, "main form").Form()
	if form.Get("destination") != "a.com" || form.Get("priority") != "7" || form.Get("weight") != "1" || form.Has("none") || form.Has("was") {
		t.Errorf("the form holds %v", form)
	}
	page := c.get("/acl/server?fqdn=fe1.synergy.com&address=10.1.20.21").page()
	page.One(t, "#field-fqdn[value=fe1.synergy.com]")
	page.One(t, "#field-address[value=10.1.20.21]")
}

func TestFormsOfNewAndOfExistingThingsHaveTheirOwnButtons(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/acl", "pattern", "10.0.0.1").to("/acl")
	path := fmt.Sprintf("/acl/%d", c.snapshot().ACL[0].ID)
	for _, test := range []struct {
		promise       string
		page          answer
		title         string
		again, remove int
	}{
		{"a new one", c.get("/acl/new"), "Add an incoming ACL entry", 1, 0},
		{"a refused new one", c.post("/acl", "pattern", "x y"), "Add an incoming ACL entry", 1, 0},
		{"an existing one", c.get(path), "Incoming ACL entry 10.0.0.1", 0, 1},
		{"a refused change", c.post(path, "pattern", "x y"), "Incoming ACL entry 10.0.0.1", 0, 1},
		{"a vowel's article", c.get("/static-routes/new"), "Add a static route", 1, 0},
	} {
		page := test.page.page()
		page.Says(t, "h1", test.title)
		page.Count(t, "main button[name=again]", test.again)
		page.Count(t, "main .actions a.danger", test.remove)
	}
}
