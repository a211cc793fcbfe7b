package store

import (
	"context"
	"testing"
	"time"
)

// A node that only starts again must not wait for one that migrates, nor write.
func TestADatabaseThatIsUpToDateIsNotMigratedAgain(t *testing.T) {
	s := open(t)
	holder := must(s.pool.Acquire(t.Context()))
	defer holder.Release()
	tx := must(holder.Begin(t.Context()))
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	must(tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	ok(t, s.Migrate(ctx))

	ok(t, raw(t, s, `DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`))
	ctx, soon := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer soon()
	if err := s.Migrate(ctx); err == nil {
		t.Error("a database that lacks a migration passes for one that is up to date")
	}
}

func TestAnOwnCertificateIsFoundByItsNode(t *testing.T) {
	s := filled(t)
	ok(t, s.SaveCertificate(actor(t), certificate("", "a", true)))
	if must(s.HoldsOwn(t.Context(), "imp1.synergy.com")) {
		t.Error("there is one already")
	}
	ok(t, s.SaveCertificate(actor(t), certificate("imp1.synergy.com", "b", true)))
	if !must(s.HoldsOwn(t.Context(), "imp1.synergy.com")) || must(s.HoldsOwn(t.Context(), "imp2.synergy.com")) {
		t.Error("it is not found by its node alone")
	}
}
