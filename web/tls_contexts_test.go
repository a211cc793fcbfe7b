package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/htmltest"
	"isthmus/internal/siptest"
)

// listed are the values in one of the two lists of a field.
func listed(page htmltest.Node, field, list string) []string {
	var values []string
	for _, box := range page.All("[aria-labelledby=field-" + field + "-" + list + "] input") {
		values = append(values, box.Attr("value"))
	}
	return values
}

func TestTheTwoListsFollowTheTicksAndSaveNothing(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	for _, name := range []string{"fe1.synergy.com", "fe2.synergy.com", "pool.synergy.com"} {
		c.post("/tls-peer-subjects", "name", name).to("/tls-peer-subjects")
	}
	c.post("/tls-contexts", "name", "lab", "verify_client", "true", "peer_subjects", "fe2.synergy.com").to("/tls-contexts")
	path := fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext("lab").ID)
	page := c.get(path).page()
	if in, out := listed(page, "peer_subjects", "selected"), listed(page, "peer_subjects", "available"); !slices.Equal(in, []string{"fe2.synergy.com"}) || !slices.Equal(out, []string{"fe1.synergy.com", "pool.synergy.com"}) {
		t.Fatalf("selected are %v, available %v", in, out)
	}
	page.Says(t, "[aria-labelledby=field-ciphers-selected]", "None. The default list is offered, which fits every supported server.")

	posted := page.One(t, "form.form").Form()
	posted["peer_subjects"] = []string{"", "pool.synergy.com", "fe1.synergy.com"}
	posted.Set("name", "laboratory")
	for _, step := range []struct {
		button  string
		in, out []string
	}{
		{"peer_subjects move", []string{"fe1.synergy.com", "pool.synergy.com"}, []string{"fe2.synergy.com"}},
		{"peer_subjects all", []string{"fe1.synergy.com", "fe2.synergy.com", "pool.synergy.com"}, nil},
		{"peer_subjects none", nil, []string{"fe1.synergy.com", "fe2.synergy.com", "pool.synergy.com"}},
		{"name none", nil, []string{"fe1.synergy.com", "fe2.synergy.com", "pool.synergy.com"}},
	} {
		posted.Set("arrange", step.button)
		page = c.postForm(path, posted).status(http.StatusOK).page()
		posted = page.One(t, "form.form").Form()
		if in, out := listed(page, "peer_subjects", "selected"), listed(page, "peer_subjects", "available"); !slices.Equal(in, step.in) || !slices.Equal(out, step.out) {
			t.Errorf("%s: selected are %v, available %v", step.button, in, out)
		}
		if posted.Get("name") != "laboratory" || posted.Get("was") == "" {
			t.Errorf("%s: the form comes back with %v", step.button, posted)
		}
	}
	if stored := c.snapshot().TLSContext("lab"); stored == nil || !slices.Equal(stored.PeerSubjects, []string{"fe2.synergy.com"}) {
		t.Errorf("stored %+v", stored)
	}
	c.postForm(path, posted).to("/tls-contexts")
	if stored := c.snapshot().TLSContext("laboratory"); stored == nil || len(stored.PeerSubjects) != 0 {
		t.Errorf("stored %+v", stored)
	}
}

// Enter in a text field presses the first button of a form.
func TestEnterSavesAContext(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	if first := c.get("/tls-contexts/new").page().All("form.form button")[0]; first.Text() != "Save" || first.Has("name") {
		t.Errorf("Enter presses %q", first.Text())
	}
}

func TestAListOfEllipticCurvesAloneIsRefusedBecauseOfLync(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	page := c.post("/tls-contexts", "name", "lab", "ciphers", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256").status(422).page()
	page.Says(t, "#error-ciphers", "Lync offers no elliptic-curve cipher")
	if in := listed(page, "ciphers", "selected"); !slices.Equal(in, []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}) {
		t.Errorf("selected are %v", in)
	}
	page = c.post("/tls-contexts", "name", "lab", "ciphers", "TLS_NOTHING", "ciphers", "TLS_RSA_WITH_AES_128_GCM_SHA256").status(422).page()
	if in := listed(page, "ciphers", "selected"); !slices.Contains(in, "TLS_NOTHING") {
		t.Errorf("what was refused is not among the selected, %v", in)
	}
	c.post("/tls-contexts", "name", "lab", "ciphers", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ciphers", "TLS_RSA_WITH_AES_128_GCM_SHA256").to("/tls-contexts")
}

func TestEachCipherSaysWhetherLyncCanUseItAndWhatIsWeak(t *testing.T) {
	t.Parallel()
	page := signedInAs(t, auth.Admin).get("/tls-contexts/new").page()
	labels := page.All("#field-ciphers label")
	if len(labels) != len(federation.Ciphers()) {
		t.Fatalf("%d ciphers", len(labels))
	}
	notes := map[string]string{}
	for _, label := range labels {
		name, note, _ := strings.Cut(label.Text(), " ")
		notes[name] = note
		want := "No elliptic curve, as Lync needs it."
		if strings.Contains(label.Text(), "ECDHE") {
			want = "Elliptic curve."
		}
		if !strings.Contains(label.Text(), want) {
			t.Errorf("%q does not say %q", label.Text(), want)
		}
	}
	for cipher, want := range map[string]string{
		"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "Elliptic curve.",
		"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA":    "Elliptic curve. Older mode; fine where nothing better is offered.",
		"TLS_RSA_WITH_AES_128_GCM_SHA256":       "No elliptic curve, as Lync needs it. Without forward secrecy.",
		"TLS_RSA_WITH_3DES_EDE_CBC_SHA":         "Weak. For OCS 2007 R2 and Lync 2010 on old Windows only. No elliptic curve, as Lync needs it.",
	} {
		if notes[cipher] != want {
			t.Errorf("%s is said to be %q, want %q", cipher, notes[cipher], want)
		}
	}
}

func TestWhatCannotBeChosenIsSaid(t *testing.T) {
	t.Parallel()
	page := signedInAs(t, auth.Viewer).get("/tls-contexts/1").page()
	for _, words := range []string{"empty fragments are never sent", "A certificate signed with SHA-1 is refused", "ciphers of TLS 1.3 are fixed"} {
		page.Says(t, "section[aria-labelledby=same]", words)
	}
	page.Count(t, "form.form button", 0)
}

func TestBrokenVersionsAreAllowedOnPurposeOnly(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	for _, version := range []string{"1.0", "1.1"} {
		page := c.post("/tls-contexts", "name", "old", "min_version", version).status(422).page()
		page.Says(t, "#error-legacy", "TLS "+version+" is broken by today's measure, so it is allowed on purpose only: tick this box, or choose TLS 1.2 as the lowest version.")
		page.Says(t, ".banner[role=alert]", "Nothing was saved.")
	}
	c.post("/tls-contexts", "name", "old", "min_version", "1.1", "legacy", "false", "legacy", "true").to("/tls-contexts")
	path := fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext("old").ID)
	posted := c.get(path).page().One(t, "form.form").Form()
	if !slices.Contains(posted["legacy"], "true") {
		t.Error("the choice is not shown")
	}
	c.post(path, "description", "what a script leaves out stays", "min_version", "1.0").to("/tls-contexts")
	c.get("/tls-contexts").page().Says(t, "table .state.part", "TLS 1.0")
	kept := c.post(path, "legacy", "false").status(422).page().One(t, "form.form").Form()
	if slices.Contains(kept["legacy"], "true") {
		t.Error("the tick that was taken away is back")
	}
	c.post(path, "min_version", "1.2", "legacy", "false").to("/tls-contexts")
	c.post(path, "min_version", "1.0").status(422).page().One(t, "#error-legacy")
	if version := c.snapshot().TLSContext("old").MinVersion; version != "1.2" {
		t.Errorf("stored %s", version)
	}
	if posted := c.get(path).page().One(t, "form.form").Form(); slices.Contains(posted["legacy"], "true") {
		t.Error("the tick outlives what it allowed")
	}
}

func TestAStandingBannerNamesEveryContextThatLetsBrokenVersionsIn(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/tls-contexts", "name", "old", "min_version", "1.1", "legacy", "true").to("/tls-contexts")
	c.get("/tls-contexts")
	c.get("/acl").page().Count(t, ".banner", 0) // no listener uses it
	c.post("/listeners", "name", "Old TLS", "transport", "tls", "port", "5099", "tls_context", "old", "enabled", "true").to("/listeners")
	page := c.get("/listeners").page()
	page.Count(t, ".banner", 1)
	page.Says(t, ".banner.part b", "Saved.")
	page.Says(t, ".banner.part", "TLS 1.1 may be used with old.")
	for _, path := range []string{"/", "/acl", "/wizard", "/nowhere"} {
		page = c.get(path).page()
		page.Count(t, ".banner", 1)
		page.Says(t, ".banner.part b", "TLS 1.1 may be used with old.")
		if to := page.One(t, ".banner a").Attr("href"); to != fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext("old").ID) {
			t.Errorf("the way out leads to %s", to)
		}
	}
	peers := c.snapshot().TLSContext(federation.PeerAuthContext)
	c.post(fmt.Sprintf("/tls-contexts/%d", peers.ID), "min_version", "1.0", "legacy", "true").to("/tls-contexts")
	c.get("/tls-contexts").page().Says(t, ".banner.part", "TLS 1.0 and 1.1 may be used with old and sip-proxy-peer-auth.")
	c.get("/audit").page().Says(t, "main", "1.0")

	for _, l := range c.snapshot().Listeners {
		if l.Name == "Old TLS" {
			c.post(fmt.Sprintf("/listeners/%d", l.ID), "enabled", "false").to("/listeners")
		}
	}
	c.get("/listeners").page().Says(t, ".banner", "TLS 1.0 and 1.1 may be used with sip-proxy-peer-auth.")
	c.postForm(fmt.Sprintf("/tls-contexts/%d", peers.ID), url.Values{"min_version": {"1.2"}}).to("/tls-contexts")
	c.get("/tls-contexts")
	c.get("/acl").page().Count(t, ".banner", 0)
	c.post("/logout").to("/login")
	c.get("/login").page().Count(t, ".banner", 0)
}

func TestAWeakContextIsMarkedInTheListWithWhomItRefuses(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	for name, fields := range map[string][]string{
		"triple":  {"ciphers", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"},
		"mixed":   {"ciphers", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "ciphers", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		"lync":    {"ciphers", "TLS_RSA_WITH_AES_128_GCM_SHA256", "ciphers", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		"old":     {"min_version", "1.0", "legacy", "true"},
		"newest":  {"min_version", "1.3", "ciphers", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"},
		"default": {},
	} {
		c.post("/tls-contexts", append(fields, "name", name)...).to("/tls-contexts")
	}
	cells := map[string]string{}
	marked := map[string]bool{}
	for _, row := range c.get("/tls-contexts").page().All("tbody tr") {
		name, cell := row.One(t, "[role=rowheader]").Text(), row.All("td")[3]
		cells[name], marked[name] = cell.Text(), len(cell.All(".state.part")) > 0
	}
	for name, want := range map[string]struct {
		text   string
		marked bool
	}{
		"triple":  {"1 cipher, weak refuses who no longer offers 3DES and has no TLS 1.3", true},
		"mixed":   {"2 ciphers 3DES among them", true},
		"lync":    {"2 ciphers RSA key exchange among them, as Lync needs it", false},
		"old":     {"default list RSA key exchange and 3DES among them, as OCS and Lync need them", false},
		"newest":  {"those of TLS 1.3", false},
		"default": {"default list RSA key exchange among them, as Lync needs it", false},
	} {
		if cells[name] != want.text || marked[name] != want.marked {
			t.Errorf("%s: %q, marked: %t", name, cells[name], marked[name])
		}
	}
}

func TestAStandingBannerSaysWhomWeakCiphersRefuse(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	peers := c.snapshot().TLSContext(federation.PeerAuthContext)
	path := fmt.Sprintf("/tls-contexts/%d", peers.ID)
	c.post(path, "ciphers", "TLS_RSA_WITH_3DES_EDE_CBC_SHA").to("/tls-contexts")
	c.get("/tls-contexts")
	page := c.get("/acl").page()
	page.Count(t, ".banner", 1)
	page.Says(t, ".banner.part b", "Weak ciphers alone are selected in sip-proxy-peer-auth.")
	page.Says(t, ".banner", "a peer is refused who no longer offers 3DES and has no TLS 1.3")
	if to := page.One(t, ".banner a").Attr("href"); to != path {
		t.Errorf("the way out leads to %s", to)
	}
	c.post(path, "min_version", "1.0", "legacy", "true").to("/tls-contexts")
	c.get("/tls-contexts")
	page = c.get("/acl").page()
	page.Count(t, ".banner", 1)
	page.Says(t, ".banner", "TLS 1.0 and 1.1 may be used with sip-proxy-peer-auth.")
	page.Says(t, ".banner", "Weak ciphers alone are selected in sip-proxy-peer-auth.")
	c.post(path, "min_version", "1.2", "ciphers", "").to("/tls-contexts")
	c.get("/tls-contexts")
	c.get("/acl").page().Count(t, ".banner", 0)
}

func TestCiphersThatNoNodesKeyFitsAreToldWhereTheyMeet(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	c.owns(ca, siptest.Leaf{}) // with an ECDSA key
	peer := c.snapshot().TLSContext(federation.PeerAuthContext)
	path := fmt.Sprintf("/tls-contexts/%d", peer.ID)
	form := c.get(path).page().One(t, "form.form").Form()
	form["ciphers"] = []string{"TLS_RSA_WITH_AES_128_GCM_SHA256"}
	c.postForm(path, form).to("/tls-contexts")
	c.get("/tls-contexts").page().Says(t, ".banner", "No selected cipher fits the ECDSA key of "+ownNode+", so every handshake below TLS 1.3 fails")

	const warning = "has an ECDSA key, for which no cipher is selected in " + federation.PeerAuthContext
	c.get("/certificates").page().Says(t, "main", "This certificate "+warning)
	c.postForm("/certificates/requests", url.Values{"node": {ownNode}, "key_kind": {federation.KeyP256}}).to("/certificates")
	c.get("/certificates").page().Says(t, ".banner", "This request "+warning)
	c.answers(ca, siptest.Leaf{}).to("/certificates")
	c.get("/certificates").page().Says(t, ".banner", "This certificate "+warning)

	c.owns(ca, siptest.Leaf{RSA: true})
	c.postForm(path, c.get(path).page().One(t, "form.form").Form()).to("/tls-contexts")
	if text := c.get("/tls-contexts").page().One(t, ".banner").Text(); strings.Contains(text, "ECDSA") {
		t.Errorf("with an RSA key the notice is %q", text)
	}
}
