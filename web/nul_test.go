package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"isthmus/internal/auth"
)

// The character NUL is no fault of the program, in whatever field somebody sends it.
func TestNULInAFieldIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	before := c.snapshot().Revision
	for _, odd := range []string{"a\x00b", "a\xffb"} {
		for path, fields := range map[string][]string{
			"/certificates/requests": {"node", "names", "more", "key_kind"}, "/certificates": {"purpose", "node", "description"},
			"/acl": {"pattern", "description"}, "/users": {"id", "address", "node"}, "/nodes": {"name", "address", "services"},
			"/tls-peer-subjects": {"name", "description", "contexts"}, "/tls-contexts": {"name", "ciphers", "peer_subjects"},
			"/static-routes": {"destination", "next_hop", "description"}, "/listeners": {"name", "tls_context"}, "/domains": {"name"},
		} {
			form := url.Values{}
			for _, name := range fields {
				form.Set(name, odd)
			}
			if got := c.postForm(path, form); got.code != http.StatusUnprocessableEntity && got.code != http.StatusConflict {
				t.Errorf("POST %s with %q: %d", path, odd, got.code)
			}
			for _, name := range append(fields, "q", "field", "purpose") {
				address := path + "?" + url.Values{name: {odd}}.Encode()
				if got := c.get(address); got.code >= http.StatusInternalServerError {
					t.Errorf("GET %s: %d", address, got.code)
				}
			}
		}
		c.postForm("/certificates/requests", url.Values{"node": {odd}}).status(http.StatusUnprocessableEntity).page().Says(t, "main", "There is no such node")
		for _, address := range []string{"/certificates/requests/new?node=", "/certificates/new?purpose=cup&node="} {
			c.get(address + url.QueryEscape(odd)).status(http.StatusOK)
		}
	}
	if after := c.snapshot().Revision; after != before {
		t.Errorf("revision %d became %d", before, after)
	}
}
