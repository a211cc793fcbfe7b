package store

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
)

// batchSize bounds how many statements go to the database in one round trip.
const batchSize = 1000

// ApplyOptions says how a whole configuration is applied.
type ApplyOptions struct {
	DryRun    bool // find the differences and every problem, and change nothing
	Confirmed bool // removing a large part is meant
}

// A differ is a table, whatever it holds.
type differ interface {
	statement(*work, federation.Difference) statement
	removal([]federation.Difference) statement
}

// sections are the tables by their section of the document.
var sections = map[string]differ{
	federation.SectionDomains: domains, federation.SectionNodes: nodes, federation.SectionStaticRoutes: staticRoutes,
	federation.SectionACL: aclEntries, federation.SectionTLSPeerSubjects: tlsPeerSubjects,
	federation.SectionTLSContexts: tlsContexts, federation.SectionListeners: listeners,
	federation.SectionFederatedDomains: federatedDomains, federation.SectionUsers: userTable,
}

// Apply makes the configuration what edit returns, in one transaction with one audit row, which begins with what. edit
// sees the state inside the lock, with every user, and may change it in place; it may run more than once. Problems of
// the result come back as federation.Invalid with paths into what edit returned. Where nothing differs, nothing is
// written and no revision is made. A change that removes much is Unconfirmed until an option says that it is meant.
func (s *Store) Apply(ctx context.Context, what string, edit func(federation.Configuration) (federation.Configuration, error), options ...ApplyOptions) ([]federation.Difference, error) {
	var option ApplyOptions
	for _, o := range options {
		option = o
	}
	var differences []federation.Difference
	err := s.changeWithin(ctx, applyTimeout, func(ctx context.Context, w *work) (err error) {
		differences, err = w.applyEdit(ctx, edit, option)
		w.action = what
		if err == nil && option.DryRun {
			err = w.rehearse(ctx)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return differences, nil
}

// rehearse runs the rules of the end without their audit row, then rolls back.
func (w *work) rehearse(ctx context.Context) error {
	if len(w.log) > 0 {
		if err := w.finish(ctx); err != nil {
			return err
		}
	}
	return errDryRun
}

func (w *work) applyEdit(ctx context.Context, edit func(federation.Configuration) (federation.Configuration, error), option ApplyOptions) ([]federation.Difference, error) {
	var err error
	if w.before.Users, err = all[federation.User](ctx, w.tx, snapshotUsers); err != nil {
		return nil, err
	}
	// The snapshot that the rules compare with counts users instead of holding them.
	current := w.before.Configuration
	w.before.Users = nil
	target, err := edit(copyOf(current))
	if err != nil {
		return nil, err
	}
	target.Normalize()
	if err := federation.Invalid(target.Validate(federation.Usage{})).Err(); err != nil {
		return nil, err
	}
	differences := federation.Diff(&current, &target)
	if err := w.guard(ctx, &current, &target, differences, option); err != nil {
		return nil, err
	}
	return differences, w.apply(ctx, &target, differences)
}

// guard refuses to remove nodes that run, and asks twice before much goes (a file that was cut off looks like this).
func (w *work) guard(ctx context.Context, old, new *federation.Configuration, differences []federation.Difference, option ApplyOptions) error {
	removed := map[string]int{}
	var names []string
	for _, d := range differences {
		if d.How != federation.Removed {
			continue
		}
		removed[d.Section]++
		if d.Section == federation.SectionNodes {
			names = append(names, d.Key)
		}
	}
	if err := w.refuseLive(ctx, names); err != nil || option.Confirmed || option.DryRun {
		return err
	}
	var much []string
	for _, section := range old.Sections() {
		gone, had := removed[section.Name], len(section.Objects)
		all := section.Name == federation.SectionACL && had > 0 && len(new.ACL) == 0
		if all || had >= 10 && 2*gone > had {
			much = append(much, federation.Refuse("%d of %d %s would be removed.", gone, had, section.Name).Error())
		}
	}
	if len(much) == 0 {
		return nil
	}
	return Unconfirmed(strings.Join(much, " ") + " Nothing was changed; confirm it when that is meant.")
}

// apply writes the differences: settings, then what goes, then what changes, then what comes, so that no key is taken
// when it is needed. References are checked at the end.
func (w *work) apply(ctx context.Context, target *federation.Configuration, differences []federation.Difference) error {
	w.settings = target.Settings
	queue := w.statements(differences)
	for start := 0; start < len(queue); start += batchSize {
		if err := w.send(ctx, queue[start:min(start+batchSize, len(queue))]); err != nil {
			return refuseViolation(err)
		}
	}
	if err := w.saveSettings(ctx, target.Settings); err != nil {
		return err
	}
	for _, d := range differences {
		if d.Section != federation.SectionSettings {
			w.note(d.Kind, d.How, d.Key, wholeFields(d))
		}
	}
	return nil
}

// statements are the differences as SQL, in the order in which they run. All that goes from a section goes at once.
func (w *work) statements(differences []federation.Difference) []statement {
	gone := map[string][]federation.Difference{}
	var changed, added []statement
	for _, d := range differences {
		switch {
		case d.Section == federation.SectionSettings:
		case d.How == federation.Removed:
			gone[d.Section] = append(gone[d.Section], d)
		case d.How == federation.Changed:
			changed = append(changed, sections[d.Section].statement(w, d))
		default:
			added = append(added, sections[d.Section].statement(w, d))
		}
	}
	var removed []statement
	for section, list := range gone {
		removed = append(removed, sections[section].removal(list))
	}
	return slices.Concat(removed, changed, added)
}

// wholeFields are a difference's fields; for what comes or goes, all of its own.
func wholeFields(d federation.Difference) []federation.FieldChange {
	switch d.How {
	case federation.Added:
		return federation.FieldChanges(blank(d.New), d.New)
	case federation.Removed:
		return federation.FieldChanges(d.Old, blank(d.Old))
	}
	return d.Fields
}

func (w *work) send(ctx context.Context, statements []statement) error {
	b := &pgx.Batch{}
	for _, s := range statements {
		b.Queue(s.sql, s.args...)
	}
	return w.tx.SendBatch(ctx, b).Close()
}
