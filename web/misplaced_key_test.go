package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// A key that is pasted into a wrong field, with its lines or without them, is neither shown again nor kept.
func TestAKeyInAWrongFieldIsRefusedAndNeitherShownNorKept(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	leaf := ca.Leaf(ownNode)
	file, key := string(siptest.CertificatePEM(leaf)), string(siptest.KeyPEM(leaf))
	before := c.snapshot().Revision
	for _, key := range []string{key, strings.Split(key, "\n")[1]} {
		for name, form := range map[string]url.Values{
			"/acl":                   {"pattern": {"10.1.20.21"}, "description": {key}},
			"/users":                 {"id": {key}},
			"/tls-peer-subjects":     {"name": {key}},
			"/certificates":          {"purpose": {"cup-trust"}, "text": {string(ca.PEM())}, "description": {key}},
			"/certificates/requests": {"node": {ownNode}, "key_kind": {federation.KeyP256}, "more": {key}},
			"/wizard":                {"acknowledged": {"true"}, "paste": {key}},
			"/settings":              {key: {"true"}},
		} {
			c.postForm(name, form).status(http.StatusUnprocessableEntity).page().Says(t, "main", "A private key stands here")
		}
		c.sendFiles("/certificates", map[string][]byte{"file": []byte(file), "key": siptest.KeyPEM(leaf)}, "purpose", "cup", "node", ownNode, "description", key).
			status(http.StatusUnprocessableEntity).page().Says(t, "main", "A private key stands here")
		c.get("/acl?q=" + url.QueryEscape(key)).status(http.StatusUnprocessableEntity)
		(&console{t: t, handler: c.handler}).get("/acl?q=" + url.QueryEscape(key)).status(http.StatusUnprocessableEntity)
		(&console{t: t, handler: c.handler}).post("/login", "name", key, "password", "x").status(http.StatusUnprocessableEntity)
	}
	if after := c.snapshot().Revision; after != before {
		t.Errorf("revision %d became %d", before, after)
	}
}

// What is exempt in a form is not exempt in an address: those go into logs, and into the way back after signing in.
func TestAKeyInAnAddressIsRefusedUnderEveryName(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	key := string(siptest.KeyPEM(siptest.NewAuthority("Synergy Root").Leaf(ownNode)))
	stranger := &console{t: t, handler: c.handler}
	for _, path := range []string{"/certificates", "/tls-peer-subjects/certificate"} {
		for _, name := range []string{"file", "text", "key", "q"} {
			address := path + "?" + url.Values{name: {key}}.Encode()
			c.get(address).status(http.StatusUnprocessableEntity)
			if to := stranger.get(address).status(http.StatusUnprocessableEntity).head.Get("Location"); to != "" {
				t.Errorf("%s of %s leads to %.60s", name, path, to)
			}
		}
	}
	c.post("/certificates?"+url.Values{"key": {key}}.Encode(), "purpose", "cup").status(http.StatusUnprocessableEntity)
}
