package store

import (
	"context"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

const readListeners = `SELECT id, name, transport, port, coalesce(tls_context, '') AS tls_context, enabled FROM listeners`

var listeners = &table[federation.Listener, *federation.Listener]{
	section: federation.SectionListeners, kind: "listener",
	read:  readListeners,
	byID:  readListeners + ` WHERE id = $1`,
	byIDs: readListeners + ` WHERE id = ANY($1)`,
	insert: `INSERT INTO listeners (name, transport, port, tls_context, enabled) VALUES ($1, $2, $3, nullif($4, ''), $5)
		RETURNING id`,
	update: `UPDATE listeners SET name = $1, transport = $2, port = $3, tls_context = nullif($4, ''), enabled = $5 WHERE id = $6`,
	remove: `DELETE FROM listeners WHERE id = ANY($1)`,
	id:     func(l *federation.Listener) *int64 { return &l.ID },
	values: func(_ *work, l *federation.Listener) []any {
		return []any{l.Name, l.Transport, l.Port, l.TLSContext, l.Enabled}
	},
	rows:  func(c *federation.Configuration) *[]federation.Listener { return &c.Listeners },
	taken: func(l *federation.Listener) federation.Problem { return takenName("name", l.Name, "name") },
	list: list{from: "listeners", sort: "name", columns: map[string]column{
		"name": text("name"), "transport": plain("transport"), "port": number("port"),
		"tls_context": text("coalesce(tls_context, '')"), "enabled": yesNo("enabled"),
	}},
}

// ListListeners finds and lists listeners.
func (s *Store) ListListeners(ctx context.Context, q listing.Query) (listing.Page[federation.Listener], error) {
	return listeners.page(ctx, s, q)
}

// Listener reads one listener.
func (s *Store) Listener(ctx context.Context, id int64) (federation.Listener, error) {
	return listeners.get(ctx, s, id)
}

// SaveListener adds a listener without an id and changes one with it.
func (s *Store) SaveListener(ctx context.Context, l federation.Listener) (federation.Listener, error) {
	return listeners.save(ctx, s, l)
}

// DeleteListeners deletes all of the listeners or none.
func (s *Store) DeleteListeners(ctx context.Context, ids []int64) error {
	return listeners.delete(ctx, s, ids)
}
