package store

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestADatabaseThatRefusesTheUserIsAwayAndSaysWhy(t *testing.T) {
	s := open(t)
	u, err := url.Parse(s.config.ConnString())
	ok(t, err)
	stranger, elsewhere := *u, *u
	stranger.User = url.UserPassword("nobody-here", "a password")
	elsewhere.Path = "/no_such_database"
	for want, u := range map[string]url.URL{"nobody-here": stranger, "no_such_database": elsewhere} {
		refused := must(Open(t.Context(), u.String()))
		t.Cleanup(refused.Close)
		_, err := refused.Standing(t.Context())
		if !errors.Is(err, ErrUnavailable) || !Denied(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a denial that names %q", err, want)
		}
		var failure *Failure
		if !errors.As(err, &failure) || strings.Contains(failure.LogValue().Resolve().String(), "a password") || failure.LogValue().Kind() != slog.KindString {
			t.Errorf("the log has %v", err)
		}
	}
	for code, want := range map[string]bool{"28P01": true, "28000": true, "3D000": true, "42501": false, "53300": false, "57P03": false} {
		if err := explain(&pgconn.PgError{Code: code, Message: "no"}); Denied(err) != want {
			t.Errorf("%s: %v, denied %v", code, err, Denied(err))
		}
	}
}
