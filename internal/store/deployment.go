package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

const readDeployments = `SELECT id, name, answers, nodes, created_at, created_by, revision, made FROM deployments ORDER BY name COLLATE "C"`

const readDeployment = `SELECT id, name, answers, nodes, created_at, created_by, revision, made FROM deployments WHERE id = $1`

const readDeploymentNamed = `SELECT id, name, answers, nodes, created_at, created_by, revision, made FROM deployments WHERE name = $1`

const upsertDeployment = `INSERT INTO deployments (name, answers, nodes, created_by, revision, made) VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (name) DO UPDATE SET answers = excluded.answers, nodes = excluded.nodes, created_at = now(),
		created_by = excluded.created_by, revision = excluded.revision, made = excluded.made
	RETURNING id, name, answers, nodes, created_at, created_by, revision, made`

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

// applyPlan makes the configuration what a plan wants.
func (w *work) applyPlan(ctx context.Context, target *federation.Configuration) ([]federation.Difference, error) {
	target.Users = nil // users are no part of a plan
	target.Normalize()
	differences := federation.Diff(&w.before.Configuration, target)
	return differences, w.apply(ctx, target, differences)
}

func (w *work) finishWizard(ctx context.Context, answers federation.Answers, target federation.Configuration) (federation.Deployment, error) {
	w.action = "finished the wizard for " + answers.DeploymentName()
	differences, err := w.applyPlan(ctx, &target)
	if err != nil {
		return federation.Deployment{}, err
	}
	d := federation.NewDeployment(answers, target.Nodes)
	d.CreatedBy, d.Revision = auth.ActorFrom(ctx).Name, w.before.Revision+1
	return w.keepDeployment(ctx, d, differences)
}

// keepDeployment writes the row, unless it is there and the configuration did not change either.
func (w *work) keepDeployment(ctx context.Context, d federation.Deployment, differences []federation.Difference) (federation.Deployment, error) {
	known, err := all[federation.Deployment](ctx, w.tx, readDeploymentNamed, d.Name)
	if err != nil {
		return d, err
	}
	d.Made = made(nil, differences)
	fields := []federation.FieldChange{{Name: "answers", New: asJSON(d.Answers)}, {Name: "nodes", New: federation.Printed(d.Nodes)}}
	how := federation.Added
	if len(known) > 0 {
		how, d.Made = federation.Changed, made(known[0].Made, differences)
		fields[0].Old, fields[1].Old = asJSON(known[0].Answers), federation.Printed(known[0].Nodes)
		fields = slices.DeleteFunc(fields, func(f federation.FieldChange) bool { return f.Old == f.New })
		if len(fields) == 0 && len(w.log) == 0 {
			return known[0], nil
		}
	}
	w.note("deployment", how, d.Name, fields)
	return one[federation.Deployment](ctx, w.tx, upsertDeployment, d.Name, d.Answers, d.Nodes, d.CreatedBy, d.Revision, d.Made)
}

// made is what runs of the wizard added, after one more run.
func made(before []federation.Made, differences []federation.Difference) []federation.Made {
	list := append([]federation.Made{}, before...) // never null
	for _, d := range differences {
		object := federation.Made{Kind: d.Kind, Key: d.Key}
		switch {
		case d.How == federation.Removed:
			list = slices.DeleteFunc(list, func(m federation.Made) bool { return m == object })
		case d.How == federation.Added && goesWithDeployment(d.Section) && !slices.Contains(list, object):
			list = append(list, object)
		}
	}
	return list
}

// goesWithDeployment reports whether objects of a section are one deployment's; settings, contexts and listeners are
// everybody's.
func goesWithDeployment(section string) bool {
	return section == federation.SectionStaticRoutes || section == federation.SectionACL || section == federation.SectionTLSPeerSubjects
}

// RemoveDeployment plans inside the lock and takes away what the plan takes away, with the deployment's row and what is
// known of its Microsoft side, in one transaction. What stays because other deployments use it goes with the last of
// them. plan may run more than once.
func (s *Store) RemoveDeployment(ctx context.Context, id int64, plan func(federation.Deployment, federation.Snapshot) (federation.Changes, error)) (federation.Changes, error) {
	var changes federation.Changes
	err := s.change(ctx, func(ctx context.Context, w *work) error {
		d, err := one[federation.Deployment](ctx, w.tx, readDeployment, id)
		if err != nil {
			return err
		}
		if changes, err = plan(d, planned(w.before)); err != nil {
			return err
		}
		return w.removeDeployment(ctx, d, changes.Target)
	})
	return changes, err
}

func (w *work) removeDeployment(ctx context.Context, d federation.Deployment, target federation.Configuration) error {
	w.action = "removed the deployment " + d.Name
	differences, err := w.applyPlan(ctx, &target)
	if err != nil {
		return err
	}
	w.note("deployment", federation.Removed, d.Name, []federation.FieldChange{
		{Name: "answers", Old: asJSON(d.Answers)}, {Name: "nodes", Old: federation.Printed(d.Nodes)}})
	if _, err := w.tx.Exec(ctx, `DELETE FROM deployments WHERE id = $1`, d.ID); err != nil {
		return err
	}
	return w.hand(ctx, made(d.Made, differences))
}

// hand gives what a deployment made and left to all other deployments: which of them use it is the plan's to know, and it
// goes with the last one that does.
func (w *work) hand(ctx context.Context, objects []federation.Made) error {
	others, err := all[federation.Deployment](ctx, w.tx, readDeployments)
	if err != nil || len(objects) == 0 {
		return err
	}
	for _, d := range others {
		for _, o := range objects {
			if !slices.Contains(d.Made, o) {
				d.Made = append(d.Made, o)
			}
		}
		if _, err := w.tx.Exec(ctx, `UPDATE deployments SET made = $1 WHERE id = $2`, d.Made, d.ID); err != nil {
			return err
		}
	}
	return nil
}
