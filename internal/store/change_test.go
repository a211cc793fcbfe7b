package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

func TestAChangeRaisesTheRevisionAndWritesOneAuditRow(t *testing.T) {
	s := filled(t)
	before := must(s.Revision(t.Context()))
	e := first(t, s.ListACLEntries, "pattern", "127.0.0.21")
	e.Pattern, e.Description = "127.0.0.22", "moved"
	must(s.SaveACLEntry(actor(t), e))

	page := must(s.Audit(t.Context(), listing.Query{}))
	row := page.Items[0]
	if after := must(s.Revision(t.Context())); after != before+1 || row.Revision != after {
		t.Errorf("revision %d after %d, audit says %d", after, before, row.Revision)
	}
	if row.Actor != "ann" || row.Role != "admin" || row.Address != "127.0.0.9" || row.Request != "r-1" || row.At.IsZero() ||
		row.Action != "changed ACL entry 127.0.0.21" || row.ChangeCount != 1 {
		t.Errorf("%+v", row)
	}
	want := []federation.FieldChange{{Name: "pattern", Old: "127.0.0.21", New: "127.0.0.22"}, {Name: "description", Old: "fe1", New: "moved"}}
	if c := row.Changes[0]; c.Kind != "acl" || c.How != federation.Changed || fmt.Sprint(c.Fields) != fmt.Sprint(want) {
		t.Errorf("%+v", c)
	}
}

func TestTheAuditLogKeepsWhatCameAndWent(t *testing.T) {
	s := filled(t)
	e := first(t, s.ListACLEntries, "pattern", "127.0.0.21")
	ok(t, s.DeleteACLEntries(actor(t), []int64{e.ID}))
	c := must(s.Audit(t.Context(), listing.Query{})).Items[0].Changes[0]
	if c.How != federation.Removed || c.Key != "127.0.0.21" || c.Fields[0].Old != "127.0.0.21" || c.Fields[1].Old != "fe1" {
		t.Errorf("%+v", c)
	}
	found := must(s.Audit(t.Context(), listing.Query{Field: "changes", Op: listing.Contains, Text: "127.0.0.21"}))
	if found.Total != 2 {
		t.Errorf("%d rows speak of the entry, want 2", found.Total)
	}
}

func TestTheAuditLogIsAppendOnly(t *testing.T) {
	s := filled(t)
	for _, sql := range []string{`UPDATE audit SET actor = 'eve'`, `DELETE FROM audit`, `TRUNCATE audit`} {
		if err := raw(t, s, sql); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestSavingWhatIsThereAlreadyIsNoChange(t *testing.T) {
	s := filled(t)
	ok(t, unchanged(t, s, func() error {
		e := first(t, s.ListACLEntries, "pattern", "127.0.0.21")
		e.Pattern = " 127.0.0.21 "
		_, err := s.SaveACLEntry(actor(t), e)
		return errors.Join(err, s.SaveSettings(actor(t), must(s.Settings(t.Context()))))
	}))
}

func TestARefusedChangeLeavesNothing(t *testing.T) {
	s := filled(t)
	err := unchanged(t, s, func() error {
		return s.change(actor(t), func(ctx context.Context, w *work) error {
			must(w.tx.Exec(ctx, `INSERT INTO acl_entries (pattern) VALUES ('10.9.9.9')`))
			must(w.tx.Exec(ctx, `UPDATE nodes SET address = '127.0.0.21' WHERE name = 'imp1.synergy.com'`))
			w.note("acl", federation.Added, "10.9.9.9", nil)
			return nil
		})
	})
	refused(t, err, "belongs to the node imp1.synergy.com")
	idle(t, s)
}

func TestWhatOnlyTheDatabaseFindsIsRefusedInWords(t *testing.T) {
	s := filled(t)
	for _, sql := range []string{
		`INSERT INTO users (key, user_id, licensed, node) VALUES ('x', 'x', false, 'none.synergy.com')`,
		`INSERT INTO certificates (purpose, chain, subject, issuer, not_before, not_after, fingerprint, self_signed)
			VALUES ('cup', '', '', '', now(), now(), 'no', false)`,
	} {
		err := unchanged(t, s, func() error {
			return s.change(actor(t), func(ctx context.Context, w *work) error {
				w.note("test", federation.Added, "x", nil)
				_, err := w.tx.Exec(ctx, sql)
				return refuseViolation(err)
			})
		})
		refused(t, err, "The database's rule", "nothing was saved")
	}
}

// Every row here is one that the program's own rules refuse, so only a hand at the database writes it.
func TestConstraintsHoldAgainstAHandAtTheDatabase(t *testing.T) {
	s := filled(t)
	for _, sql := range []string{
		`UPDATE listeners SET tls_context = 'none' WHERE port = 5061`,
		`UPDATE listeners SET tls_context = NULL WHERE port = 5061`,
		`UPDATE listeners SET port = 0`,
		`UPDATE nodes SET address = '127.0.0.11'`,
		`UPDATE nodes SET backup = name`,
		`UPDATE static_routes SET priority = 0`,
		`UPDATE domains SET name = upper(name)`,
		`UPDATE users SET licensed = true, node = NULL`,
		`UPDATE users SET licensed = true, node = 'imp1.synergy.com', address = 'same@synergy.com'`,
		`DELETE FROM nodes`,
		`DELETE FROM tls_contexts`,
		`INSERT INTO revision (only_row) VALUES (true)`,
		`INSERT INTO administrators (name, role, password_hash) VALUES ('x', 'root', 'x')`,
	} {
		if violated(raw(t, s, sql)) == "" {
			t.Errorf("%s: nothing forbids it", sql)
		}
	}
}

func TestAHandAtTheDatabaseRaisesTheRevisionToo(t *testing.T) {
	s := filled(t)
	before := must(s.Revision(t.Context()))
	ok(t, raw(t, s, `UPDATE acl_entries SET description = 'by hand'`))
	ok(t, raw(t, s, `DO $$ BEGIN UPDATE acl_entries SET description = 'a'; DELETE FROM federated_domains; END $$`))
	if after := must(s.Revision(t.Context())); after != before+2 {
		t.Errorf("two transactions raised the revision from %d to %d", before, after)
	}
}

func TestABadRowByHandStopsNobodyFromMendingIt(t *testing.T) {
	s := filled(t)
	ok(t, raw(t, s, `INSERT INTO listeners (name, transport, port, enabled) VALUES ('one', 'tcp', 5080, true), ('two', 'tcp', 5060, true)`))
	must(s.SaveACLEntry(actor(t), federation.ACLEntry{Pattern: "10.0.0.1"}))
	one := first(t, s.ListListeners, "name", "one")
	one.Port = 9001
	must(s.SaveListener(actor(t), one))
	two := first(t, s.ListListeners, "name", "two")
	two.Enabled = false
	_, err := s.SaveListener(actor(t), two)
	invalid(t, err, "port", "Port 5060 is taken")
	two.Port = 9002
	must(s.SaveListener(actor(t), two))
	snapshot := must(s.Snapshot(t.Context()))
	if problems := snapshot.Validate(); len(problems) > 0 {
		t.Errorf("still wrong: %v", problems)
	}
}

func TestWritersFollowOneAnother(t *testing.T) {
	s := open(t)
	const writers, each = 4, 5
	results := make(chan error, writers)
	before := must(s.Revision(t.Context()))
	for w := range writers {
		go func() {
			var err error
			for i := range each {
				_, saveErr := s.SaveACLEntry(context.Background(), federation.ACLEntry{Pattern: fmt.Sprintf("10.0.%d.%d", w, i)})
				err = errors.Join(err, saveErr)
			}
			results <- err
		}()
	}
	for range writers {
		ok(t, <-results)
	}
	if got := must(s.Revision(t.Context())) - before; got != writers*each {
		t.Errorf("the revision rose by %d for %d changes", got, writers*each)
	}
	if n := count(t, s, `SELECT count(DISTINCT revision) FROM audit`); n != writers*each+1 {
		t.Errorf("%d revisions are in the audit log", n)
	}
}

func TestOfTwoWritersOneGetsThePort(t *testing.T) {
	s := open(t)
	results := make(chan error, 2)
	for _, name := range []string{"left", "right"} {
		go func() {
			_, err := s.SaveListener(context.Background(), federation.Listener{Name: name, Transport: "tcp", Port: 7000, Enabled: true})
			results <- err
		}()
	}
	a, b := <-results, <-results
	if a == nil {
		a, b = b, a
	}
	ok(t, b)
	invalid(t, a, "port", "Port 7000 is taken by the listener")
}

func TestAChangeIsTriedAgainWhenTheDatabaseAsksForIt(t *testing.T) {
	s := open(t)
	conflict := &pgconn.PgError{Code: "40001"}
	tries := 0
	ok(t, s.change(t.Context(), func(context.Context, *work) error {
		if tries++; tries < maxTries {
			return conflict
		}
		return nil
	}))
	tries = 0
	err := s.change(t.Context(), func(context.Context, *work) error { tries++; return conflict })
	if !errors.Is(err, ErrBusy) || tries != maxTries {
		t.Errorf("%v after %d tries", err, tries)
	}
	idle(t, s)
}

func TestAWriterThatWaitsTooLongIsToldToTryAgain(t *testing.T) {
	s := open(t)
	impatient := must(Open(t.Context(), s.config.ConnString()+"&lock_timeout=50"))
	defer impatient.Close()
	ok(t, s.change(t.Context(), func(context.Context, *work) error {
		if _, err := impatient.SaveDomain(t.Context(), federation.Domain{Name: "a.com"}); !errors.Is(err, ErrBusy) {
			t.Errorf("got %v, want %v", err, ErrBusy)
		}
		return nil
	}))
}

func TestACallerThatLeavesHoldsNoLock(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.change(ctx, func(ctx context.Context, w *work) error {
		cancel()
		_, err := w.tx.Exec(ctx, `SELECT 1`)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	must(s.SaveDomain(actor(t), federation.Domain{Name: "a.com"}))
}

func TestEverySettingIsStoredAndOnlyWhatWasSaved(t *testing.T) {
	s := filled(t)
	fields := settingFields(&federation.Settings{})
	if n := len(federation.FieldChanges(&federation.Settings{}, &federation.Settings{PartitionedFederation: true, RoutingMode: "x", EmailFederation: true,
		RequirePeerCertificate: true, NodeTransport: "x", IMAddressScheme: "x", DirectoryURISource: "x", DefaultDomain: "x", MaxContacts: 1, MaxWatchers: 1,
		AutoAuthorize: true})); n != len(fields) {
		t.Errorf("%d settings are stored, there are %d", len(fields), n)
	}
	settings := must(s.Settings(t.Context()))
	settings.MaxContacts, settings.AutoAuthorize, settings.RoutingMode = federation.Unlimited, false, "ADVANCED"
	ok(t, s.SaveSettings(actor(t), settings))
	settings.Normalize()
	snapshot := must(s.Snapshot(t.Context()))
	if snapshot.Settings != settings {
		t.Errorf("%+v, want %+v", snapshot.Settings, settings)
	}
	if got := strings.Join(snapshot.SavedSettings, " "); got != "auto_authorize default_domain max_contacts routing_mode" {
		t.Errorf("saved: %s", got)
	}
	ok(t, raw(t, s, `INSERT INTO settings VALUES ('of another version', 'x'), ('max_watchers', 'many')`))
	if got := must(s.Settings(t.Context())); got != settings {
		t.Errorf("values that no program wrote change the settings to %+v", got)
	}
	settings.EmailFederation, settings.PartitionedFederation = true, true
	invalid(t, s.SaveSettings(actor(t), settings), "email_federation", "exclude each other")
}
