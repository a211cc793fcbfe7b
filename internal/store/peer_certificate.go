package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
)

// peerCertificatesKept bounds the table: who has one good certificate may come from any number of addresses.
const peerCertificatesKept = 2000

const readPeerCertificates = `SELECT address, common_name, host, source, verified, issuer, serial, fingerprint, not_before, not_after, seen_at, node
	FROM peer_certificates WHERE seen_at > now() - $1::interval ORDER BY not_after, common_name COLLATE "C", address COLLATE "C"`

// The newest wins, whichever node tells of it, and one whose clock is ahead does not win for longer than that. Rows are
// locked in one order. Who was connected to before keeps the name by which that was.
const upsertPeerCertificates = `INSERT INTO peer_certificates
	SELECT address, common_name, host, source, verified, issuer, serial, fingerprint, not_before, not_after, least(seen_at, now()), node
	FROM jsonb_to_recordset($1) AS p (address text, common_name text, host text, source text, verified boolean, issuer text, serial text,
		fingerprint text, not_before timestamptz, not_after timestamptz, seen_at timestamptz, node text)
	ORDER BY address, common_name
	ON CONFLICT (address, common_name) DO UPDATE SET host = coalesce(nullif(excluded.host, ''), peer_certificates.host), source = excluded.source,
		verified = excluded.verified, issuer = excluded.issuer, serial = excluded.serial, fingerprint = excluded.fingerprint,
		not_before = excluded.not_before, not_after = excluded.not_after, seen_at = excluded.seen_at, node = excluded.node
	WHERE excluded.seen_at >= peer_certificates.seen_at`

const forgetPeerCertificates = `DELETE FROM peer_certificates WHERE seen_at <= now() - $1::interval OR (address, common_name) IN
	(SELECT address, common_name FROM peer_certificates ORDER BY seen_at DESC OFFSET $2)`

// PeerCertificates are the certificates that peers showed when they were seen last, on any node, the one that ends first
// before the others. Who was not seen for federation.PeerMemory is forgotten.
func (s *Store) PeerCertificates(ctx context.Context) (list []federation.PeerCertificate, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		list, err = all[federation.PeerCertificate](ctx, tx, readPeerCertificates, federation.PeerMemory)
		return err
	})
	return list, err
}

// KeepPeerCertificates keeps what peers showed, each in the place of what the same peer showed before. It is no change of
// the configuration.
func (s *Store) KeepPeerCertificates(ctx context.Context, list []federation.PeerCertificate) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error { return keepPeerCertificates(ctx, tx, list) })
}

// keepPeerCertificates takes each peer once at most.
func keepPeerCertificates(ctx context.Context, tx pgx.Tx, list []federation.PeerCertificate) error {
	if len(list) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, upsertPeerCertificates, list); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, forgetPeerCertificates, federation.PeerMemory, peerCertificatesKept)
	return err
}
