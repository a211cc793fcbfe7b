package web_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/web"
)

func TestSetupLinkMakesTheFirstAdministratorOnce(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	token, hash := web.NewSetupToken()
	if err := c.store.NewSetupToken(t.Context(), hash, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	empty := c.get("/setup?token=" + token).status(200).page()
	empty.Says(t, "main .lede", "The link works once. Afterwards administrators are added with isthmus admin add.")
	empty.Says(t, "main form .hint", "At least 12 characters; a sentence is a good one.")
	form := empty.One(t, "main form").Form()
	form.Set("name", "Ann")
	form.Set("password", "short")
	form.Set("password_again", "other")
	page := c.postForm("/setup", form).status(422).page()
	page.Says(t, "#error-password", "at least 12 characters")
	page.Says(t, "#error-password_again", "The two passwords differ")
	if strings.Contains(c.postForm("/setup", form).body, `value="short"`) {
		t.Error("a password comes back in the page")
	}

	form.Set("password", password)
	form.Set("password_again", password)
	form.Set("name", "Ann Lee")
	page = c.postForm("/setup", form).status(422).page()
	page.Says(t, "#error-name", "A name has 1 to 64 letters")
	page.One(t, "#field-name[value='Ann Lee']")
	form.Set("name", "Ann")
	c.postForm("/setup", form).to("/")
	c.get("/").status(200).page().Says(t, ".who", "ann, admin")

	other := &console{t: t, store: c.store, handler: c.handler, cookies: map[string]*http.Cookie{}}
	other.get("/setup?token="+token).status(http.StatusConflict).page().Says(t, "main", "The first administrator is there already")
	other.postForm("/setup", form).status(http.StatusConflict)
}

func TestSetupRefusesAWrongToken(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	wrong, _ := web.NewSetupToken()
	if another, _ := web.NewSetupToken(); len(wrong) < 43 || another == wrong { // 256 bits in base64
		t.Errorf("tokens that can be guessed: %q, then %q", wrong, another)
	}
	for _, token := range []string{"", "x", wrong} {
		c.get("/setup?" + url.Values{"token": {token}}.Encode()).status(http.StatusConflict)
		c.post("/setup", "token", token, "name", "ann", "password", password, "password_again", password).status(http.StatusConflict)
	}
	c.get("/login").page().Says(t, ".banner", "No administrator exists yet.")
}

func TestUnknownNameAndWrongPasswordAreAnsweredAlike(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.signIn(auth.Viewer)
	c.post("/logout").to("/login")
	known := c.post("/login", "name", "viewer", "password", "not the right one").status(422)
	unknown := c.post("/login", "name", "nobody", "password", "not the right one").status(422)
	if known.page().One(t, ".banner").Text() != unknown.page().One(t, ".banner").Text() {
		t.Error("the two answers differ")
	}
	if got := unknown.page().One(t, "#name").Attr("value"); got != "nobody" {
		t.Errorf("the name came back as %q", got)
	}
	if strings.Contains(unknown.body, "not the right one") {
		t.Error("the password comes back")
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	c.post("/logout")
	for range 10 {
		c.post("/login", "name", "viewer", "password", "a guess").status(422)
	}
	a := c.post("/login", "name", "viewer", "password", password).status(http.StatusTooManyRequests)
	if a.head.Get("Retry-After") == "" {
		t.Error("the answer does not say how long to wait")
	}
	a.page().Says(t, ".banner", "Too many tries to sign in. Wait")
}

func TestLogoutEndsTheSessionEverywhere(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	kept := *c.cookies["isthmus"]
	c.post("/logout").to("/login")
	if left, ok := c.cookies["isthmus"]; ok {
		t.Errorf("the browser keeps the cookie %v", left)
	}
	c.cookies["isthmus"] = &kept
	c.get("/acl").to("/login?next=%2Facl")
	c.post("/logout").to("/login")
}

func TestEachLoginHasItsOwnSessionAndReplacesTheOld(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	old := *c.cookies["isthmus"]
	c.post("/login", "name", "viewer", "password", password).to("/")
	if c.cookies["isthmus"].Value == old.Value {
		t.Fatal("the id is the same after another login")
	}
	c.cookies["isthmus"] = &old
	c.get("/").to("/login")
}

func TestCookieIsKeptFromScriptsAndOtherSites(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	cookie := c.cookies["isthmus"]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure || cookie.Path != "/" {
		t.Errorf("over HTTP: %+v", cookie)
	}
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(url.Values{"name": {"viewer"}, "password": {password}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.TLS = &tls.ConnectionState{}
	a := c.send(r)
	a.to("/")
	if got := a.head.Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Errorf("over TLS: Strict-Transport-Security is %q", got)
	}
	if cookie := c.cookies["__Host-isthmus"]; cookie == nil || !cookie.Secure || !cookie.HttpOnly {
		t.Errorf("over TLS: %+v", cookie)
	}
}

func TestLoginLeadsWhereOneWantedToGoAndNeverElsewhere(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	for next, want := range map[string]string{
		"/acl?q=10&op=contains": "/acl?q=10&op=contains", "": "/", "https://evil.example/": "/", "//evil.example/": "/",
		`/\evil.example`: "/", "evil": "/", "https://evil.example/acl": "/", "//evil.example/acl": "/", "////evil.example/": "/", "/%zz": "/", "/%0d%0aSet-Cookie:x": "/%0d%0aSet-Cookie:x",
	} {
		c.post("/login", "name", "viewer", "password", password, "next", next).to(want)
	}
}

func TestRoleThatWasTakenAwayBitesWithTheNextRequest(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	if err := c.store.DeleteSessionsOf(t.Context(), "operator"); err != nil {
		t.Fatal(err)
	}
	c.get("/acl").to("/login?next=%2Facl")
}
