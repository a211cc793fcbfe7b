package store

import (
	"context"
	"fmt"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

const readStaticRoutes = `SELECT id, destination, type, next_hop, port, transport, priority, weight, allow_less_specific,
	in_service, blocked, description FROM static_routes`

var staticRoutes = &table[federation.StaticRoute, *federation.StaticRoute]{
	section: federation.SectionStaticRoutes, kind: "static_route",
	read:  readStaticRoutes,
	byID:  readStaticRoutes + ` WHERE id = $1`,
	byIDs: readStaticRoutes + ` WHERE id = ANY($1)`,
	insert: `INSERT INTO static_routes (destination, type, next_hop, port, transport, priority, weight, allow_less_specific,
		in_service, blocked, description) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id`,
	update: `UPDATE static_routes SET destination = $1, type = $2, next_hop = $3, port = $4, transport = $5, priority = $6,
		weight = $7, allow_less_specific = $8, in_service = $9, blocked = $10, description = $11 WHERE id = $12`,
	remove: `DELETE FROM static_routes WHERE id = ANY($1)`,
	id:     func(r *federation.StaticRoute) *int64 { return &r.ID },
	values: func(_ *work, r *federation.StaticRoute) []any {
		return []any{r.Destination, r.Type, r.NextHop, r.Port, r.Transport, r.Priority, r.Weight, r.AllowLessSpecific,
			r.InService, r.Blocked, r.Description}
	},
	rows:  func(c *federation.Configuration) *[]federation.StaticRoute { return &c.StaticRoutes },
	taken: routeTaken,
	list: list{from: "static_routes", sort: "destination", columns: map[string]column{
		"destination": text("destination"), "domain": text("pattern_domain(type, destination)"), "type": plain("type"),
		"next_hop": text("next_hop"), "port": number("port"), "transport": plain("transport"), "priority": number("priority"),
		"weight": number("weight"), "allow_less_specific": yesNo("allow_less_specific"), "in_service": yesNo("in_service"),
		"blocked": yesNo("blocked"), "description": text("description"),
	}},
}

func routeTaken(r *federation.StaticRoute) federation.Problem {
	return federation.Problem{Path: "destination", Text: fmt.Sprintf(
		"A route for %s to %s port %d over %s is listed already. Change that entry, or enter another destination, next hop, port or transport.",
		r.Destination, r.NextHop, r.Port, r.Transport)}
}

// ListStaticRoutes finds and lists static routes. The field domain is the destination of a domain route the right way
// round.
func (s *Store) ListStaticRoutes(ctx context.Context, q listing.Query) (listing.Page[federation.StaticRoute], error) {
	return staticRoutes.page(ctx, s, q)
}

// StaticRoute reads one static route.
func (s *Store) StaticRoute(ctx context.Context, id int64) (federation.StaticRoute, error) {
	return staticRoutes.get(ctx, s, id)
}

// SaveStaticRoute adds a static route without an id and changes one with it.
func (s *Store) SaveStaticRoute(ctx context.Context, r federation.StaticRoute) (federation.StaticRoute, error) {
	return staticRoutes.save(ctx, s, r)
}

// DeleteStaticRoutes deletes all of the static routes or none.
func (s *Store) DeleteStaticRoutes(ctx context.Context, ids []int64) error {
	return staticRoutes.delete(ctx, s, ids)
}
