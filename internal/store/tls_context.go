package store

import (
	"context"
	"fmt"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

const readTLSContexts = `SELECT id, name, verify_client, min_version, ciphers, peer_subjects FROM tls_contexts`

var tlsContexts = &table[federation.TLSContext, *federation.TLSContext]{
	section: federation.SectionTLSContexts, kind: "tls_context",
	read:  readTLSContexts,
	byID:  readTLSContexts + ` WHERE id = $1`,
	byIDs: readTLSContexts + ` WHERE id = ANY($1)`,
	insert: `INSERT INTO tls_contexts (name, verify_client, min_version, ciphers, peer_subjects)
		VALUES ($1, $2, $3, $4, $5) RETURNING id`,
	update: `UPDATE tls_contexts SET name = $1, verify_client = $2, min_version = $3, ciphers = $4, peer_subjects = $5
		WHERE id = $6`,
	remove: `DELETE FROM tls_contexts WHERE id = ANY($1)`,
	id:     func(c *federation.TLSContext) *int64 { return &c.ID },
	values: func(_ *work, c *federation.TLSContext) []any {
		return []any{c.Name, c.VerifyClient, c.MinVersion, c.Ciphers, c.PeerSubjects}
	},
	rows:  func(c *federation.Configuration) *[]federation.TLSContext { return &c.TLSContexts },
	taken: func(c *federation.TLSContext) federation.Problem { return takenName("name", c.Name, "name") },
	list: list{from: "tls_contexts", sort: "name", columns: map[string]column{
		"name": text("name"), "verify_client": yesNo("verify_client"), "min_version": plain("min_version"),
		"ciphers": texts("ciphers"), "peer_subjects": texts("peer_subjects"),
	}},
	allow:  keepPeerAuth,
	needed: contextsNeeded,
}

// keepPeerAuth refuses to rename the context whose subjects next hops are held against. Listeners follow any other
// context's new name by the foreign key.
func keepPeerAuth(_ context.Context, _ *work, old, new *federation.TLSContext) error {
	if old != nil && old.Name == federation.PeerAuthContext && new.Name != old.Name {
		return federation.Invalid{{Path: "name",
			Text: fmt.Sprintf("%s holds the peer subjects of next hops and keeps its name. Enter %s again, or add another context.", old.Name, old.Name)}}
	}
	return nil
}

// contextsNeeded refuses to delete a context that a listener uses, and the one that next hops are held against.
func contextsNeeded(_ context.Context, w *work, gone []federation.TLSContext) error {
	for _, c := range gone {
		if c.Name == federation.PeerAuthContext {
			return federation.Refuse("%s holds the peer subjects of next hops and cannot be deleted. Change it instead.", c.Name)
		}
		for _, l := range w.before.Listeners {
			if l.TLSContext == c.Name {
				return federation.Refuse("The listener %q uses %s. Give that listener another context before you delete this one.", l.Name, c.Name)
			}
		}
	}
	return nil
}

// ListTLSContexts finds and lists TLS contexts.
func (s *Store) ListTLSContexts(ctx context.Context, q listing.Query) (listing.Page[federation.TLSContext], error) {
	return tlsContexts.page(ctx, s, q)
}

// TLSContext reads one TLS context.
func (s *Store) TLSContext(ctx context.Context, id int64) (federation.TLSContext, error) {
	return tlsContexts.get(ctx, s, id)
}

// SaveTLSContext adds a context without an id and changes one with it. Listeners follow a new name.
func (s *Store) SaveTLSContext(ctx context.Context, c federation.TLSContext) (federation.TLSContext, error) {
	return tlsContexts.save(ctx, s, c)
}

// DeleteTLSContexts deletes all of the contexts or none.
func (s *Store) DeleteTLSContexts(ctx context.Context, ids []int64) error {
	return tlsContexts.delete(ctx, s, ids)
}
