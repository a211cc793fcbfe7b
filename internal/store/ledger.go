package store

import (
	"context"
	"errors"
	"sync/atomic"
)

// A ledger is what became of a piece of work, such as a request: true once a COMMIT was sent, as from then on something of it may
// be saved, whatever fails.
type ledger struct{ atomic.Bool }

type ledgerKey struct{}

// Remembering returns a context for a piece of work of several transactions, so that a Failure of a later one knows of those
// before it (Failure.Unsaved).
func Remembering(ctx context.Context) context.Context {
	return context.WithValue(ctx, ledgerKey{}, new(ledger))
}

// ledgerOf is that of the context, or else of one transaction.
func ledgerOf(ctx context.Context) *ledger {
	if l, ok := ctx.Value(ledgerKey{}).(*ledger); ok {
		return l
	}
	return new(ledger)
}

// note tells a Failure what may be saved.
func (l *ledger) note(err error) error {
	if failure := (*Failure)(nil); errors.As(err, &failure) {
		failure.committed = l.Load()
	}
	return err
}
