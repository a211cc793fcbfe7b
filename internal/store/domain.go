package store

import (
	"context"
	"fmt"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

const readDomains = `SELECT id, name FROM domains`

var domains = &table[federation.Domain, *federation.Domain]{
	section: federation.SectionDomains, kind: "domain",
	read:   readDomains,
	byID:   readDomains + ` WHERE id = $1`,
	byIDs:  readDomains + ` WHERE id = ANY($1)`,
	insert: `INSERT INTO domains (name) VALUES ($1) RETURNING id`,
	update: `UPDATE domains SET name = $1 WHERE id = $2`,
	remove: `DELETE FROM domains WHERE id = ANY($1)`,
	id:     func(d *federation.Domain) *int64 { return &d.ID },
	values: func(_ *work, d *federation.Domain) []any { return []any{d.Name} },
	rows:   func(c *federation.Configuration) *[]federation.Domain { return &c.Domains },
	taken:  func(d *federation.Domain) federation.Problem { return takenName("name", d.Name, "name") },
	list:   list{from: "domains", columns: map[string]column{"name": plain("name")}, sort: "name"},
	needed: domainsNeeded,
}

// takenName is the sentence for a key that is listed already.
func takenName(path, name, what string) federation.Problem {
	return federation.Problem{Path: path,
		Text: fmt.Sprintf("%s is listed already. Change that entry, or enter another %s.", name, what)}
}

// domainsNeeded refuses to delete a domain in which users have their addresses, and the default domain.
func domainsNeeded(ctx context.Context, w *work, gone []federation.Domain) error {
	for _, d := range gone {
		if d.Name == w.before.Settings.DefaultDomain {
			return federation.Refuse("%s is the default domain. Choose another default domain in the settings first.", d.Name)
		}
		if count := w.before.Usage.ByDomain[d.Name]; count > 0 {
			name, err := value[string](ctx, w.tx, `SELECT user_id FROM users WHERE licensed AND domain = $1 ORDER BY key LIMIT 1`, d.Name)
			if err != nil {
				return err
			}
			return federation.Refuse("%s have their address in %s, %s among them. Change or delete them before you delete the domain.",
				users(count), d.Name, name)
		}
	}
	return nil
}

func users(count int) string {
	if count == 1 {
		return "1 licensed user"
	}
	return fmt.Sprintf("%d licensed users", count)
}

// ListDomains finds and lists domains.
func (s *Store) ListDomains(ctx context.Context, q listing.Query) (listing.Page[federation.Domain], error) {
	return domains.page(ctx, s, q)
}

// Domain reads one domain.
func (s *Store) Domain(ctx context.Context, id int64) (federation.Domain, error) {
	return domains.get(ctx, s, id)
}

// SaveDomain adds a domain without an id and changes one with it.
func (s *Store) SaveDomain(ctx context.Context, d federation.Domain) (federation.Domain, error) {
	return domains.save(ctx, s, d)
}

// DeleteDomains deletes all of the domains or none.
func (s *Store) DeleteDomains(ctx context.Context, ids []int64) error {
	return domains.delete(ctx, s, ids)
}
