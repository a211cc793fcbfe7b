package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

// row is a pointer to a configured thing.
type row[T any] interface {
	*T
	federation.Object
}

// A table is how one section of the configuration is stored: its statements, and what has to be asked before a row goes.
type table[T any, P row[T]] struct {
	section string // as in the document
	kind    string // the word for one

	read   string // SELECT of every field, without WHERE
	byID   string // read, of one id
	byIDs  string // read, of a list of ids
	insert string // RETURNING id; parameters as values gives them
	update string // the same parameters, then the id
	remove string // a list of ids

	id     func(P) *int64
	values func(*work, P) []any
	rows   func(*federation.Configuration) *[]T // nil for users, who are not in snapshots
	taken  func(P) federation.Problem           // the sentence for a key that is there already
	list   list

	// The rest may be nil. allow refuses a row before it is written; follow puts references right after one was renamed;
	// needed refuses to delete what others use.
	allow  func(ctx context.Context, w *work, old, new P) error
	follow func(ctx context.Context, w *work, old, new P) error
	needed func(ctx context.Context, w *work, gone []T) error
}

func (t *table[T, P]) page(ctx context.Context, s *Store, q listing.Query) (listing.Page[T], error) {
	return readPage[T](ctx, s, t.list, t.read, q)
}

func (t *table[T, P]) get(ctx context.Context, s *Store, id int64) (v T, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		v, err = one[T](ctx, tx, t.byID, id)
		return err
	})
	return v, err
}

// save writes one object: field rules first, then the door. It returns what is stored.
func (t *table[T, P]) save(ctx context.Context, s *Store, v T) (T, error) {
	P(&v).Normalize()
	if err := federation.Invalid(P(&v).Problems()).Err(); err != nil {
		return v, err
	}
	saved := v
	err := s.change(ctx, func(ctx context.Context, w *work) error {
		saved = v
		return t.put(ctx, w, &saved)
	})
	if err != nil {
		return v, err
	}
	return saved, nil
}

// put inserts a row without an id, and updates one that has it.
func (t *table[T, P]) put(ctx context.Context, w *work, v P) error {
	if t.rows != nil {
		w.edited = func(c *federation.Configuration) string { return t.moveLast(c, *t.id(v)) }
	}
	var old P
	if id := *t.id(v); id != 0 {
		stored, err := one[T](ctx, w.tx, t.byID, id)
		if err != nil {
			return err
		}
		old = &stored
		if len(federation.FieldChanges(old, v)) == 0 {
			return nil
		}
	}
	if t.allow != nil {
		if err := t.allow(ctx, w, old, v); err != nil {
			return err
		}
	}
	return t.putRow(ctx, w, old, v)
}

func (t *table[T, P]) putRow(ctx context.Context, w *work, old, v P) error {
	var err error
	if old == nil {
		*t.id(v), err = value[int64](ctx, w.tx, t.insert, t.values(w, v)...)
	} else {
		_, err = w.tx.Exec(ctx, t.update, append(t.values(w, v), *t.id(v))...)
	}
	if name := violated(err); name != "" && name == t.list.from+"_key" {
		return federation.Invalid{t.taken(v)}
	}
	if err != nil {
		return refuseViolation(err)
	}
	if old == nil {
		w.note(t.kind, federation.Added, v.Key(), federation.FieldChanges(new(T), v))
		return nil
	}
	w.note(t.kind, federation.Changed, old.Key(), federation.FieldChanges(old, v))
	if t.follow != nil && old.Key() != v.Key() {
		return t.follow(ctx, w, old, v)
	}
	return nil
}

// moveLast puts one row behind the others of its section and returns its place. Of two rows that stand in each other's
// way the rules blame the later one, and whoever saves is to be told by the field in front of them.
func (t *table[T, P]) moveLast(c *federation.Configuration, id int64) string {
	rows := t.rows(c)
	for i := range *rows {
		if *t.id(&(*rows)[i]) == id {
			moved := (*rows)[i]
			*rows = append(slices.Delete(slices.Clone(*rows), i, i+1), moved)
			break
		}
	}
	return at(t.section, len(*rows)-1)
}

func at(section string, i int) string { return fmt.Sprintf("%s[%d]", section, i) }

// delete removes rows, all of them or none.
func (t *table[T, P]) delete(ctx context.Context, s *Store, ids []int64) error {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) == 0 {
		return nil
	}
	return s.change(ctx, func(ctx context.Context, w *work) error {
		gone, err := all[T](ctx, w.tx, t.byIDs, ids)
		if err != nil {
			return err
		}
		if len(gone) != len(ids) {
			return federation.ErrNotFound
		}
		if t.needed != nil {
			if err := t.needed(ctx, w, gone); err != nil {
				return err
			}
		}
		for i := range gone {
			w.note(t.kind, federation.Removed, P(&gone[i]).Key(), federation.FieldChanges(&gone[i], new(T)))
		}
		_, err = w.tx.Exec(ctx, t.remove, ids)
		return err
	})
}

// A statement is what one difference does to the database.
type statement struct {
	sql  string
	args []any
}

// statement adds or changes the row of a difference. The row that is changed was found by its natural key; the old object
// holds its id.
func (t *table[T, P]) statement(w *work, d federation.Difference) statement {
	if d.How == federation.Added {
		return statement{t.insert, t.values(w, d.New.(P))}
	}
	return statement{t.update, append(t.values(w, d.New.(P)), *t.id(d.Old.(P)))}
}

// removal removes the rows of differences.
func (t *table[T, P]) removal(list []federation.Difference) statement {
	ids := make([]int64, len(list))
	for i, d := range list {
		ids[i] = *t.id(d.Old.(P))
	}
	return statement{t.remove, []any{ids}}
}
