package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/powershell"
)

// result is what verify.ps1 of today prints for the first deployment: everything there but one route, which has the named
// state.
func (c *console) result(state string) string {
	c.t.Helper()
	return c.resultOf(state, "2024-03-04T09:41:00Z")
}

// resultOf is the same as of another time of check.
func (c *console) resultOf(state, checked string) string {
	c.t.Helper()
	s := c.snapshot()
	d := s.Deployments[0]
	actual := map[string]string{"missing": "missing", "conflict": "TLS other.synergy.com:5061"}
	rows := []map[string]string{}
	for _, r := range powershell.Expected(d, *s) {
		if r.Kind == powershell.KindRoute && r.Name == "synergy.com" && state != "exists" {
			r.State, r.Actual = state, actual[state]
		}
		rows = append(rows, map[string]string{"state": r.State, "kind": r.Kind, "name": r.Name, "scope": r.Scope, "expected": r.Expected, "actual": r.Actual})
	}
	text, err := json.Marshal(map[string]any{"format": "isthmus-verify-1", "deployment": d.Name, "fingerprint": powershell.Fingerprint(d, *s),
		"checked": checked, "computer": "FE1", "ok": state == "exists", "results": rows})
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// lines is how many lines a result has.
func (c *console) lines() int {
	c.t.Helper()
	s := c.snapshot()
	return len(powershell.Expected(s.Deployments[0], *s))
}

// upload sends the form with a file, as a browser does.
func (c *console) upload(file []byte, text string) answer {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part := must[interface{ Write([]byte) (int, error) }](c.t)(form.CreateFormFile("file", "verify.json"))
	must[int](c.t)(part.Write(file))
	if err := form.WriteField("text", text); err != nil {
		c.t.Fatal(err)
	}
	form.Close()
	r := httptest.NewRequest(http.MethodPost, "/deployments/1/verification", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return c.send(r)
}

func TestAResultThatIsHandedInIsShownObjectByObject(t *testing.T) {
	t.Parallel()
	c := finished(t)
	page := c.get("/deployments/1").page()
	page.Says(t, "section", "Nobody has looked there yet.")
	page.Says(t, ".title .state.unknown", "Not verified")

	c.upload([]byte(c.result("conflict")), "").to("/deployments/1")
	page = c.get("/deployments/1").page()
	page.Says(t, ".banner", fmt.Sprintf("Handed in. %d of %d objects are as they should be.", c.lines()-1, c.lines()))
	page.Says(t, "h1", "The Microsoft side is not as it should be yet.")
	page.Says(t, ".title .state.down", "1 different")
	page.Says(t, "section .note", "Looked at on FE1, 4 March 2024")
	page.Says(t, "section .note", "handed in by admin")
	rows := page.All("table.verified tbody tr")
	if len(rows) != c.lines() || rows[0].Text() != "Different synergy.comStatic route Global TLS imp1.synergy.com:5061 TLS other.synergy.com:5061" {
		t.Errorf("the table says %s", page.One(t, "table.verified").Text())
	}
	rows[1].Says(t, ".state.up", "There")
	c.get("/deployments").page().Says(t, "td .state.down", "1 different")
	c.get("/deployments/1/tasks").page().Says(t, "#task-microsoft_routes .state.down", "Wrong")

	c.upload([]byte(c.result("missing")), "").to("/deployments/1")
	c.get("/deployments/1").page().Says(t, "table.verified .state.part", "Missing")
	c.upload([]byte(c.result("exists")), "").to("/deployments/1")
	page = c.get("/deployments/1").page()
	page.Says(t, "h1", "Still open: ")
	page.Says(t, ".title .state.up", "As verified")
}

func TestAResultIsTakenAsAFileOrAsTextAndInWhatPowerShellWrites(t *testing.T) {
	t.Parallel()
	for promise, send := range map[string]func(*console, string) answer{
		"pasted":             func(c *console, s string) answer { return c.upload(nil, s) },
		"pasted by a script": func(c *console, s string) answer { return c.post("/deployments/1/verification", "text", s) },
		"a file":             func(c *console, s string) answer { return c.upload([]byte(s), "") },
		"a file, and a text that was refused before": func(c *console, s string) answer { return c.upload([]byte(s), "nonsense") },
		"UTF-8 with a byte order mark":               func(c *console, s string) answer { return c.upload([]byte("\ufeff"+s+"\r\n"), "") },
		"UTF-16, as > writes it":                     func(c *console, s string) answer { return c.upload(utf16LE(s), "") },
	} {
		c := finished(t)
		if a := send(c, c.result("exists")); a.code != http.StatusSeeOther {
			t.Errorf("%s: %d %s", promise, a.code, a.page().Text())
		}
	}
}

func utf16LE(s string) []byte {
	data := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(s)) {
		data = append(data, byte(unit), byte(unit>>8))
	}
	return data
}

func TestWhatIsNoResultIsRefusedWithWhatWasPasted(t *testing.T) {
	t.Parallel()
	c := finished(t)
	foreign := strings.ReplaceAll(c.result("exists"), "pool.synergy.com", "pool.other.com")
	for promise, test := range map[string]struct{ file, text, field, sentence string }{
		"nothing":                    {"", "", "file", "Choose the file that verify.ps1 wrote, or paste its text."},
		"a text that is none":        {"", "Hello <b>there</b>", "text", "."},
		"a file that is none":        {"\x00\x01\x02", "", "file", "."},
		"another deployment's":       {"", foreign, "text", "pool.other.com"},
		"another deployment's file":  {foreign, "", "file", "pool.other.com"},
		"somebody else's JSON":       {"", `{"hello":"there"}`, "text", "."},
		"a result without its kinds": {"", strings.ReplaceAll(c.result("exists"), `"Route"`, `"Rout"`), "text", "."},
	} {
		page := c.upload([]byte(test.file), test.text).status(http.StatusUnprocessableEntity).page()
		page.Says(t, "#error-"+test.field+" .error", test.sentence)
		page.Says(t, ".banner[role=alert]", "Nothing was saved.")
		page.Says(t, ".tabs [aria-current=page]", "pool.synergy.com")
		if got := page.One(t, "#field-text").Text(); got != test.text {
			t.Errorf("%s: the text came back as %q", promise, got)
		}
	}
	if _, err := c.store.Verification(t.Context(), 1); err != federation.ErrNotFound {
		t.Errorf("something was kept: %v", err)
	}
}

func TestAPartOfAResultIsRefused(t *testing.T) {
	t.Parallel()
	c := finished(t)
	whole := c.result("exists")
	part := whole[:strings.Index(whole, `"results":[`)] + `"results":[` + whole[strings.LastIndex(whole, `{"actual"`):]
	c.upload(nil, part).status(http.StatusUnprocessableEntity).page().Says(t, "#error-text .error", "The result is not whole: it lacks the line for Site")
}

func TestAResultThatIsOlderThanTheOneKeptIsRefused(t *testing.T) {
	t.Parallel()
	c := finished(t)
	c.upload([]byte(c.resultOf("exists", "2024-03-04T09:41:00Z")), "").to("/deployments/1")
	page := c.upload(nil, c.resultOf("conflict", "2024-03-04T09:40:59Z")).status(http.StatusUnprocessableEntity).page()
	page.Says(t, "#error-text .error", "A newer result is here, seen 4 March 2024")
	page.Says(t, "#error-text .error", "on FE1. Run verify.ps1 again")
	page.Says(t, ".title .state.up", "As verified")
	c.upload([]byte(c.resultOf("conflict", "2024-03-04T09:41:00Z")), "").to("/deployments/1")
	c.get("/deployments/1").page().Says(t, ".title .state.down", "1 different")
}

func TestAResultOfMoreThanAMebibyteIsRefused(t *testing.T) {
	t.Parallel()
	c := finished(t)
	c.upload(bytes.Repeat([]byte{' '}, 1<<20), "").status(http.StatusRequestEntityTooLarge).page().Says(t, "main", "at most 1 MiB")
}

func TestAResultOfScriptsFromBeforeAChangeIsNotBelieved(t *testing.T) {
	t.Parallel()
	c := finished(t)
	old := c.result("exists")
	c.upload([]byte(old), "").to("/deployments/1")
	for _, n := range c.snapshot().Nodes {
		c.post(fmt.Sprintf("/nodes/%d", n.ID), "name", n.Name, "address", strings.Replace(n.Address, "10.1.10.", "10.1.11.", 1)).to("/nodes")
	}
	page := c.get("/deployments/1").page()
	page.Says(t, ".title .state.unknown", "Out of date")
	page.Says(t, ".findings .part", "This result is of scripts that are older than the configuration")
	page.Count(t, "table.verified tbody tr", c.lines())
	c.get("/deployments").page().Says(t, "td .state.unknown", "Out of date")
	c.get("/deployments/1/tasks").page().Says(t, "#task-microsoft_routes .state.unknown", "Not verified")

	c.upload([]byte(old), "").to("/deployments/1")
	c.get("/deployments/1").page().Says(t, ".banner", "The scripts that looked are older than the configuration; download them again and run them.")
	c.upload([]byte(c.result("exists")), "").to("/deployments/1")
	c.get("/deployments/1").page().Says(t, ".title .state.up", "As verified")
}

func TestOCSHasNothingToHandIn(t *testing.T) {
	t.Parallel()
	c := withOCS(t)
	page := c.get("/deployments/1").page()
	page.Count(t, "#hand-in", 0)
	page.Says(t, "section p", "OCS has no cmdlets to look with")
	c.post("/deployments/1/verification", "text", "{}").status(http.StatusNotFound)
}

func TestAnOperatorHandsResultsIn(t *testing.T) {
	t.Parallel()
	c := finished(t)
	text := c.result("exists")
	c.post("/logout")
	c.signIn(auth.Operator)
	c.post("/deployments/1/verification", "text", text).to("/deployments/1")
	v, err := c.store.Verification(t.Context(), 1)
	if err != nil || v.ReceivedBy != "operator" || !slices.ContainsFunc(v.Results, func(r federation.VerifyResult) bool { return r.Kind == "Route" }) {
		t.Errorf("kept %+v, %v", v, err)
	}
}

func TestAResultThatIsTooLargeLeadsBackToItsForm(t *testing.T) {
	t.Parallel()
	c := finished(t)
	page := c.upload(make([]byte, 1<<20), "").status(http.StatusRequestEntityTooLarge).page()
	page.Says(t, "main", "Nothing was changed. Choose the file verify.json")
	page.Says(t, "main a[href='/deployments/1#hand-in']", "Back to the form")
	c.get("/deployments/1").page().One(t, "#hand-in")

	stranger := &console{t: t, handler: c.handler, cookies: map[string]*http.Cookie{}}
	stranger.upload(make([]byte, 1<<20), "").page().Count(t, "main a[href='/deployments/1#hand-in']", 0)
}
