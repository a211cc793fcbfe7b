package store

import (
	"context"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

const readACLEntries = `SELECT id, pattern, description FROM acl_entries`

var aclEntries = &table[federation.ACLEntry, *federation.ACLEntry]{
	section: federation.SectionACL, kind: "acl",
	read:   readACLEntries,
	byID:   readACLEntries + ` WHERE id = $1`,
	byIDs:  readACLEntries + ` WHERE id = ANY($1)`,
	insert: `INSERT INTO acl_entries (pattern, description) VALUES ($1, $2) RETURNING id`,
	update: `UPDATE acl_entries SET pattern = $1, description = $2 WHERE id = $3`,
	remove: `DELETE FROM acl_entries WHERE id = ANY($1)`,
	id:     func(e *federation.ACLEntry) *int64 { return &e.ID },
	values: func(_ *work, e *federation.ACLEntry) []any { return []any{e.Pattern, e.Description} },
	rows:   func(c *federation.Configuration) *[]federation.ACLEntry { return &c.ACL },
	taken:  func(e *federation.ACLEntry) federation.Problem { return takenName("pattern", e.Pattern, "pattern") },
	list: list{from: "acl_entries", sort: "pattern",
		columns: map[string]column{"pattern": text("pattern"), "description": text("description")}},
}

// ListACLEntries finds and lists entries of the incoming ACL.
func (s *Store) ListACLEntries(ctx context.Context, q listing.Query) (listing.Page[federation.ACLEntry], error) {
	return aclEntries.page(ctx, s, q)
}

// ACLEntry reads one entry.
func (s *Store) ACLEntry(ctx context.Context, id int64) (federation.ACLEntry, error) {
	return aclEntries.get(ctx, s, id)
}

// SaveACLEntry adds an entry without an id and changes one with it.
func (s *Store) SaveACLEntry(ctx context.Context, e federation.ACLEntry) (federation.ACLEntry, error) {
	return aclEntries.save(ctx, s, e)
}

// DeleteACLEntries deletes all of the entries or none.
func (s *Store) DeleteACLEntries(ctx context.Context, ids []int64) error {
	return aclEntries.delete(ctx, s, ids)
}

// SaveACLServer adds a server's two entries, its name and its address, in one change (guide p.54-55: a server needs
// both). An entry that is there already stays as it is; problems carry the paths fqdn, address and description.
func (s *Store) SaveACLServer(ctx context.Context, fqdn, address, description string) error {
	pair, err := aclPair(fqdn, address, description)
	if err != nil {
		return err
	}
	return s.change(ctx, func(ctx context.Context, w *work) error {
		w.action = "added ACL entries of the server " + pair[0].Pattern
		for _, e := range pair {
			if hasPattern(w.before.ACL, e.Pattern) {
				continue
			}
			if err := aclEntries.put(ctx, w, &e); err != nil {
				return err
			}
		}
		if len(w.log) == 0 {
			return federation.Invalid{takenName("fqdn", pair[0].Pattern, "name"), takenName("address", pair[1].Pattern, "address")}
		}
		return nil
	})
}

// aclPair checks the form's fields by the rules of what each of them must be: a name, an address.
func aclPair(fqdn, address, description string) ([2]federation.ACLEntry, error) {
	var problems federation.Invalid
	name, err := federation.ParseFQDN(fqdn)
	if err != nil {
		problems = append(problems, federation.Problem{Path: "fqdn", Text: err.Error()})
	}
	ip, err := federation.ParseAddress(address)
	if err != nil {
		problems = append(problems, federation.Problem{Path: "address", Text: err.Error()})
	}
	pair := [2]federation.ACLEntry{{Pattern: name, Description: description}, {Pattern: ip.String(), Description: description}}
	if len(problems) > 0 {
		return pair, problems
	}
	for i := range pair {
		pair[i].Normalize()
	}
	return pair, federation.Invalid(pair[0].Problems()).Err()
}

func hasPattern(entries []federation.ACLEntry, pattern string) bool {
	for _, e := range entries {
		if e.Pattern == pattern {
			return true
		}
	}
	return false
}
