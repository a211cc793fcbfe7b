package store

import (
	"context"
	"fmt"
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

// AddTLSPeerSubject adds a subject and selects it in contexts, as the caller read them, in one change. When one of them was
// changed or deleted since, nothing is added; federation.Invalid tells so under "contexts".
func (s *Store) AddTLSPeerSubject(ctx context.Context, p federation.TLSPeerSubject, contexts []federation.TLSContext) (federation.TLSPeerSubject, error) {
	p.Normalize()
	if err := federation.Invalid(p.Problems()).Err(); err != nil {
		return p, err
	}
	saved := p
	err := s.change(ctx, func(ctx context.Context, w *work) error {
		saved = p
		if err := tlsPeerSubjects.put(ctx, w, &saved); err != nil {
			return err
		}
		w.action = "added TLS peer subject " + saved.Name
		for i := range contexts {
			if err := selectIn(ctx, w, &contexts[i], saved.Name); err != nil {
				return err
			}
			w.action += ", selected in " + contexts[i].Name
		}
		return nil
	})
	if err != nil {
		return p, err
	}
	return saved, nil
}

// selectIn selects a subject in a context that nobody changed since the caller read it.
func selectIn(ctx context.Context, w *work, read *federation.TLSContext, subject string) error {
	stored := w.before.TLSContext(read.Name)
	if stored == nil || stored.ID != read.ID || len(federation.FieldChanges(read, stored)) > 0 {
		return federation.Invalid{{Path: "contexts", Text: fmt.Sprintf("The TLS context %s was changed at this moment; look at it, and save again.", read.Name)}}
	}
	selected := *stored
	selected.PeerSubjects = append(slices.Clone(stored.PeerSubjects), subject)
	selected.Normalize()
	return tlsContexts.putRow(ctx, w, stored, &selected)
}

// DeleteTLSPeerSubjects deletes all of the subjects or none.
func (s *Store) DeleteTLSPeerSubjects(ctx context.Context, ids []int64) error {
	return tlsPeerSubjects.delete(ctx, s, ids)
}
