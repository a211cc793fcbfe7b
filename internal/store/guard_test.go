package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

func TestMoreThanHalfOfTenIsMuch(t *testing.T) {
	s := filled(t)
	for _, c := range []struct {
		had, left int
		asked     bool
	}{{10, 5, false}, {10, 4, true}, {9, 1, false}} {
		full, fewer := small(), small()
		for i := range c.had - 2 {
			full.Domains = append(full.Domains, federation.Domain{Name: fmt.Sprintf("d%d.com", i)})
		}
		fewer.Domains = full.Domains[:c.left]
		must(s.Apply(actor(t), "full", becomes(full), ApplyOptions{Confirmed: true}))
		_, err := s.Apply(actor(t), "fewer", becomes(fewer))
		if asked := errors.As(err, new(Unconfirmed)); asked != c.asked || err != nil && !asked {
			t.Errorf("%d of %d are left: %v", c.left, c.had, err)
		}
	}
}

func TestADryRunOfWhatIsThereFindsNothing(t *testing.T) {
	s := filled(t)
	ok(t, unchanged(t, s, func() error {
		differences, err := s.Apply(actor(t), "dry", same, ApplyOptions{DryRun: true})
		if len(differences) != 0 {
			t.Errorf("%v", differences)
		}
		return err
	}))
}

func TestANodeGoesTogetherWithItsBackup(t *testing.T) {
	s := filled(t)
	b := must(s.SaveNode(actor(t), federation.Node{Name: "imp8.synergy.com", Address: "127.0.0.18"}))
	a := must(s.SaveNode(actor(t), federation.Node{Name: "imp9.synergy.com", Address: "127.0.0.19", Backup: b.Name}))
	ok(t, s.DeleteNodes(actor(t), []int64{a.ID, b.ID}))
}

func TestADocumentOfThousandsIsWrittenWhole(t *testing.T) {
	s := filled(t)
	want := small()
	for i := range 2*batchSize + 1 {
		want.ACL = append(want.ACL, federation.ACLEntry{Pattern: fmt.Sprintf("10.1.%d.%d", i/250, i%250)})
	}
	differences := must(s.Apply(actor(t), "many", becomes(want)))
	got := must(s.Configuration(t.Context()))
	if d := federation.Diff(&want, &got); len(d) > 0 || len(differences) != 2*batchSize+1 {
		t.Errorf("%d differences, %d are left", len(differences), len(d))
	}
}

func TestARefusalCountsTheUsers(t *testing.T) {
	s := filled(t)
	for _, id := range []string{"cid", "dan"} {
		must(s.SaveUser(actor(t), federation.User{UserID: id, IMAddress: id + "@other.com", Licensed: true, Node: "imp2.synergy.com"}))
	}
	d := first(t, s.ListDomains, "name", "other.com")
	refused(t, s.DeleteDomains(actor(t), []int64{d.ID}), "2 licensed users have their address in other.com, cid among them")
}

// last is the newest row of the audit log.
func last(t testing.TB, s *Store) AuditRow {
	t.Helper()
	return must(s.Audit(t.Context(), listing.Query{})).Items[0]
}

func TestTheAuditLogTellsTheWholeChange(t *testing.T) {
	s := filled(t)
	subject := first(t, s.ListTLSPeerSubjects, "name", "fe1.synergy.com")
	subject.Name = "zz.synergy.com"
	must(s.SaveTLSPeerSubject(actor(t), subject))
	if row := last(t, s); row.Action != "changed TLS peer subject fe1.synergy.com and more" || row.ChangeCount != 2 || row.Changes[1].Kind != "tls_context" {
		t.Errorf("a subject that a context holds: %+v", row)
	}
	ok(t, s.SaveACLServer(actor(t), "fe9.synergy.com", "10.0.0.9", "front end"))
	if row := last(t, s); row.Action != "added ACL entries of the server fe9.synergy.com" || row.ChangeCount != 2 {
		t.Errorf("a server's entries: %+v", row)
	}
	settings := must(s.Settings(t.Context()))
	settings.RoutingMode = federation.RoutingAdvanced
	ok(t, s.SaveSettings(actor(t), settings))
	if row := last(t, s); row.Action != "changed settings" || row.Changes[0].Key != "routing_mode" || row.Changes[0].Fields[0].New != "advanced" {
		t.Errorf("settings: %+v", row)
	}
	fewer := small()
	fewer.TLSPeerSubjects[0].Name, fewer.FederatedDomains = "zz.synergy.com", nil
	fewer.TLSContexts[0].PeerSubjects = []string{"pool.synergy.com", "zz.synergy.com"}
	fewer.Domains = append(fewer.Domains, federation.Domain{Name: "new.com"})
	fewer.Settings.RoutingMode = federation.RoutingAdvanced
	must(s.Apply(actor(t), "applied", becomes(fewer)))
	told := map[string]string{}
	for _, c := range last(t, s).Changes {
		if len(c.Fields) == 0 {
			t.Errorf("%s %s %s has no fields", c.How, c.Kind, c.Key)
			continue
		}
		told[c.How+" "+c.Key] = c.Fields[0].Old + " -> " + c.Fields[0].New
	}
	if told["added new.com"] != `"" -> new.com` || told["removed remote.com"] != `remote.com -> ""` {
		t.Errorf("a document: %v", told)
	}
}

func TestTheAuditLogTellsWhichCertificateWasReplaced(t *testing.T) {
	s := filled(t)
	steps := []struct {
		saved         federation.Certificate
		how, key, old string
	}{
		{certificate("imp1.synergy.com", "a", true), federation.Added, "imp1.synergy.com", ""},
		{certificate("imp1.synergy.com", "b", false), federation.Changed, "imp1.synergy.com", "CN a"},
		{certificate("", "c", false), federation.Added, "CN c", ""},
	}
	for _, c := range steps {
		ok(t, s.SaveCertificate(actor(t), c.saved))
		got := last(t, s).Changes[0]
		i := slices.IndexFunc(got.Fields, func(f federation.FieldChange) bool { return f.Name == "subject" })
		if got.How != c.how || got.Key != c.key || i < 0 || got.Fields[i].Old != c.old || got.Fields[i].New != c.saved.Subject {
			t.Errorf("%s: %+v", c.saved.Subject, got)
		}
		if end := got.Fields[3]; end.Name != "not_after" || end.New != "2033-05-18T03:33:20Z" || c.old == "" && end.Old != "" {
			t.Errorf("%s: %+v", c.saved.Subject, end)
		}
	}
}

func TestASecondFinishOfTheWizardTellsWhatIsNew(t *testing.T) {
	s := filled(t)
	finished := func(d federation.Deployment, _ federation.Changes, err error) federation.Deployment {
		ok(t, err)
		return d
	}
	was := finished(s.FinishWizard(actor(t), pool, planFor(federation.VerdictNew)))
	other := pool
	other.Site = "2"
	finished(s.FinishWizard(actor(t), other, planFor(federation.VerdictExists)))
	change := last(t, s).Changes[0]
	if change.Kind != "deployment" || change.How != federation.Changed || len(change.Fields) != 1 || change.Fields[0].Name != "answers" ||
		!strings.Contains(change.Fields[0].Old, pool.Pool) {
		t.Errorf("%+v", change)
	}
	ok(t, s.DeleteACLEntries(actor(t), []int64{first(t, s.ListACLEntries, "pattern", "10.0.0.1").ID}))
	if d := finished(s.FinishWizard(actor(t), other, planFor(federation.VerdictNew))); d.Revision != must(s.Revision(t.Context())) || d.ID != was.ID {
		t.Errorf("the same answers after something was taken away: %+v", d)
	}
	if d, _, err := s.FinishWizard(actor(t), pool, planFor(federation.VerdictConflict)); err == nil || d.ID != 0 {
		t.Errorf("a refused finish gives %+v, %v", d, err)
	}
}
