package web_test

import (
	"fmt"
	"net/http"
	"testing"

	"isthmus/internal/auth"
)

func TestACLEntryIsAddedFoundChangedAndDeleted(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.get("/acl").status(200).page().Says(t, ".empty", "Nobody may connect yet.")

	c.post("/acl", "pattern", "Allow from 10.1.20.21", "description", "fe1").to("/acl")
	page := c.get("/acl").status(200).page()
	page.Says(t, ".banner", "Saved. 10.1.20.21 may now send requests to this side.")
	page.Count(t, "table tbody tr", 1)
	page.Says(t, "table tbody th", "10.1.20.21")
	c.get("/acl").page().Count(t, ".banner", 0)

	id := c.snapshot().ACL[0].ID
	c.get(fmt.Sprintf("/acl/%d", id)).status(200)
	c.post(fmt.Sprintf("/acl/%d", id), "pattern", "10.1.20.0/24", "description", "front ends").to("/acl")
	if got := c.snapshot().ACL[0]; got.Pattern != "10.1.20.0/24" || got.Description != "front ends" {
		t.Errorf("stored %+v", got)
	}

	ask := c.get(fmt.Sprintf("/acl/delete?id=%d", id)).status(200).page()
	ask.Says(t, "h1", "Delete 1 incoming ACL entry?")
	ask.Says(t, "form p", "an empty list refuses every front end")
	c.postForm("/acl/delete", ask.One(t, "main form").Form()).to("/acl")
	if left := len(c.snapshot().ACL); left != 0 {
		t.Errorf("%d entries left", left)
	}
}

func TestWrongPatternKeepsWhatWasTypedBesideTheSentence(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	page := c.post("/acl", "pattern", "*.foo.com", "description", `say "hello"`).status(http.StatusUnprocessableEntity).page()
	if got := page.One(t, "#field-pattern").Attr("value"); got != "*.foo.com" {
		t.Errorf("pattern came back as %q", got)
	}
	if got := page.One(t, "#field-description").Attr("value"); got != `say "hello"` {
		t.Errorf("description came back as %q", got)
	}
	page.Says(t, "#error-pattern .error", "Enter the domain without a star: foo.com admits every host under it.")
	page.Says(t, ".banner[role=alert]", "Nothing was saved.")
	if page.One(t, "#field-pattern").Attr("aria-describedby") == "" {
		t.Error("the field does not name its error")
	}
	if n := len(c.snapshot().ACL); n != 0 {
		t.Errorf("%d entries saved", n)
	}
}

func TestPatternListedTwiceIsRefusedByName(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/acl", "pattern", "fe1.synergy.com").to("/acl")
	c.post("/acl", "pattern", "FE1.synergy.com.").status(422).page().Says(t, "#error-pattern", "fe1.synergy.com is listed already.")
}

func TestListIsFoundSortedAndPaged(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	for i := range 30 {
		c.post("/acl", "pattern", fmt.Sprintf("10.0.0.%d", i+1), "description", fmt.Sprintf("host %02d", 30-i)).to("/acl")
	}
	for _, test := range []struct {
		promise, query, first, summary string
		rows                           int
	}{
		{"the list's own order is by pattern", "", "10.0.0.1", "Incoming ACL entries 1 to 25 of 30.", 25},
		{"the second page holds the rest", "?page=2", "", "Incoming ACL entries 26 to 30 of 30.", 5},
		{"a page past the end is the last one", "?page=99", "", "26 to 30 of 30", 5},
		{"more rows on a page", "?rows=50", "10.0.0.1", "1 to 30 of 30", 30},
		{"sorted by description", "?sort=description", "10.0.0.30", "1 to 25 of 30", 25},
		{"sorted downwards", "?sort=-description", "10.0.0.1", "1 to 25 of 30", 25},
		{"found by its beginning", "?field=pattern&op=begins_with&q=10.0.0.3", "10.0.0.3", "where address pattern begins with 10.0.0.3. 30 in all.", 2},
		{"found whole", "?field=description&op=is_exactly&q=host+07", "10.0.0.24", "Incoming ACL entry 1 of 1", 1},
		{"an operator that is none finds by the beginning", "?field=pattern&op=nonsense&q=10.0.0.30", "10.0.0.30", "1 of 1", 1},
		{"a percent sign is a percent sign", "?field=pattern&op=contains&q=%25", "", "", 0},
	} {
		page := c.get("/acl" + test.query).status(200).page()
		page.Count(t, "table tbody tr", test.rows)
		if test.rows == 0 {
			page.Says(t, ".empty", "There is no incoming ACL entry where address pattern contains %.")
			continue
		}
		page.Says(t, ".pager", test.summary)
		if got := page.All("table tbody th")[0].Text(); test.first != "" && got != test.first {
			t.Errorf("%s: begins with %q, want %q", test.promise, got, test.first)
		}
	}
	head := c.get("/acl?sort=-description&q=10").page().One(t, "th[aria-sort=descending] a")
	if got := head.Attr("href"); got != "/acl?op=begins_with&q=10&sort=description" {
		t.Errorf("sorting again leads to %q", got)
	}
}

func TestServerIsListedByNameAndAddressAtOnce(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/acl/server", "fqdn", "fe1.synergy.com", "address", "10.1.20.21", "description", "front end").to("/acl")
	if n := len(c.snapshot().ACL); n != 2 {
		t.Errorf("%d entries, want 2", n)
	}
	page := c.get("/acl").page()
	page.Says(t, "table tbody", "a name, looked up in DNS")

	page = c.post("/acl/server", "fqdn", "fe1", "address", "10.1.20").status(422).page()
	page.Says(t, "#error-fqdn", "This is a single label")
	page.Says(t, "#error-address", "Enter an IP address")
}

func TestANameIsSaidToAdmitByDNSAndCertificate(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/acl", "pattern", "Synergy.com").to("/acl")
	page := c.get("/acl").page()
	page.Says(t, ".banner", "Who has the name synergy.com or one under it may now send requests to this side, by DNS or by a verified certificate.")
	c.get("/acl/new").page().Says(t, "form", "leads back to the address")
}

func TestOpenAccessIsWarnedOf(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/acl", "pattern", "All").to("/acl")
	page := c.get("/acl").page()
	page.Says(t, ".findings .part", "Everybody may send requests")
	page.Says(t, "table tbody th", "everybody")

	for _, open := range []string{"0.0.0.0/0", "::/0"} {
		c = signedInAs(t, auth.Operator)
		c.post("/acl", "pattern", open).to("/acl")
		c.get("/acl").page().Says(t, ".findings .part p", "The entry "+open+" admits every address")
	}
}
