package store

import (
	"errors"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

func newest(t testing.TB, s *Store) federation.Point {
	t.Helper()
	snapshot := must(s.Snapshot(t.Context()))
	return snapshot.Point()
}

// reports keeps that a node has a state in force.
func reports(t testing.TB, s *Store, node string, p federation.Point) {
	t.Helper()
	ok(t, s.ReportStatus(t.Context(), federation.NodeStatus{Node: node, AppliedEra: p.Era, AppliedRevision: p.Revision}))
}

func TestTheNewestStateIsToldWithItsEra(t *testing.T) {
	s := filled(t)
	before := newest(t, s)
	if p := must(s.Newest(t.Context())); p != before || p.Era != 1 {
		t.Errorf("it is %+v", p)
	}
	must(s.SaveACLEntry(actor(t), federation.ACLEntry{Pattern: "10.0.0.1"}))
	if p := must(s.Newest(t.Context())); !before.Before(p) {
		t.Errorf("after a change it is %+v", p)
	}
}

func TestADatabaseThatWentBackIsNotChanged(t *testing.T) {
	s := filled(t)
	now := newest(t, s)
	save := func() error {
		_, err := s.SaveDomain(actor(t), federation.Domain{Name: "new.com"})
		return err
	}
	for _, ahead := range []federation.Point{{Era: now.Era, Revision: now.Revision + 26}, {Era: now.Era + 1, Revision: 1}} {
		reports(t, s, imp1, ahead)
		refused(t, unchanged(t, s, save), "The database went back from revision", "nothing was saved", "Accept that")
	}
	refused(t, unchanged(t, s, func() error {
		return s.OrderService(actor(t), []string{imp1}, federation.ServiceSIPProxy, federation.StopService)
	}), "went back")
	more := small()
	more.Domains = append(more.Domains, federation.Domain{Name: "new.com"})
	_, err := s.Apply(actor(t), "dry", becomes(more), ApplyOptions{DryRun: true})
	refused(t, err, "went back")

	ok(t, s.AddAdministrator(actor(t), "bob", auth.Admin, "h")) // somebody has to accept it
	ok(t, raw(t, s, `UPDATE node_statuses SET reported_at = now() - interval '61 seconds'`))
	ok(t, save())
}

func TestNodesThatHaveTheNewestOrLessHinderNobody(t *testing.T) {
	s := filled(t)
	now := newest(t, s)
	for i, p := range []federation.Point{now, {Era: now.Era, Revision: 1}, {Revision: now.Revision + 500}, {}} {
		reports(t, s, imp1, p)
		must(s.SaveACLEntry(actor(t), federation.ACLEntry{Pattern: []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}[i]}))
	}
}

func TestThereIsNothingToAcceptWhileNoNodeIsAhead(t *testing.T) {
	s := filled(t)
	refused(t, unchanged(t, s, func() error { return s.AcceptRestored(actor(t)) }), "nothing to accept")
	reports(t, s, imp1, newest(t, s))
	refused(t, unchanged(t, s, func() error { return s.AcceptRestored(actor(t)) }), "nothing to accept")
}

func TestAnAcceptedDatabaseIsNewerThanAllThatNodesHaveSeen(t *testing.T) {
	s := filled(t)
	f := follow(t, s)
	before := f.snapshot()
	reports(t, s, imp1, federation.Point{Era: before.Era + 2, Revision: 9})
	reports(t, s, imp2, federation.Point{Era: before.Era, Revision: before.Revision + 26})
	ok(t, s.AcceptRestored(actor(t)))
	got := f.snapshot()
	if want := (federation.Point{Era: before.Era + 3, Revision: before.Revision + 27}); got.Point() != want {
		t.Errorf("accepted it is %v, want %v", got.Point(), want)
	}
	if d := federation.Diff(&before.Configuration, &got.Configuration); len(d) > 0 {
		t.Errorf("accepting changed %v", d)
	}
	if row := last(t, s); row.Action != "accepted the restored database" || row.Actor != "ann" || row.Revision != got.Revision {
		t.Errorf("the audit log has %+v", row)
	}
	refused(t, s.AcceptRestored(actor(t)), "nothing to accept")
	must(s.SaveDomain(actor(t), federation.Domain{Name: "new.com"}))
	if next := f.snapshot(); next.Era != got.Era || next.Revision != got.Revision+1 {
		t.Errorf("the next change is %v", next.Point())
	}
}

func TestAStateThatNobodyLookedAtIsNotAccepted(t *testing.T) {
	s := filled(t)
	seen := newest(t, s)
	reports(t, s, imp1, federation.Point{Era: 1, Revision: 500})
	for _, other := range []federation.Point{{Era: seen.Era, Revision: seen.Revision + 1}, {Era: seen.Era + 1, Revision: seen.Revision}} {
		err := unchanged(t, s, func() error { return s.AcceptRestoredAt(actor(t), other) })
		if !errors.Is(err, ErrOvertaken) {
			t.Errorf("%v instead of %v: %v", seen, other, err)
		}
	}
	ok(t, s.AcceptRestoredAt(actor(t), seen))
	if p := newest(t, s); p != (federation.Point{Era: 2, Revision: 501}) {
		t.Errorf("the database is at %v", p)
	}
}

func TestOfTwoWhoAcceptAtOnceOneDoes(t *testing.T) {
	s := filled(t)
	reports(t, s, imp1, federation.Point{Era: 1, Revision: 500})
	results := make(chan error, 2)
	for range cap(results) {
		go func() { results <- s.AcceptRestored(t.Context()) }()
	}
	accepted := 0
	for range cap(results) {
		if err := <-results; err == nil {
			accepted++
		} else if !errors.As(err, new(federation.Refusal)) {
			t.Error(err)
		}
	}
	if p := newest(t, s); accepted != 1 || p != (federation.Point{Era: 2, Revision: 501}) {
		t.Errorf("%d accepted, the database is at %v", accepted, p)
	}
}

// A newer backup that is restored instead takes the request away, and with it the key of what is being signed meanwhile.
func TestADatabaseThatWentBackTakesNoRequestAndLosesNone(t *testing.T) {
	s := filled(t)
	waits := request(imp2, "two")
	ok(t, s.SaveRequest(actor(t), waits, nil))
	now := newest(t, s)
	reports(t, s, imp1, federation.Point{Era: now.Era, Revision: now.Revision + 26})
	for what, act := range map[string]func() error{
		"a new one":      func() error { return s.SaveRequest(actor(t), request(imp1, "one"), nil) },
		"another one":    func() error { return s.SaveRequest(actor(t), request(imp2, "three"), nil) },
		"one in place":   func() error { return s.SaveRequest(actor(t), request(imp2, "three"), waits.CSR) },
		"the withdrawal": func() error { return s.DeleteRequest(actor(t), waits) },
	} {
		err := unchanged(t, s, act)
		refused(t, err, "The database went back from revision", "nothing was saved", "Accept that")
		if !errors.Is(err, ErrRestored) {
			t.Errorf("%s is refused without the mark: %v", what, err)
		}
	}
	if list := must(s.Requests(t.Context())); len(list) != 1 || string(list[0].CSR) != "two" {
		t.Errorf("requests are %+v", list)
	}
	ok(t, s.AcceptRestored(actor(t)))
	ok(t, s.SaveRequest(actor(t), request(imp1, "one"), nil))
}
