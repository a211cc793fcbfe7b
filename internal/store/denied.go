package store

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// A denial is the sentence of a database that answers, and lets nobody in with this URL. For whoever needs the database it
// is ErrUnavailable.
type denial struct{ reason string }

func (d denial) Error() string {
	return "The database does not let this node in: " + d.reason + ". Correct the database URL, or what the server allows; nodes go on with what they have."
}

func (d denial) Is(target error) bool { return target == ErrUnavailable }

// Denied reports whether a database is ErrUnavailable because it refuses the password, the user, or the database's name,
// which waiting does not mend.
func Denied(err error) bool { return errors.As(err, new(denial)) }

// denied is the denial in what the driver says, nil when it is something else.
func denied(err error) error {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return nil
	}
	connecting := errors.As(err, new(*pgconn.ConnectError))
	switch { // invalid_authorization, invalid_catalog_name, insufficient_privilege
	case strings.HasPrefix(pg.Code, "28"), pg.Code == "3D000", pg.Code == "42501" && connecting:
		return denial{pg.Message}
	}
	return nil
}
