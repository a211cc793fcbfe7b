package store

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"isthmus/internal/federation"
)

// What can go wrong with the database itself. Each is a whole sentence; the cause hangs under it (Failure).
var (
	ErrUnavailable = errors.New("The database cannot be reached, or does not answer in time. Nodes go on with what they have; try again in a moment.")
	ErrUnanswered  = errors.New("The database stopped answering, so whether this was saved is not known. Look at what is there when it answers, before you try again.") // instead of ErrUnavailable, see Failure.Unsaved
	ErrReadOnly    = errors.New("The database is read-only, so nothing was saved. Make it writable, or point Isthmus to the primary server.")
	ErrBusy        = errors.New("Somebody else is saving at this moment, so nothing was saved. Try again.")
	ErrFull        = errors.New("The database's disk is full, so nothing was saved. Make room there and try again.")
	ErrOvertaken   = errors.New("Somebody else changed this at the same moment, so nothing was saved. Look at how it is now.")
	ErrConflict    = errors.New("Something else stands where the plan wants to put its objects, so nothing was changed. Look at the conflicts.")
)

// Refusals by which a node knows that the database is one to do without for now. Their text comes with what is the case.
var (
	ErrNewerSchema = errors.New("the database's schema is newer than the program")
	ErrRestored    = errors.New("the database went back, as after a restore, and that is not accepted yet")
)

// errNoText is the answer to text in which no database looks for anything: what is called so was never stored.
var errNoText = federation.Refuse("What was entered holds the character NUL, or is no text in UTF-8. Enter it again, by hand rather than from where it was copied.")

// A marked refusal is a federation.Refusal that errors.Is finds by its mark.
type marked struct{ refusal, mark error }

func (m marked) Error() string   { return m.refusal.Error() }
func (m marked) Unwrap() []error { return []error{m.refusal, m.mark} }

// A Failure is a sentence for people with its cause for the log.
type Failure struct {
	Sentence error // one of the Err values above but ErrUnanswered, or a denial
	Cause    error

	committed bool // a COMMIT was sent
}

func (f *Failure) Error() string {
	if !f.Unsaved() {
		return ErrUnanswered.Error()
	}
	return f.Sentence.Error()
}

// Unsaved reports whether nothing of the work that failed is saved, for certain: a database that answers says so, and of one that
// does not it is certain until a COMMIT is sent.
func (f *Failure) Unsaved() bool { return !f.committed || !errors.Is(f.Sentence, ErrUnavailable) }

// Is lets errors.Is find ErrUnanswered.
func (f *Failure) Is(target error) bool { return target == ErrUnanswered && !f.Unsaved() }

func (f *Failure) Unwrap() []error { return []error{f.Sentence, f.Cause} }

// LogValue is the sentence and its cause, which for the log's readers is what they can mend. No cause has a password.
func (f *Failure) LogValue() slog.Value {
	return slog.StringValue(f.Error() + " The cause: " + f.Cause.Error())
}

// An Unconfirmed change removes so much that somebody has to say that it is meant.
type Unconfirmed string

func (u Unconfirmed) Error() string { return string(u) }

// explain turns what the driver says into what callers ask for. An error that is for people already stays as it is.
func explain(err error) error {
	var failure *Failure
	switch {
	case err == nil, errors.As(err, &failure), forPeople(err), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return federation.ErrNotFound
	}
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && (pg.Code == "22021" || pg.Code == "22P05") { // character_not_in_repertoire, untranslatable_character
		return marked{errNoText, err}
	}
	if sentence := sentenceFor(err); sentence != nil {
		return &Failure{Sentence: sentence, Cause: err}
	}
	return err
}

func forPeople(err error) bool {
	var invalid federation.Invalid
	var refusal federation.Refusal
	return errors.As(err, &invalid) || errors.As(err, &refusal) || errors.Is(err, federation.ErrNotFound)
}

// sentenceFor names the kind of failure, nil for a fault of the program.
func sentenceFor(err error) error {
	if d := denied(err); d != nil {
		return d
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return serverSentence(pg.Code)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, pgconn.ErrConnClosed) {
		return ErrUnavailable
	}
	return nil
}

// serverSentence judges by SQLSTATE.
func serverSentence(code string) error {
	switch {
	case code == "25006": // read_only_sql_transaction
		return ErrReadOnly
	case code == "53100": // disk_full
		return ErrFull
	case isRetryable(code), code == "55P03", code == "57014": // lock_not_available, query_canceled
		return ErrBusy
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57P"):
		return ErrUnavailable
	}
	return nil
}

// isRetryable reports whether the same transaction may succeed when it is run again: serialization_failure,
// deadlock_detected.
func isRetryable(code string) bool { return code == "40001" || code == "40P01" }

// violated returns the name of the constraint that a statement broke, "" when it broke none.
func violated(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && strings.HasPrefix(pg.Code, "23") {
		if pg.ConstraintName == "" {
			return pg.ColumnName
		}
		return pg.ConstraintName
	}
	return ""
}
