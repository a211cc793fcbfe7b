package store

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

const readNodes = `SELECT id, name, address, connector, routing, coalesce(backup, '') AS backup, services FROM nodes`

var nodes = &table[federation.Node, *federation.Node]{
	section: federation.SectionNodes, kind: "node",
	read:  readNodes,
	byID:  readNodes + ` WHERE id = $1`,
	byIDs: readNodes + ` WHERE id = ANY($1)`,
	insert: `INSERT INTO nodes (name, address, connector, routing, backup, services) VALUES ($1, $2, $3, $4, nullif($5, ''), $6)
		RETURNING id`,
	update: `UPDATE nodes SET name = $1, address = $2, connector = $3, routing = $4, backup = nullif($5, ''), services = $6
		WHERE id = $7`,
	remove: `DELETE FROM nodes WHERE id = ANY($1)`,
	id:     func(n *federation.Node) *int64 { return &n.ID },
	values: func(_ *work, n *federation.Node) []any {
		return []any{n.Name, n.Address, n.Connector, n.Routing, n.Backup, n.Services}
	},
	rows:  func(c *federation.Configuration) *[]federation.Node { return &c.Nodes },
	taken: func(n *federation.Node) federation.Problem { return takenName("name", n.Name, "name") },
	list: list{from: "nodes", sort: "name", columns: map[string]column{
		"name": plain("name"), "address": text("address"), "connector": text("connector"), "routing": yesNo("routing"),
		"backup": text("coalesce(backup, '')"), "services": texts("services"),
	}},
	allow:  keepLiveName,
	needed: nodesNeeded,
}

// keepLiveName refuses to rename a node that runs under its name: its process would make the old row again. Users,
// backups and certificates follow the new name of one that does not run.
func keepLiveName(ctx context.Context, w *work, old, new *federation.Node) error {
	if old == nil || old.Name == new.Name {
		return nil
	}
	live, err := w.liveNodes(ctx, []string{old.Name})
	if err == nil && len(live) > 0 {
		err = federation.Invalid{{Path: "name", Text: old.Name + " is running under this name. Stop it and wait a minute, rename it here, then start it with the new name."}}
	}
	return err
}

// liveNodes are those of the named nodes that run.
func (w *work) liveNodes(ctx context.Context, names []string) ([]string, error) {
	return value[[]string](ctx, w.tx, `SELECT coalesce(array_agg(node ORDER BY node), '{}') FROM node_statuses
		WHERE node = ANY($1) AND reported_at > now() - $2::interval`, names, federation.NodeSilence)
}

// refuseLive refuses to remove nodes that run.
func (w *work) refuseLive(ctx context.Context, names []string) error {
	live, err := w.liveNodes(ctx, names)
	if err == nil && len(live) > 0 {
		err = federation.Refuse("%s reported within the last minute. Stop Isthmus there and wait a minute before you remove the node.", live[0])
	}
	return err
}

// nodesNeeded refuses to delete a node that runs, homes users or is the backup of a node that stays.
func nodesNeeded(ctx context.Context, w *work, gone []federation.Node) error {
	leaving := map[string]bool{}
	var names []string
	for _, n := range gone {
		leaving[n.Name] = true
		names = append(names, n.Name)
	}
	if err := w.refuseLive(ctx, names); err != nil {
		return err
	}
	for _, n := range w.before.Nodes {
		if leaving[n.Backup] && !leaving[n.Name] {
			return federation.Refuse("%s is the backup of %s. Choose another backup there before you delete it.", n.Backup, n.Name)
		}
	}
	for _, name := range names {
		if err := w.refuseHome(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// refuseHome refuses to delete a node that a user's row names, licensed or not.
func (w *work) refuseHome(ctx context.Context, name string) error {
	home, err := one[struct {
		Count int
		First string
	}](ctx, w.tx, `SELECT count(*) AS count, coalesce(min(user_id), '') AS first FROM users WHERE node = $1`, name)
	if err == nil && home.Count > 0 {
		err = federation.Refuse("%s is the home node of %d users, %s among them. Give them another node before you delete it.", name, home.Count, home.First)
	}
	return err
}

// ListNodes finds and lists nodes.
func (s *Store) ListNodes(ctx context.Context, q listing.Query) (listing.Page[federation.Node], error) {
	return nodes.page(ctx, s, q)
}

// Node reads one node.
func (s *Store) Node(ctx context.Context, id int64) (federation.Node, error) {
	return nodes.get(ctx, s, id)
}

// SaveNode adds a node without an id and changes one with it. Users, backups and certificates follow a new name.
func (s *Store) SaveNode(ctx context.Context, n federation.Node) (federation.Node, error) {
	return nodes.save(ctx, s, n)
}

// ActivateServices has a node run these services, and leaves the rest of the node as it is stored. judged are the services
// by which somebody decided that: when others are activated by now it is ErrOvertaken; nil stands for whatever there is.
func (s *Store) ActivateServices(ctx context.Context, id int64, services, judged []string) error {
	return s.change(ctx, func(ctx context.Context, w *work) error {
		n, err := one[federation.Node](ctx, w.tx, readNodes+` WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if judged != nil && !slices.Equal(n.Services, judged) {
			return ErrOvertaken
		}
		n.Services = services
		n.Normalize()
		if err := federation.Invalid(n.Problems()).Err(); err != nil {
			return err
		}
		return nodes.put(ctx, w, &n)
	})
}

// DeleteNodes deletes all of the nodes or none.
func (s *Store) DeleteNodes(ctx context.Context, ids []int64) error {
	return nodes.delete(ctx, s, ids)
}

// RegisterNode makes a node's own row when there is none of its name, and returns the row that counts: an existing one
// wins over what the node was started with. added says whether it was made.
func (s *Store) RegisterNode(ctx context.Context, n federation.Node) (registered federation.Node, added bool, err error) {
	n.Normalize()
	known, err := s.nodeNamed(ctx, n.Name)
	if !errors.Is(err, federation.ErrNotFound) {
		return known, false, err
	}
	n.ID = 0
	registered, err = s.SaveNode(auth.WithActor(ctx, auth.Actor{Name: "node " + n.Name}), n)
	if err == nil {
		return registered, true, nil
	}
	// Somebody may have made the row between the look and the save: then that one counts.
	var invalid federation.Invalid
	if !errors.As(err, &invalid) {
		return n, false, err
	}
	if known, readErr := s.nodeNamed(ctx, n.Name); readErr == nil {
		return known, false, nil
	}
	return n, false, err
}

func (s *Store) nodeNamed(ctx context.Context, name string) (n federation.Node, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		n, err = one[federation.Node](ctx, tx, readNodes+` WHERE name = $1`, name)
		return err
	})
	return n, err
}

// HoldsOwn reports whether a node has a certificate of its own, imported or made by itself.
func (s *Store) HoldsOwn(ctx context.Context, node string) (holds bool, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		holds, err = value[bool](ctx, tx, `SELECT EXISTS (SELECT FROM certificates WHERE purpose = $1 AND node = $2)`, federation.PurposeOwn, node)
		return err
	})
	return holds, err
}
