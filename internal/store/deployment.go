package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

const readDeployments = `SELECT id, name, answers, nodes, created_at, created_by, revision FROM deployments ORDER BY name COLLATE "C"`

const readDeployment = `SELECT id, name, answers, nodes, created_at, created_by, revision FROM deployments WHERE id = $1`

const readDeploymentNamed = `SELECT id, name, answers, nodes, created_at, created_by, revision FROM deployments WHERE name = $1`

const upsertDeployment = `INSERT INTO deployments (name, answers, nodes, created_by, revision) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (name) DO UPDATE SET answers = excluded.answers, nodes = excluded.nodes, created_at = now(),
		created_by = excluded.created_by, revision = excluded.revision
	RETURNING id, name, answers, nodes, created_at, created_by, revision`

// Deployments are the finished runs of the wizard, by name.
func (s *Store) Deployments(ctx context.Context) (deployments []federation.Deployment, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		deployments, err = all[federation.Deployment](ctx, tx, readDeployments)
		return err
	})
	return deployments, err
}

// Deployment reads one finished run.
func (s *Store) Deployment(ctx context.Context, id int64) (d federation.Deployment, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		d, err = one[federation.Deployment](ctx, tx, readDeployment, id)
		return err
	})
	return d, err
}

// FinishWizard plans inside the lock and makes the configuration what the plan wants, with the deployment's row, in one
// transaction. A conflict is ErrConflict with the changes that name it, and nothing is changed. A second finish with the
// same answers changes nothing; one with other answers for the same pool updates its row. plan may run more than once.
func (s *Store) FinishWizard(ctx context.Context, answers federation.Answers, plan func(federation.Snapshot) (federation.Changes, error)) (federation.Deployment, federation.Changes, error) {
	var deployment federation.Deployment
	var changes federation.Changes
	err := s.change(ctx, func(ctx context.Context, w *work) (err error) {
		if changes, err = plan(planned(w.before)); err != nil {
			return err
		}
		if len(changes.Conflicts()) > 0 {
			return ErrConflict
		}
		deployment, err = w.finishWizard(ctx, answers, changes.Target)
		return err
	})
	if err != nil {
		deployment = federation.Deployment{}
	}
	return deployment, changes, err
}

// planned is a snapshot that its reader may change in place.
func planned(s federation.Snapshot) federation.Snapshot {
	s.Configuration = copyOf(s.Configuration)
	return s
}

func (w *work) finishWizard(ctx context.Context, answers federation.Answers, target federation.Configuration) (federation.Deployment, error) {
	target.Users = nil // users are no part of a plan
	target.Normalize()
	name := deploymentName(answers)
	w.action = "finished the wizard for " + name
	if err := w.apply(ctx, &target, federation.Diff(&w.before.Configuration, &target)); err != nil {
		return federation.Deployment{}, err
	}
	return w.keepDeployment(ctx, federation.Deployment{Name: name, Answers: answers,
		Nodes: deploymentNodes(target.Nodes, answers.RoutingNode), CreatedBy: auth.ActorFrom(ctx).Name, Revision: w.before.Revision + 1})
}

// keepDeployment writes the row, unless it is there and the configuration did not change either.
func (w *work) keepDeployment(ctx context.Context, d federation.Deployment) (federation.Deployment, error) {
	known, err := all[federation.Deployment](ctx, w.tx, readDeploymentNamed, d.Name)
	if err != nil {
		return d, err
	}
	fields := []federation.FieldChange{{Name: "answers", New: asJSON(d.Answers)}, {Name: "nodes", New: federation.Printed(d.Nodes)}}
	how := federation.Added
	if len(known) > 0 {
		how = federation.Changed
		fields[0].Old, fields[1].Old = asJSON(known[0].Answers), federation.Printed(known[0].Nodes)
		fields = slices.DeleteFunc(fields, func(f federation.FieldChange) bool { return f.Old == f.New })
		if len(fields) == 0 && len(w.log) == 0 {
			return known[0], nil
		}
	}
	w.note("deployment", how, d.Name, fields)
	return one[federation.Deployment](ctx, w.tx, upsertDeployment, d.Name, d.Answers, d.Nodes, d.CreatedBy, d.Revision)
}

// deploymentName is the pool's name, or that of the one front end.
func deploymentName(a federation.Answers) string {
	if a.Pool == "" && len(a.FrontEnds) > 0 {
		return a.FrontEnds[0].FQDN
	}
	return a.Pool
}

// deploymentNodes are the names of all nodes, the routing node first.
func deploymentNodes(nodes []federation.Node, first string) []string {
	names := []string{}
	for _, n := range nodes {
		if n.Name == first {
			names = slices.Insert(names, 0, n.Name)
		} else {
			names = append(names, n.Name)
		}
	}
	return names
}
