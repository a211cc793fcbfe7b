package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/web"
)

func TestWhoHasJustSignedInStaysSignedInWhenTheDatabaseGoes(t *testing.T) {
	t.Parallel()
	for _, role := range []auth.Role{auth.Operator, auth.Viewer} {
		o := newOutage(t, role)
		o.post("/logout").to("/login")
		o.post("/login", "name", string(role), "password", password).to("/")
		o.link.Cut()
		o.get("/acl").status(200).page().Says(t, ".who", string(role)+", "+string(role))
	}
}

func TestASessionThatANewOneReplacedIsNoneWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	old := *o.cookies["isthmus"]
	o.get("/acl").status(200)
	o.post("/login", "name", "viewer", "password", password).to("/")
	o.link.Cut()
	o.cookies["isthmus"] = &old
	o.get("/acl").to("/login?next=%2Facl")
}

// restarted is the same node after a restart: it knows no session.
func (o *outage) restarted() *console {
	cookies := map[string]*http.Cookie{}
	for name, cookie := range o.cookies {
		kept := *cookie
		cookies[name] = &kept
	}
	return &console{t: o.t, store: o.store, handler: web.New(o.config), config: o.config, cookies: cookies}
}

func TestSigningOutWhereTheSessionIsNotKnownHoldsWhenTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	elsewhere := *o.cookies["isthmus"]
	o.link.Cut()
	c := o.restarted()
	c.post("/logout").to("/login")
	if left, ok := c.cookies["isthmus"]; ok {
		t.Errorf("the browser keeps the cookie %v", left)
	}
	o.link.Mend()
	another := &console{t: t, store: o.direct, handler: web.New(web.Config{Store: o.direct}), cookies: map[string]*http.Cookie{}}
	deadline := time.Now().Add(15 * time.Second)
	for { // the node makes up for it by itself, without anybody who asks it
		another.cookies["isthmus"] = &elsewhere
		if another.get("/acl").code == http.StatusSeeOther {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the cookie is still good on another node")
		}
	}
}

func TestSigningOutClearsACookieThatNobodyKnows(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	o.cookies["isthmus"] = &http.Cookie{Name: "isthmus", Value: "of a session that ended"}
	o.post("/logout").to("/login")
	if left, ok := o.cookies["isthmus"]; ok {
		t.Errorf("the browser keeps the cookie %v", left)
	}
}

func TestSignOutsOfUnknownSessionsAreBounded(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	o.link.Cut()
	c := o.restarted()
	for i := range 1024 {
		c.cookies["isthmus"] = &http.Cookie{Name: "isthmus", Value: fmt.Sprint("session ", i)}
		if a := c.post("/logout"); a.code != http.StatusSeeOther {
			t.Fatalf("status %d", a.code)
		}
	}
	c.cookies["isthmus"] = &http.Cookie{Name: "isthmus", Value: "one more"}
	c.post("/logout").status(http.StatusServiceUnavailable).page().Says(t, "main", "The database does not answer")
	if left, ok := c.cookies["isthmus"]; ok {
		t.Errorf("the browser keeps the cookie %v", left)
	}
	o.post("/logout").to("/login") // of a session that is known here there is always room
}

// A page that nobody looks at must not keep somebody signed in for as long as the database is away.
func TestARefreshKeepsNobodySignedInWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	o.link.Cut()
	refreshed := func() answer {
		r := httptest.NewRequest(http.MethodGet, "/acl", nil)
		r.Header.Set("Isthmus-Refresh", "1")
		return o.send(r)
	}
	o.forward(10 * time.Minute)
	refreshed().status(200)
	o.get("/acl").status(200) // from now on there are fifteen minutes again
	o.forward(10 * time.Minute)
	refreshed().status(200)
	o.forward(6 * time.Minute)
	if code := refreshed().code; code == 200 {
		t.Error("the refreshes kept the session")
	}
}

func TestAStreamEndsWithASignOutOfWhichTheDatabaseDoesNotKnow(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	s := o.serve()
	s.get("/acl").status(200)
	_, events, _ := s.stream()
	comes(t, events, "change")
	o.link.Cut()
	s.post("/logout").to("/login")
	for others := 0; next(t, events) != "ended"; others++ {
		if others == 5 { // that the database is away is a change, and a beat may have been on its way
			t.Fatal("the stream goes on after the sign-out")
		}
	}
}
