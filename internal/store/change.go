package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"isthmus/internal/federation"
)

// maxTries is how often a change is run when the database asks for it to be run again.
const maxTries = 3

// errDryRun rolls a change back that was never meant to stay.
var errDryRun = errors.New("dry run")

// A work is one change of the configuration in the making, inside its transaction.
type work struct {
	tx       pgx.Tx
	before   federation.Snapshot // the state before the change; no other change can come between
	settings federation.Settings // in force when the change is done
	action   string              // for the audit log; empty: the one entry of log says it
	log      []AuditChange       // what was changed; empty: no configuration was, so there is nothing to judge or to audit
	edited   func(*federation.Configuration) string
}

// change is the only door for writes of configuration: lock the revision row, edit, read the result inside the
// transaction, hold it against every rule, write the audit row, commit. edit may run more than once; it changes nothing
// but the database and its work.
func (s *Store) change(ctx context.Context, edit func(context.Context, *work) error) error {
	return s.changeWithin(ctx, changeTimeout, edit)
}

func (s *Store) changeWithin(ctx context.Context, limit time.Duration, edit func(context.Context, *work) error) error {
	var err error
	for range maxTries {
		err = s.within(ctx, limit, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
			return attempt(ctx, tx, edit)
		})
		if !wantsAnotherTry(err) {
			break
		}
	}
	if errors.Is(err, errDryRun) {
		return nil
	}
	return err
}

func wantsAnotherTry(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && isRetryable(pg.Code)
}

func attempt(ctx context.Context, tx pgx.Tx, edit func(context.Context, *work) error) error {
	if err := lockRevision(ctx, tx); err != nil {
		return err
	}
	if err := refuseNewerSchema(ctx, tx); err != nil {
		return err
	}
	before, err := readSnapshot(ctx, tx)
	if err != nil {
		return err
	}
	w := &work{tx: tx, before: before, settings: before.Settings}
	if err := edit(ctx, w); err != nil || len(w.log) == 0 {
		return err
	}
	return w.finish(ctx)
}

// finish holds the result against every rule and writes the audit row.
func (w *work) finish(ctx context.Context) error {
	after, err := readSnapshot(ctx, w.tx)
	if err != nil {
		return err
	}
	// What raises no revision, such as an administrator, nodes do not follow: it may be needed to accept the database.
	if after.Point() != w.before.Point() {
		if err := w.refuseRestored(ctx); err != nil {
			return err
		}
	}
	if err := w.judge(after); err != nil {
		return err
	}
	if _, err := w.tx.Exec(ctx, `SET CONSTRAINTS ALL IMMEDIATE`); err != nil {
		return refuseViolation(err)
	}
	return w.writeAudit(ctx, after.Revision)
}

// judge names the problems that the change makes. Those of the edited object come back as its own fields; those of
// others as a refusal. A problem that was there before stops nobody, so that two bad rows can be mended one by one.
func (w *work) judge(after federation.Snapshot) error {
	place := "\x00" // no path begins so
	if w.edited != nil {
		place = w.edited(&after.Configuration) + "."
	}
	var own federation.Invalid
	var others []federation.Problem
	for _, p := range after.Validate() {
		if field, ok := strings.CutPrefix(p.Path, place); ok {
			own = append(own, federation.Problem{Path: field, Text: p.Text})
		} else {
			others = append(others, p)
		}
	}
	if len(own) > 0 {
		return own
	}
	return refuse(&after.Configuration, newProblems(w.before, others))
}

func newProblems(before federation.Snapshot, problems []federation.Problem) []federation.Problem {
	if len(problems) == 0 {
		return nil
	}
	known := map[string]int{}
	for _, p := range before.Validate() {
		known[p.Text]++
	}
	var list []federation.Problem
	for _, p := range problems {
		if known[p.Text]--; known[p.Text] < 0 {
			list = append(list, p)
		}
	}
	return list
}

// refuse makes one refusal of the problems of other objects, each with the object's name before it.
func refuse(c *federation.Configuration, problems []federation.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	sentences := make([]string, len(problems))
	for i, p := range problems {
		sentences[i] = p.Text
		if name := nameAt(c, p.Path); name != "" {
			sentences[i] = name + ": " + p.Text
		}
	}
	return federation.Refusal(strings.Join(sentences, " "))
}

// nameAt is the object at a path such as nodes[0].connector in words: node imp1.synergy.com.
func nameAt(c *federation.Configuration, path string) string {
	for _, section := range c.Sections() {
		for i, o := range section.Objects {
			if strings.HasPrefix(path, at(section.Name, i)+".") {
				return words(section.Singular) + " " + o.Key()
			}
		}
	}
	return ""
}

// words is the name of a kind as people read it: tls_peer_subject is TLS peer subject.
func words(kind string) string {
	kind = strings.ReplaceAll(kind, "_", " ")
	if kind == "acl" {
		return "ACL entry"
	}
	return strings.Replace(kind, "tls", "TLS", 1)
}

// refuseViolation is for what only the database found: a reference or a key that the rules above let pass.
func refuseViolation(err error) error {
	switch name := violated(err); name {
	case "":
		return err
	case "users_address":
		return federation.Refuse("Two licensed users would have the same address; every address belongs to one user. Change one of them first.")
	default:
		return federation.Refuse("The database's rule %s forbids this, so nothing was saved. Something else still uses what you remove, or holds what you add.", name)
	}
}
