package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
)

// Statements of a snapshot. Each section comes in the order of its natural key, whatever the database's collation.
const (
	snapshotDomains   = readDomains + ` ORDER BY name COLLATE "C"`
	snapshotNodes     = readNodes + ` ORDER BY name COLLATE "C"`
	snapshotRoutes    = readStaticRoutes + ` ORDER BY destination COLLATE "C", priority, weight, next_hop COLLATE "C", port, transport COLLATE "C"`
	snapshotACL       = readACLEntries + ` ORDER BY pattern COLLATE "C"`
	snapshotSubjects  = readTLSPeerSubjects + ` ORDER BY name COLLATE "C"`
	snapshotContexts  = readTLSContexts + ` ORDER BY name COLLATE "C"`
	snapshotListeners = readListeners + ` ORDER BY name COLLATE "C"`
	snapshotFederated = readFederatedDomains + ` ORDER BY name COLLATE "C"`
	snapshotUsers     = readUsers + ` ORDER BY key COLLATE "C"`
	snapshotSettings  = `SELECT name, value FROM settings ORDER BY name COLLATE "C"`
	snapshotServices  = readServiceStates + ` ORDER BY node COLLATE "C", service COLLATE "C"`
	snapshotUsage     = `SELECT node, domain, count(*) AS users FROM users WHERE licensed GROUP BY node, domain`
)

// Snapshot is the last committed state of the configuration, without users.
func (s *Store) Snapshot(ctx context.Context) (federation.Snapshot, error) {
	var snapshot federation.Snapshot
	err := s.read(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		snapshot, err = readSnapshot(ctx, tx)
		return err
	})
	return snapshot, err
}

// Configuration is what administrators decide, with every user.
func (s *Store) Configuration(ctx context.Context) (federation.Configuration, error) {
	var c federation.Configuration
	err := s.within(ctx, applyTimeout, reading, func(ctx context.Context, tx pgx.Tx) error {
		snapshot, err := readSnapshot(ctx, tx)
		if err != nil {
			return err
		}
		c = snapshot.Configuration
		c.Users, err = all[federation.User](ctx, tx, snapshotUsers)
		return err
	})
	return c, err
}

// usageRow counts the licensed users of one home node and one domain.
type usageRow struct {
	Node   string
	Domain string
	Users  int
}

// readSnapshot reads the whole state within the caller's transaction, in one round trip.
func readSnapshot(ctx context.Context, tx pgx.Tx) (federation.Snapshot, error) {
	var s federation.Snapshot
	var settings []savedSetting
	var usage []usageRow
	b := &pgx.Batch{}
	b.Queue(`SELECT era, number FROM revision`).QueryRow(func(row pgx.Row) error { return row.Scan(&s.Era, &s.Revision) })
	queue(b, &settings, snapshotSettings)
	queue(b, &s.Domains, snapshotDomains)
	queue(b, &s.Nodes, snapshotNodes)
	queue(b, &s.StaticRoutes, snapshotRoutes)
	queue(b, &s.ACL, snapshotACL)
	queue(b, &s.TLSPeerSubjects, snapshotSubjects)
	queue(b, &s.TLSContexts, snapshotContexts)
	queue(b, &s.Listeners, snapshotListeners)
	queue(b, &s.FederatedDomains, snapshotFederated)
	queue(b, &s.Certificates, readCertificates)
	queue(b, &s.Deployments, readDeployments)
	queue(b, &s.ServiceStates, snapshotServices)
	queue(b, &usage, snapshotUsage)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return s, err
	}
	s.Settings, s.SavedSettings = settingsFrom(settings)
	s.Usage = sumUp(usage)
	tame(s.Certificates)
	return s, nil
}

// tame makes of names what can be shown, and of dates that nobody can mean such as can be told. Databases hold them from
// before, and read dates in the machine's time zone, in which the last second of 9999 can lie in the year after.
func tame(certificates []federation.Certificate) {
	for i := range certificates {
		certificates[i].Tame()
	}
}

// queue adds a statement whose rows become into.
func queue[T any](b *pgx.Batch, into *[]T, sql string) {
	b.Queue(sql).Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByName[T])
		return err
	})
}

func sumUp(rows []usageRow) federation.Usage {
	u := federation.Usage{ByNode: map[string]int{}, ByDomain: map[string]int{}}
	for _, r := range rows {
		u.ByNode[r.Node] += r.Users
		if r.Domain != "" {
			u.ByDomain[r.Domain] += r.Users
		}
	}
	return u
}

// copyOf is a configuration that shares no list with the original, for whoever wants to change it in place.
func copyOf(c federation.Configuration) federation.Configuration {
	c.Domains, c.StaticRoutes, c.ACL = slices.Clone(c.Domains), slices.Clone(c.StaticRoutes), slices.Clone(c.ACL)
	c.TLSPeerSubjects, c.Listeners = slices.Clone(c.TLSPeerSubjects), slices.Clone(c.Listeners)
	c.FederatedDomains, c.Users = slices.Clone(c.FederatedDomains), slices.Clone(c.Users)
	c.Nodes, c.TLSContexts = slices.Clone(c.Nodes), slices.Clone(c.TLSContexts)
	for i := range c.Nodes {
		c.Nodes[i].Services = slices.Clone(c.Nodes[i].Services)
	}
	for i := range c.TLSContexts {
		c.TLSContexts[i].Ciphers = slices.Clone(c.TLSContexts[i].Ciphers)
		c.TLSContexts[i].PeerSubjects = slices.Clone(c.TLSContexts[i].PeerSubjects)
	}
	return c
}
