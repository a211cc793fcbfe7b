package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"isthmus/internal/federation"
)

func TestWhatTheDatabaseAnswersBecomesASentenceWithItsCause(t *testing.T) {
	for name, c := range map[string]struct{ cause, want error }{
		"read-only":            {&pgconn.PgError{Code: "25006"}, ErrReadOnly},
		"disk full":            {&pgconn.PgError{Code: "53100"}, ErrFull},
		"too many connections": {&pgconn.PgError{Code: "53300"}, ErrUnavailable},
		"connection failure":   {&pgconn.PgError{Code: "08006"}, ErrUnavailable},
		"shutting down":        {&pgconn.PgError{Code: "57P01"}, ErrUnavailable},
		"serialization":        {&pgconn.PgError{Code: "40001"}, ErrBusy},
		"deadlock":             {&pgconn.PgError{Code: "40P01"}, ErrBusy},
		"lock not available":   {&pgconn.PgError{Code: "55P03"}, ErrBusy},
		"statement timeout":    {&pgconn.PgError{Code: "57014"}, ErrBusy},
		"the caller's time":    {context.DeadlineExceeded, ErrUnavailable},
		"a cut connection":     {io.ErrUnexpectedEOF, ErrUnavailable},
		"an ended connection":  {io.EOF, ErrUnavailable},
		"a closed connection":  {net.ErrClosed, ErrUnavailable},
		"one that was closed":  {pgconn.ErrConnClosed, ErrUnavailable},
		"a network error":      {&net.OpError{Op: "read", Err: errors.New("reset")}, ErrUnavailable},
	} {
		err := explain(fmt.Errorf("save: %w", c.cause))
		if !errors.Is(err, c.want) || !errors.Is(err, c.cause) || err.Error() != c.want.Error() {
			t.Errorf("%s: got %v, want %v with its cause", name, err, c.want)
		}
		if again := explain(err); again != err {
			t.Errorf("%s: explained twice it is %v", name, again)
		}
	}
	if err := explain(pgx.ErrNoRows); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("no row: %v", err)
	}
}

func TestTheLogHasTheCauseOfAFailureAndNotThePassword(t *testing.T) {
	s := must(Open(t.Context(), "postgres://nobody:opensesame@127.0.0.1:1/none"))
	defer s.Close()
	_, err := s.Snapshot(t.Context())
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Error("it failed", "reason", err)
	if line := b.String(); !strings.Contains(line, ErrUnavailable.Error()) || !strings.Contains(line, "connection refused") || strings.Contains(line, "opensesame") {
		t.Errorf("the log has %s", line)
	}
}

func TestTextThatNoDatabaseTakesIsRefusedForPeople(t *testing.T) {
	s := open(t)
	_, nul := s.Request(t.Context(), "imp1\x00")
	_, torn := s.Request(t.Context(), "imp1\xff")
	escaped := raw(t, s, `SELECT $1::jsonb`, `{"a": "\u0000"}`)
	for promise, err := range map[string]error{"NUL": nul, "no UTF-8": torn, "NUL in JSON": explain(escaped)} {
		refused(t, err, "the character NUL", "Enter it again")
		if cause := new(pgconn.PgError); !errors.As(err, &cause) {
			t.Errorf("%s: the log does not have the cause of %v", promise, err)
		}
	}
}

func TestAFaultOfTheProgramAndAnAnswerForPeopleStayAsTheyAre(t *testing.T) {
	for _, err := range []error{nil, &pgconn.PgError{Code: "42601"}, context.Canceled, federation.Refuse("No."),
		federation.Invalid{{Path: "name", Text: "Enter a name."}}, federation.ErrNotFound, errors.New("a fault")} {
		if got := explain(err); fmt.Sprint(got) != fmt.Sprint(err) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestABrokenRuleOfTheDatabaseIsNamed(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&pgconn.PgError{Code: "23505", ConstraintName: "nodes_key", ColumnName: "name"}, "nodes_key"},
		{&pgconn.PgError{Code: "23502", ColumnName: "name"}, "name"},
		{&pgconn.PgError{Code: "42601", ConstraintName: "nodes_key"}, ""},
		{errors.New("something else"), ""},
	} {
		if got := violated(c.err); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
	refused(t, refuseViolation(&pgconn.PgError{Code: "23505", ConstraintName: "users_address"}), "Two licensed users would have the same address")
}

func TestStatementsAreBoundedOnTheServersSideToo(t *testing.T) {
	s := open(t)
	for name, want := range map[string]string{"application_name": "isthmus", "timezone": "UTC", "statement_timeout": "20s",
		"lock_timeout": "8s", "idle_in_transaction_session_timeout": "2min"} {
		var got string
		ok(t, s.pool.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&got))
		if got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
