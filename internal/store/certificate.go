package store

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
)

const readCertificates = `SELECT id, purpose, coalesce(node, '') AS node, chain, encrypted_key, subject, issuer, not_before, not_after,
	fingerprint, self_signed, description FROM certificates ORDER BY purpose, node COLLATE "C", subject COLLATE "C", id`

// A node's certificate keeps its id when it is renewed, so that its address leads to the one in use.
const saveCertificate = `INSERT INTO certificates (purpose, node, chain, encrypted_key, subject, issuer, not_before, not_after,
	fingerprint, self_signed, description) VALUES ($1, nullif($2, ''), $3, $4, $5, $6, $7, $8, $9, $10, $11)
	ON CONFLICT (node) DO UPDATE SET purpose = excluded.purpose, chain = excluded.chain, encrypted_key = excluded.encrypted_key,
		subject = excluded.subject, issuer = excluded.issuer, not_before = excluded.not_before, not_after = excluded.not_after,
		fingerprint = excluded.fingerprint, self_signed = excluded.self_signed, description = excluded.description`

// SaveCertificate keeps a node's own certificate in place of the one before it, or a trusted authority. An authority that
// is there already takes its new description, if any, and a self-signed certificate never replaces an imported one.
func (s *Store) SaveCertificate(ctx context.Context, c federation.Certificate) error {
	return s.SaveCertificates(ctx, []federation.Certificate{c})
}

// SaveCertificates does so with all of them, such as a whole chain of authorities, or with none, in one change.
func (s *Store) SaveCertificates(ctx context.Context, list []federation.Certificate) error {
	return s.change(ctx, func(ctx context.Context, w *work) error {
		for _, c := range list {
			if c.Purpose == federation.PurposeTrust {
				c.Node, c.EncryptedKey = "", nil
			} else if w.before.Node(c.Node) == nil {
				return noNode(c.Node)
			}
			save := w.saveCertificate
			if trusted(w.before, c) != nil {
				save = w.describeTrusted
			} else if superseded(w.before, c) {
				continue
			}
			if err := save(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteTrusted removes trusted authorities, all or none: what chains to them is refused from now on, on open connections
// too. A node's own certificate is replaced, never removed. federation.ErrNotFound when one is gone already.
func (s *Store) DeleteTrusted(ctx context.Context, ids []int64) error {
	return s.change(ctx, func(ctx context.Context, w *work) error {
		for _, id := range ids {
			i := slices.IndexFunc(w.before.Certificates, func(c federation.Certificate) bool { return c.ID == id })
			if i < 0 {
				return federation.ErrNotFound
			}
			old := w.before.Certificates[i]
			if old.Purpose != federation.PurposeTrust {
				return federation.Refuse("%s needs its certificate; import another one in its place.", old.Node)
			}
			w.note("certificate", federation.Removed, old.Subject, certificateFields(&old, federation.Certificate{}))
		}
		_, err := w.tx.Exec(ctx, `DELETE FROM certificates WHERE id = ANY($1)`, ids)
		return err
	})
}

func noNode(name string) error {
	return federation.Refuse("There is no node %s. Start Isthmus there once, or name an existing node.", name)
}

// trusted is the stored row of a trusted authority, nil when there is none.
func trusted(s federation.Snapshot, c federation.Certificate) *federation.Certificate {
	for i, known := range s.Certificates {
		if c.Purpose == federation.PurposeTrust && known.Purpose == c.Purpose && known.Fingerprint == c.Fingerprint {
			return &s.Certificates[i]
		}
	}
	return nil
}

// superseded reports whether the node's certificate goes before c.
func superseded(s federation.Snapshot, c federation.Certificate) bool {
	own := s.Own(c.Node)
	return c.Purpose == federation.PurposeOwn && c.SelfSigned && own != nil && !own.SelfSigned
}

// describeTrusted gives an authority that is there the description of c, unless that has none.
func (w *work) describeTrusted(ctx context.Context, c federation.Certificate) error {
	known := trusted(w.before, c)
	if c.Description == "" || c.Description == known.Description {
		return nil
	}
	if err := federation.Invalid(c.Problems()).Err(); err != nil {
		return err
	}
	if _, err := w.tx.Exec(ctx, `UPDATE certificates SET description = $2 WHERE id = $1`, known.ID, c.Description); err != nil {
		return refuseViolation(err)
	}
	w.note("certificate", federation.Changed, known.Subject, []federation.FieldChange{{Name: "description", Old: known.Description, New: c.Description}})
	return nil
}

func (w *work) saveCertificate(ctx context.Context, c federation.Certificate) error {
	if err := federation.Invalid(c.Problems()).Err(); err != nil {
		return err
	}
	key, how := c.Subject, federation.Added
	if c.Purpose == federation.PurposeOwn {
		key = c.Node
	}
	if w.before.Own(c.Node) != nil {
		how = federation.Changed
	}
	_, err := w.tx.Exec(ctx, saveCertificate, c.Purpose, c.Node, c.Chain, c.EncryptedKey, c.Subject, c.Issuer, c.NotBefore, c.NotAfter,
		c.Fingerprint, c.SelfSigned, c.Description)
	if err != nil {
		return refuseViolation(err)
	}
	w.note("certificate", how, key, certificateFields(w.before.Own(c.Node), c))
	return nil
}

// certificateFields are what the audit log may hold of a certificate: never its key.
func certificateFields(old *federation.Certificate, c federation.Certificate) []federation.FieldChange {
	if old == nil || c.Purpose == federation.PurposeTrust {
		old = &federation.Certificate{}
	}
	day := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return []federation.FieldChange{
		{Name: "purpose", Old: old.Purpose, New: c.Purpose},
		{Name: "subject", Old: old.Subject, New: c.Subject},
		{Name: "issuer", Old: old.Issuer, New: c.Issuer},
		{Name: "not_after", Old: day(old.NotAfter), New: day(c.NotAfter)},
		{Name: "fingerprint", Old: old.Fingerprint, New: c.Fingerprint},
	}
}

// Certificates are all certificates: nodes' own with their sealed keys, and trusted authorities.
func (s *Store) Certificates(ctx context.Context) (certificates []federation.Certificate, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		certificates, err = all[federation.Certificate](ctx, tx, readCertificates)
		tame(certificates)
		return err
	})
	return certificates, err
}

// HoldsSecrets reports whether anything is stored that the key file sealed.
func (s *Store) HoldsSecrets(ctx context.Context) (holds bool, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		holds, err = value[bool](ctx, tx, `SELECT EXISTS (SELECT FROM certificates WHERE encrypted_key IS NOT NULL) OR EXISTS (SELECT FROM certificate_requests)`)
		return err
	})
	return holds, err
}

// KeyFingerprint is that of the cluster's key file, "" when none was kept yet.
func (s *Store) KeyFingerprint(ctx context.Context) (fingerprint string, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		fingerprint, err = value[string](ctx, tx, `SELECT key_fingerprint FROM cluster`)
		return err
	})
	return fingerprint, err
}

// SetKeyFingerprint keeps the fingerprint of the cluster's key file. The first one stands, even while nothing is sealed:
// of two nodes that start at once with a key file each, the other must not go on to seal or to read under its own.
func (s *Store) SetKeyFingerprint(ctx context.Context, fingerprint string) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		kept, err := tx.Exec(ctx, `UPDATE cluster SET key_fingerprint = $1 WHERE key_fingerprint IN ('', $1)`, fingerprint)
		if err == nil && kept.RowsAffected() == 0 {
			err = federation.Refuse("This node's key file is not the one that this database was set up with. Copy the key file from another node of the cluster, or name the right one with --key-file.")
		}
		return err
	})
}
