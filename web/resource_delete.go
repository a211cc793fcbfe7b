package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"isthmus/internal/federation"
	"isthmus/templates"
)

// askDelete names what would go and what follows from it.
func (re resource[T, P]) askDelete(w http.ResponseWriter, r *http.Request) error {
	things, err := re.selected(r.Context(), r.URL.Query()["id"])
	if err != nil {
		return err
	}
	rows, err := re.rows(r.Context(), things)
	if err != nil {
		return err
	}
	d := templates.Deletion{Path: re.path, Verb: "Delete " + counted(len(things), re.one, re.many), Named: rows}
	if re.effects != nil {
		if d.Effects, d.Refused, err = re.effects(r.Context(), things); err != nil {
			return err
		}
	}
	return re.s.render(w, r, http.StatusOK, templates.DeletePage(re.s.frame(r, d.Verb, re.path), d))
}

func (re resource[T, P]) delete(w http.ResponseWriter, r *http.Request) error {
	things, err := re.selected(r.Context(), r.PostForm["id"])
	if err != nil {
		return err
	}
	if re.effects != nil {
		effects, refused, err := re.effects(r.Context(), things)
		if err != nil {
			return err
		}
		if refused {
			return federation.Refuse("%s", strings.Join(effects, " "))
		}
	}
	ids := make([]int64, len(things))
	for i, thing := range things {
		ids[i] = re.id(thing)
	}
	err = re.remove(r.Context(), ids)
	return re.s.done(w, r, err, re.path, "Deleted "+counted(len(ids), re.one, re.many)+".")
}

// selected reads what the ids name. An id that is none of ours is as good as one that is gone.
func (re resource[T, P]) selected(ctx context.Context, ids []string) ([]T, error) {
	if len(ids) == 0 {
		return nil, federation.Refuse("Nothing was selected. Tick at least one of the %s first.", re.many)
	}
	var things []T
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	for _, text := range ids {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, federation.ErrNotFound
		}
		thing, err := re.get(ctx, id)
		if err != nil {
			return nil, err
		}
		things = append(things, thing)
	}
	return things, nil
}
