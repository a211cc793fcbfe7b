package store

import (
	"errors"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"isthmus/internal/federation"
)

func TestTheStandingTellsWhatIsNewestAndWhetherAnythingCanBeSaved(t *testing.T) {
	s := open(t)
	before := must(s.Standing(t.Context()))
	must(s.SaveDomain(actor(t), federation.Domain{Name: "synergy.com"}))
	after := must(s.Standing(t.Context()))
	if !before.Before(after.Point) || after.Point != must(s.Newest(t.Context())) || after.ReadOnly {
		t.Errorf("%+v before a change, %+v after it", before, after)
	}
	u, err := url.Parse(s.config.ConnString())
	ok(t, err)
	q := u.Query()
	q.Set("default_transaction_read_only", "on")
	u.RawQuery = q.Encode()
	readOnly := must(Open(t.Context(), u.String()))
	t.Cleanup(readOnly.Close)
	if got := must(readOnly.Standing(t.Context())); !got.ReadOnly || got.Point != after.Point {
		t.Errorf("of a database that can only be read: %+v", got)
	}
}

func TestTheStandingTellsThatARunningNodeHasWhatTheDatabaseLost(t *testing.T) {
	s := filled(t)
	now := newest(t, s)
	for p, held := range map[federation.Point]bool{
		now: false,
		{Era: now.Era, Revision: now.Revision - 1}: false,
		{Era: now.Era, Revision: now.Revision + 1}: true,
		{Era: now.Era + 1, Revision: 1}:            true,
	} {
		reports(t, s, imp1, p)
		if got := must(s.Standing(t.Context())).Held; got != held {
			t.Errorf("a node has %+v and the database %+v: held is %v", p, now, got)
		}
	}
	reports(t, s, imp1, federation.Point{Era: now.Era + 1, Revision: 1})
	ok(t, raw(t, s, `UPDATE node_statuses SET reported_at = now() - interval '61 seconds'`))
	if must(s.Standing(t.Context())).Held {
		t.Error("a node that does not run holds the database")
	}
}

func TestADatabaseWithoutAFreeConnectionIsCrowded(t *testing.T) {
	for code, want := range map[string]bool{"53300": true, "53400": false, "57P03": false} { // cannot_connect_now: starting
		err := explain(&pgconn.PgError{Code: code})
		if !errors.Is(err, ErrUnavailable) || Crowded(err) != want {
			t.Errorf("%s: %v, crowded %v", code, err, Crowded(err))
		}
	}
}
