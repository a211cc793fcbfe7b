package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

var later = time.Now().Add(15 * time.Minute)

func TestASetupTokenMakesOneAdministrator(t *testing.T) {
	s := open(t)
	hash := []byte("hash of a token")
	ok(t, s.NewSetupToken(t.Context(), hash, later))
	ok(t, s.NewSetupToken(t.Context(), []byte("old"), time.Now().Add(-time.Second)))
	refused(t, s.UseSetupToken(t.Context(), []byte("old"), "ann", "h"), "too old")
	refused(t, s.UseSetupToken(t.Context(), []byte("wrong"), "ann", "h"), "has been used or is too old")
	invalid(t, s.UseSetupToken(t.Context(), hash, "a b", "h"), "name", "A name has")
	ok(t, s.CheckSetupToken(t.Context(), hash))
	if must(s.HasAdministrator(t.Context())) {
		t.Fatal("a refused token made an administrator")
	}
	ok(t, s.UseSetupToken(t.Context(), hash, "Ann", "h"))
	a := must(s.Administrator(t.Context(), "ANN"))
	if a.Name != "ann" || a.Role != auth.Admin || a.PasswordHash != "h" || !must(s.HasAdministrator(t.Context())) {
		t.Errorf("%+v", a)
	}
	refused(t, s.UseSetupToken(t.Context(), hash, "eve", "h"), "no longer works")
	refused(t, s.CheckSetupToken(t.Context(), hash), "no longer works")
	refused(t, s.NewSetupToken(t.Context(), hash, later), "The first administrator is there already")
}

func TestASetupTokenIsDeadOnceAnyAdministratorExists(t *testing.T) {
	s := open(t)
	ok(t, s.NewSetupToken(t.Context(), []byte("a"), later))
	ok(t, s.AddAdministrator(t.Context(), "bob", auth.Viewer, "h"))
	refused(t, s.UseSetupToken(t.Context(), []byte("a"), "eve", "h"), "no longer works")
	if n := count(t, s, `SELECT count(*) FROM setup_tokens`); n != 0 {
		t.Errorf("%d tokens are left", n)
	}
}

func TestOfManyWhoUseATokenAtOnceOneWins(t *testing.T) {
	s := open(t)
	ok(t, s.NewSetupToken(t.Context(), []byte("a"), later))
	results := make(chan error, 5)
	for i := range cap(results) {
		go func() { results <- s.UseSetupToken(context.Background(), []byte("a"), string(rune('a'+i)), "h") }()
	}
	won := 0
	for range cap(results) {
		if <-results == nil {
			won++
		}
	}
	if n := count(t, s, `SELECT count(*) FROM administrators`); won != 1 || n != 1 {
		t.Errorf("%d won, %d administrators", won, n)
	}
}

func TestAdministratorsAreAddedOnceAndAudited(t *testing.T) {
	s := open(t)
	ok(t, s.AddAdministrator(actor(t), "Bob", auth.Operator, "secret-hash"))
	invalid(t, s.AddAdministrator(actor(t), "bob", auth.Admin, "h"), "name", "bob is an administrator already")
	invalid(t, s.AddAdministrator(actor(t), "eve", "root", "h"), "role", "viewer, operator or admin")
	for _, name := range []string{"nobody", "", "a\x00b"} {
		if _, err := s.Administrator(t.Context(), name); !errors.Is(err, federation.ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
	row := must(s.Audit(t.Context(), listing.Query{})).Items[0]
	if row.Action != "added administrator bob" || row.Actor != "ann" || row.Revision != 1 || strings.Contains(asJSON(row), "secret-hash") {
		t.Errorf("%+v", row)
	}
}

func TestASessionLivesUntilItsEnds(t *testing.T) {
	s := open(t)
	ok(t, s.AddAdministrator(t.Context(), "ann", auth.Admin, "h"))
	begin := func(id string) []byte {
		ok(t, s.AddSession(t.Context(), auth.Session{IDHash: []byte(id), Name: "ann", Data: []byte("d")}))
		return []byte(id)
	}
	dead := func(why string, id []byte) {
		t.Helper()
		if _, err := s.Session(t.Context(), id); !errors.Is(err, federation.ErrNotFound) {
			t.Errorf("%s: %v", why, err)
		}
	}
	id := begin("one")
	session := must(s.Session(t.Context(), id))
	if session.Name != "ann" || session.Role != auth.Admin || !bytes.Equal(session.Data, []byte("d")) || session.CreatedAt.IsZero() {
		t.Errorf("%+v", session)
	}
	ok(t, s.KeepSessionData(t.Context(), id, []byte("more")))
	if again := must(s.Session(t.Context(), id)); string(again.Data) != "more" || !again.CreatedAt.Equal(session.CreatedAt) {
		t.Errorf("%+v", again)
	}
	ok(t, raw(t, s, `UPDATE administrators SET role = 'viewer'`))
	if again := must(s.Session(t.Context(), id)); again.Role != auth.Viewer {
		t.Errorf("a change of role does not bite: %+v", again)
	}
	ok(t, raw(t, s, `UPDATE sessions SET seen_at = now() - interval '29 minutes'`))
	alive := `SELECT count(*) FROM sessions WHERE seen_at > now() - interval '1 minute'`
	must(s.Session(Unattended(t.Context()), id))
	if n := count(t, s, alive); n != 0 {
		t.Error("what a page does by itself keeps the session of somebody who left")
	}
	must(s.Session(t.Context(), id))
	if n := count(t, s, alive); n != 1 {
		t.Error("a request is no sign of life")
	}
	ok(t, raw(t, s, `UPDATE sessions SET seen_at = now() - interval '30 minutes'`))
	dead("idle for 30 minutes", id)
	id = begin("two")
	if n := count(t, s, `SELECT count(*) FROM sessions`); n != 1 {
		t.Errorf("%d rows; what has ended is not cleared away", n)
	}
	ok(t, raw(t, s, `UPDATE sessions SET created_at = now() - interval '12 hours'`))
	dead("12 hours old", id)
	id = begin("three")
	ok(t, s.DeleteSession(t.Context(), id))
	ok(t, s.KeepSessionData(t.Context(), id, []byte("a page that was under way")))
	dead("signed out", id)
	a, b := begin("four"), begin("five")
	ok(t, s.DeleteSessionsOf(t.Context(), "ann"))
	dead("all ended", a)
	dead("all ended", b)
	id = begin("six")
	ok(t, raw(t, s, `DELETE FROM administrators`))
	dead("the administrator is gone", id)
	dead("never there", []byte("seven"))
}

func TestTriesToSignInAreThrottledPerNameAndAddress(t *testing.T) {
	s := open(t)
	tryIn := func(name, address string) time.Duration { return must(s.CountLogin(t.Context(), name, address)) }
	for range triesPerName {
		if wait := tryIn("ann", "127.0.0.1"); wait != 0 {
			t.Fatalf("throttled after %v", wait)
		}
	}
	if wait := tryIn(" ANN ", "127.0.0.2"); wait <= 0 || wait > loginWindow {
		t.Errorf("the name waits %v", wait)
	}
	if wait := tryIn("bob", "127.0.0.1"); wait != 0 {
		t.Errorf("another name waits %v", wait)
	}
	ok(t, s.ClearLogin(t.Context(), "Ann", "127.0.0.1"))
	if wait := tryIn("ann", "127.0.0.1"); wait != 0 {
		t.Errorf("after a success the name waits %v", wait)
	}
	for i := range triesPerAddress {
		tryIn(string(rune('A'+i)), "127.0.0.3")
	}
	if wait := tryIn("somebody", "127.0.0.3"); wait <= 0 || wait > loginWindow {
		t.Errorf("the address waits %v", wait)
	}
	ok(t, raw(t, s, `UPDATE login_tries SET since = since - interval '1 minute'`))
	if wait := tryIn("somebody", "127.0.0.3"); wait != 0 {
		t.Errorf("after the window the address waits %v", wait)
	}
	tryIn(strings.Repeat("ü", 500)+"\x00\xff", "127.0.0.4")
}

func TestTriesAtOnceDoNotSlipThrough(t *testing.T) {
	s := open(t)
	const tries = 40
	waits := make(chan time.Duration, tries)
	for range tries {
		go func() { waits <- must(s.CountLogin(context.Background(), "ann", "127.0.0.1")) }()
	}
	free := 0
	for range tries {
		if <-waits == 0 {
			free++
		}
	}
	if free != triesPerName {
		t.Errorf("%d tries went through, want %d", free, triesPerName)
	}
}

// certificate is a node's own, or a trusted one when node is empty.
func certificate(node, fingerprint string, selfSigned bool) federation.Certificate {
	c := federation.Certificate{Purpose: federation.PurposeTrust, Chain: []byte("PEM"), Subject: "CN " + fingerprint, Issuer: "CA",
		NotBefore: time.Unix(1e9, 0).UTC(), NotAfter: time.Unix(2e9, 0).UTC(), Fingerprint: strings.Repeat(fingerprint, 64), SelfSigned: selfSigned}
	if node != "" {
		c.Purpose, c.Node, c.EncryptedKey = federation.PurposeOwn, node, []byte("sealed-key")
	}
	return c
}

func TestAnImportedCertificateReplacesASelfSignedOneAndNotTheOtherWay(t *testing.T) {
	s := filled(t)
	own := func() federation.Certificate {
		snapshot := must(s.Snapshot(t.Context()))
		if len(snapshot.Certificates) != 1 {
			t.Fatalf("%d certificates", len(snapshot.Certificates))
		}
		return *snapshot.Own("imp1.synergy.com")
	}
	if must(s.HoldsSecrets(t.Context())) {
		t.Error("a database without keys holds secrets")
	}
	before := must(s.Revision(t.Context()))
	for _, c := range []struct {
		saved federation.Certificate
		want  string
	}{
		{certificate("imp1.synergy.com", "a", true), "CN a"}, {certificate("imp1.synergy.com", "b", false), "CN b"},
		{certificate("imp1.synergy.com", "c", true), "CN b"}, {certificate("imp1.synergy.com", "d", false), "CN d"},
	} {
		ok(t, s.SaveCertificate(actor(t), c.saved))
		if got := own(); got.Subject != c.want || string(got.EncryptedKey) != "sealed-key" || !got.NotAfter.Equal(c.saved.NotAfter) {
			t.Errorf("after %s: %+v", c.saved.Subject, got)
		}
	}
	if after := must(s.Revision(t.Context())); after != before+3 || !must(s.HoldsSecrets(t.Context())) {
		t.Errorf("revision %d after %d", after, before)
	}
	for _, row := range must(s.Audit(t.Context(), listing.Query{})).Items {
		if strings.Contains(asJSON(row), "sealed-key") {
			t.Errorf("the audit log holds a key: %+v", row)
		}
	}
	refused(t, s.SaveCertificate(actor(t), certificate("none.synergy.com", "e", false)), "There is no node none.synergy.com")
}

func TestATrustedAuthorityIsKeptOnce(t *testing.T) {
	s := filled(t)
	authority := certificate("", "a", false)
	authority.EncryptedKey = []byte("no key belongs here")
	ok(t, s.SaveCertificate(actor(t), authority))
	ok(t, unchanged(t, s, func() error { return s.SaveCertificate(actor(t), authority) }))
	ok(t, s.SaveCertificate(actor(t), certificate("", "b", false)))
	all := must(s.Certificates(t.Context()))
	if len(all) != 2 || all[0].EncryptedKey != nil || all[0].Node != "" {
		t.Errorf("%+v", all)
	}
}

func TestANodesCertificateFollowsItsNode(t *testing.T) {
	s := filled(t)
	n := must(s.SaveNode(actor(t), federation.Node{Name: "imp3.synergy.com", Address: "127.0.0.13"}))
	ok(t, s.SaveCertificate(actor(t), certificate(n.Name, "a", true)))
	n.Name = "imp4.synergy.com"
	must(s.SaveNode(actor(t), n))
	if c := must(s.Certificates(t.Context())); c[0].Node != n.Name {
		t.Errorf("%+v", c)
	}
	ok(t, s.DeleteNodes(actor(t), []int64{n.ID}))
	if c := must(s.Certificates(t.Context())); len(c) != 0 {
		t.Errorf("%+v", c)
	}
}

func TestAnotherKeyFileIsRefusedFromTheFirstOn(t *testing.T) {
	s := filled(t)
	ok(t, s.SetKeyFingerprint(t.Context(), "one"))
	ok(t, s.SetKeyFingerprint(t.Context(), "one"))
	refused(t, s.SetKeyFingerprint(t.Context(), "two"), "not the one that this database was set up with", "--key-file")
	if got := must(s.KeyFingerprint(t.Context())); got != "one" {
		t.Errorf("%q is kept", got)
	}
}

func TestOfNodesThatStartAtOnceWithAKeyFileEachOneWins(t *testing.T) {
	s := open(t)
	outcomes := make([]error, 4)
	var group sync.WaitGroup
	for i := range outcomes {
		group.Go(func() { outcomes[i] = s.SetKeyFingerprint(t.Context(), fmt.Sprint(i)) })
	}
	group.Wait()
	kept, winners := must(s.KeyFingerprint(t.Context())), 0
	for i, err := range outcomes {
		switch {
		case err == nil && kept == fmt.Sprint(i):
			winners++
		default:
			refused(t, err, "key file")
		}
	}
	if winners != 1 {
		t.Errorf("%d of them go on", winners)
	}
}
