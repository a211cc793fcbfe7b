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

func TestADatabaseWithoutAFreeConnectionIsCrowded(t *testing.T) {
	for code, want := range map[string]bool{"53300": true, "53400": false, "57P03": false} { // cannot_connect_now: starting
		err := explain(&pgconn.PgError{Code: code})
		if !errors.Is(err, ErrUnavailable) || Crowded(err) != want {
			t.Errorf("%s: %v, crowded %v", code, err, Crowded(err))
		}
	}
}
