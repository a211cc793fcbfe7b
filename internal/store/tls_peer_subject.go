package store

import (
	"context"
	"slices"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

const readTLSPeerSubjects = `SELECT id, name, description FROM tls_peer_subjects`

var tlsPeerSubjects = &table[federation.TLSPeerSubject, *federation.TLSPeerSubject]{
	section: federation.SectionTLSPeerSubjects, kind: "tls_peer_subject",
	read:   readTLSPeerSubjects,
	byID:   readTLSPeerSubjects + ` WHERE id = $1`,
	byIDs:  readTLSPeerSubjects + ` WHERE id = ANY($1)`,
	insert: `INSERT INTO tls_peer_subjects (name, description) VALUES ($1, $2) RETURNING id`,
	update: `UPDATE tls_peer_subjects SET name = $1, description = $2 WHERE id = $3`,
	remove: `DELETE FROM tls_peer_subjects WHERE id = ANY($1)`,
	id:     func(p *federation.TLSPeerSubject) *int64 { return &p.ID },
	values: func(_ *work, p *federation.TLSPeerSubject) []any { return []any{p.Name, p.Description} },
	rows:   func(c *federation.Configuration) *[]federation.TLSPeerSubject { return &c.TLSPeerSubjects },
	taken:  func(p *federation.TLSPeerSubject) federation.Problem { return takenName("name", p.Name, "name") },
	list: list{from: "tls_peer_subjects", sort: "name",
		columns: map[string]column{"name": plain("name"), "description": text("description")}},
	follow: renameInContexts,
	needed: subjectsNeeded,
}

// renameInContexts makes the contexts that hold a subject follow its new name.
func renameInContexts(ctx context.Context, w *work, old, new *federation.TLSPeerSubject) error {
	for _, c := range w.before.TLSContexts {
		i := slices.Index(c.PeerSubjects, old.Name)
		if i < 0 {
			continue
		}
		renamed := c
		renamed.PeerSubjects = slices.Clone(c.PeerSubjects)
		renamed.PeerSubjects[i] = new.Name
		renamed.Normalize()
		if err := tlsContexts.putRow(ctx, w, &c, &renamed); err != nil {
			return err
		}
	}
	return nil
}

// subjectsNeeded refuses to delete a subject that a context names.
func subjectsNeeded(_ context.Context, w *work, gone []federation.TLSPeerSubject) error {
	for _, subject := range gone {
		for _, c := range w.before.TLSContexts {
			if slices.Contains(c.PeerSubjects, subject.Name) {
				return federation.Refuse("The TLS context %s uses %s. Take it out of that context before you delete it.", c.Name, subject.Name)
			}
		}
	}
	return nil
}

// ListTLSPeerSubjects finds and lists TLS peer subjects.
func (s *Store) ListTLSPeerSubjects(ctx context.Context, q listing.Query) (listing.Page[federation.TLSPeerSubject], error) {
	return tlsPeerSubjects.page(ctx, s, q)
}

// TLSPeerSubject reads one TLS peer subject.
func (s *Store) TLSPeerSubject(ctx context.Context, id int64) (federation.TLSPeerSubject, error) {
	return tlsPeerSubjects.get(ctx, s, id)
}

// SaveTLSPeerSubject adds a subject without an id and changes one with it. Contexts follow a new name.
func (s *Store) SaveTLSPeerSubject(ctx context.Context, p federation.TLSPeerSubject) (federation.TLSPeerSubject, error) {
	return tlsPeerSubjects.save(ctx, s, p)
}

// DeleteTLSPeerSubjects deletes all of the subjects or none.
func (s *Store) DeleteTLSPeerSubjects(ctx context.Context, ids []int64) error {
	return tlsPeerSubjects.delete(ctx, s, ids)
}
