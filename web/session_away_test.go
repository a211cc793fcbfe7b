package web_test

import (
	"testing"

	"isthmus/internal/auth"
)

func TestWhoHasJustSignedInStaysSignedInWhenTheDatabaseGoes(t *testing.T) {
	for _, role := range []auth.Role{auth.Operator, auth.Viewer} {
		o := newOutage(t, role)
		o.post("/logout").to("/login")
		o.post("/login", "name", string(role), "password", password).to("/")
		o.link.Cut()
		o.get("/acl").status(200).page().Says(t, ".who", string(role)+", "+string(role))
	}
}

func TestASessionThatANewOneReplacedIsNoneWithoutTheDatabase(t *testing.T) {
	o := newOutage(t, auth.Viewer)
	old := *o.cookies["isthmus"]
	o.get("/acl").status(200)
	o.post("/login", "name", "viewer", "password", password).to("/")
	o.link.Cut()
	o.cookies["isthmus"] = &old
	o.get("/acl").to("/login?next=%2Facl")
}
