package store

import (
	"context"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

const readFederatedDomains = `SELECT id, name, direct FROM federated_domains`

var federatedDomains = &table[federation.FederatedDomain, *federation.FederatedDomain]{
	section: federation.SectionFederatedDomains, kind: "federated_domain",
	read:   readFederatedDomains,
	byID:   readFederatedDomains + ` WHERE id = $1`,
	byIDs:  readFederatedDomains + ` WHERE id = ANY($1)`,
	insert: `INSERT INTO federated_domains (name, direct) VALUES ($1, $2) RETURNING id`,
	update: `UPDATE federated_domains SET name = $1, direct = $2 WHERE id = $3`,
	remove: `DELETE FROM federated_domains WHERE id = ANY($1)`,
	id:     func(d *federation.FederatedDomain) *int64 { return &d.ID },
	values: func(_ *work, d *federation.FederatedDomain) []any { return []any{d.Name, d.Direct} },
	rows:   func(c *federation.Configuration) *[]federation.FederatedDomain { return &c.FederatedDomains },
	taken:  func(d *federation.FederatedDomain) federation.Problem { return takenName("name", d.Name, "name") },
	list: list{from: "federated_domains", sort: "name",
		columns: map[string]column{"name": plain("name"), "direct": yesNo("direct")}},
}

// ListFederatedDomains finds and lists federated domains.
func (s *Store) ListFederatedDomains(ctx context.Context, q listing.Query) (listing.Page[federation.FederatedDomain], error) {
	return federatedDomains.page(ctx, s, q)
}

// FederatedDomain reads one federated domain.
func (s *Store) FederatedDomain(ctx context.Context, id int64) (federation.FederatedDomain, error) {
	return federatedDomains.get(ctx, s, id)
}

// SaveFederatedDomain adds a federated domain without an id and changes one with it.
func (s *Store) SaveFederatedDomain(ctx context.Context, d federation.FederatedDomain) (federation.FederatedDomain, error) {
	return federatedDomains.save(ctx, s, d)
}

// DeleteFederatedDomains deletes all of the federated domains or none.
func (s *Store) DeleteFederatedDomains(ctx context.Context, ids []int64) error {
	return federatedDomains.delete(ctx, s, ids)
}
