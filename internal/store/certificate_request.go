package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

const readRequest = `SELECT node, csr, encrypted_key, names, key_kind, created_at, created_by FROM certificate_requests WHERE node = $1`

const readRequests = `SELECT node, csr, encrypted_key, names, key_kind, created_at, created_by FROM certificate_requests
	ORDER BY node COLLATE "C"`

const upsertRequest = `INSERT INTO certificate_requests (node, csr, encrypted_key, names, key_kind, created_by)
	VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (node) DO UPDATE SET csr = excluded.csr, encrypted_key = excluded.encrypted_key, names = excluded.names,
		key_kind = excluded.key_kind, created_at = now(), created_by = excluded.created_by`

// Request is the pending request for a node's certificate, federation.ErrNotFound when none waits.
func (s *Store) Request(ctx context.Context, node string) (r federation.CertificateRequest, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		r, err = one[federation.CertificateRequest](ctx, tx, readRequest, node)
		return err
	})
	return r, err
}

// Pending is the same, with nil when none waits.
func (s *Store) Pending(ctx context.Context, node string) (*federation.CertificateRequest, error) {
	switch r, err := s.Request(ctx, node); {
	case errors.Is(err, federation.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	default:
		return &r, nil
	}
}

// Requests are all pending requests, by node.
func (s *Store) Requests(ctx context.Context) (list []federation.CertificateRequest, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		list, err = all[federation.CertificateRequest](ctx, tx, readRequests)
		return err
	})
	return list, err
}

// SaveRequest keeps a request until its signed certificate comes. It raises no revision: the node goes on with the
// certificate that it has. A request that waits already is Unconfirmed until replaced, its PEM, says that its key may go,
// because a certificate that is being signed for it could never be used. nil replaces none. It is refused while a restored
// database is not accepted: with a newer backup instead, the key would be gone.
func (s *Store) SaveRequest(ctx context.Context, r federation.CertificateRequest, replaced []byte) error {
	return s.change(ctx, func(ctx context.Context, w *work) error {
		if err := w.refuseRestored(ctx); err != nil { // no node follows a request, so nobody else asks
			return err
		}
		if w.before.Node(r.Node) == nil {
			return noNode(r.Node)
		}
		how := federation.Added
		old, err := w.request(ctx, r.Node)
		if err != nil {
			return err
		}
		if old != nil {
			how = federation.Changed
			if replaced != nil && !bytes.Equal(replaced, old.CSR) {
				return anotherRequest(r.Node)
			}
			if replaced == nil {
				return Unconfirmed("A request for the certificate of " + r.Node + " waits for its signed certificate already, and its key would be lost. Nothing was changed; confirm it when that is meant.")
			}
		}
		if _, err := w.tx.Exec(ctx, upsertRequest, r.Node, r.CSR, r.EncryptedKey, r.Names, r.KeyKind, auth.ActorFrom(ctx).Name); err != nil {
			return refuseViolation(err)
		}
		w.noteRequest(how, old, &r)
		return nil
	})
}

func anotherRequest(node string) error {
	return federation.Refuse("The request of %s was replaced meanwhile, so nothing was changed. Look at the present one first.", node)
}

// DeleteRequest withdraws a pending request; its key is lost with it. federation.ErrNotFound when none waits for its
// node; it is refused when another one does by now, and while a restored database is not accepted.
func (s *Store) DeleteRequest(ctx context.Context, r federation.CertificateRequest) error {
	return s.change(ctx, func(ctx context.Context, w *work) error {
		if err := w.refuseRestored(ctx); err != nil {
			return err
		}
		old, err := w.request(ctx, r.Node)
		switch {
		case err != nil:
			return err
		case old == nil:
			return federation.ErrNotFound
		case !bytes.Equal(old.CSR, r.CSR):
			return anotherRequest(r.Node)
		}
		return w.removeRequest(ctx, old)
	})
}

// SaveOwn keeps a certificate in place of the node's, of which over is the fingerprint, "" when it has none: whoever
// looked at another one has not seen what is lost. answers is the request that it was signed for, nil for none; that is
// taken away in the same change. It is refused when either is not there any more.
func (s *Store) SaveOwn(ctx context.Context, c federation.Certificate, answers *federation.CertificateRequest, over string) error {
	return s.change(ctx, func(ctx context.Context, w *work) error {
		if w.before.Node(c.Node) == nil {
			return noNode(c.Node)
		}
		pending, err := w.request(ctx, c.Node)
		if err != nil {
			return err
		}
		if answers != nil && (pending == nil || answers.Node != c.Node || !bytes.Equal(pending.CSR, answers.CSR)) {
			return federation.Refuse("The request that this certificate was signed for was replaced or withdrawn meanwhile. Have the node's present request signed, and import that certificate.")
		}
		if own := w.before.Own(c.Node); own == nil && over != "" || own != nil && own.Fingerprint != over {
			return federation.Refuse("The certificate of %s was replaced meanwhile, so nothing was changed. Look at the one in use first.", c.Node)
		}
		if err := w.saveCertificate(ctx, c); err != nil || answers == nil {
			return err
		}
		return w.removeRequest(ctx, pending)
	})
}

// request is a node's pending request, nil when none waits.
func (w *work) request(ctx context.Context, node string) (*federation.CertificateRequest, error) {
	r, err := one[federation.CertificateRequest](ctx, w.tx, readRequest, node)
	if errors.Is(err, federation.ErrNotFound) {
		return nil, nil
	}
	return &r, err
}

func (w *work) removeRequest(ctx context.Context, old *federation.CertificateRequest) error {
	if _, err := w.tx.Exec(ctx, `DELETE FROM certificate_requests WHERE node = $1`, old.Node); err != nil {
		return err
	}
	w.noteRequest(federation.Removed, old, &federation.CertificateRequest{})
	return nil
}

// noteRequest keeps for the audit log what was asked for: never the key.
func (w *work) noteRequest(how string, old, new *federation.CertificateRequest) {
	if old == nil {
		old = &federation.CertificateRequest{}
	}
	w.note("certificate_request", how, cmp.Or(new.Node, old.Node), []federation.FieldChange{
		{Name: "names", Old: strings.Join(old.Names, ", "), New: strings.Join(new.Names, ", ")},
		{Name: "key_kind", Old: old.KeyKind, New: new.KeyKind},
	})
}
