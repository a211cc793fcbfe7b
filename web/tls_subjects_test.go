package web_test

import (
	"testing"

	"isthmus/internal/auth"
)

func TestAWholeSubjectIsTakenByItsCommonNameAndThatIsTold(t *testing.T) {
	c := signedInAs(t, auth.Operator)
	c.post("/tls-peer-subjects", "name", "CN=fe8.synergy.com, O=Foo").to("/tls-peer-subjects")
	c.get("/tls-peer-subjects").page().Says(t, ".banner", "Of the whole subject the Common Name alone was taken: fe8.synergy.com.")
	c.post("/tls-peer-subjects", "name", "CN=fe9.synergy.com, CN=evil.com").status(422).page().Says(t, "#error-name", "has two Common Names or more")
	if stored := c.snapshot().TLSPeerSubjects; len(stored) != 1 || stored[0].Name != "fe8.synergy.com" {
		t.Errorf("stored %+v", stored)
	}
}
