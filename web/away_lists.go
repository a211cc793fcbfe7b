package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
	"isthmus/templates"
)

// heldOf are the things of one kind that a snapshot holds; ok is false for a kind that no snapshot has, such as users.
func heldOf[T any](c *federation.Configuration) (things []T, ok bool) {
	for _, list := range []any{c.Domains, c.Nodes, c.StaticRoutes, c.ACL, c.TLSPeerSubjects, c.TLSContexts, c.Listeners, c.FederatedDomains} {
		if things, ok = list.([]T); ok {
			return things, true
		}
	}
	return nil, false
}

// held are the things of the resource's kind in what is in force here, for an error that says that the database is away;
// any other error comes back, and so does that one when nothing can stand in.
func (re resource[T, P]) held(ctx context.Context, err error) ([]T, error) {
	v := reachOf(ctx)
	v.miss(err)
	if v.away() == nil {
		return nil, err
	}
	snapshot, _, ok := re.s.inForce()
	if !ok {
		return nil, err
	}
	things, ok := heldOf[T](&snapshot.Configuration)
	if !ok {
		return nil, err
	}
	return things, nil
}

// found is a page of the list.
func (re resource[T, P]) found(ctx context.Context, q listing.Query) (listing.Page[T], error) {
	page, err := re.list(ctx, q)
	if err == nil {
		return page, nil
	}
	things, err := re.held(ctx, err)
	if err != nil {
		return page, err
	}
	return re.inMemory(q.Normalized(), things), nil
}

// oneOf is the thing of an id.
func (re resource[T, P]) oneOf(ctx context.Context, id int64) (T, error) {
	thing, err := re.get(ctx, id)
	if err == nil {
		return thing, nil
	}
	things, err := re.held(ctx, err)
	if err != nil {
		return thing, err
	}
	for _, held := range things {
		if re.id(held) == id {
			return held, nil
		}
	}
	return thing, federation.ErrNotFound
}

// unsaved is a form whose change the database did not take, as it was typed: it can be sent again.
func (re resource[T, P]) unsaved(w http.ResponseWriter, r *http.Request, err error, thing T, id int64, key string) error {
	return re.s.giveBack(r, err, func(r *http.Request, status int, why federation.Invalid) error {
		return re.showForm(w, r, status, templates.Form{ID: id, Key: key, Was: r.PostForm.Get("was"), Values: typed(r.PostForm, P(&thing)),
			Invalid: why, Again: id == 0})
	})
}

// unsavedChange is the same for a thing that the database cannot be asked for. One of a kind that no snapshot has is called
// what was typed.
func (re resource[T, P]) unsavedChange(w http.ResponseWriter, r *http.Request, err error) error {
	reachOf(r.Context()).draw(err)
	if _, ok := heldOf[T](&federation.Configuration{}); !ok {
		thing := fresh[T, P]()
		fill(r.PostForm, P(&thing)) // what cannot be read stays in the form as it was typed
		return re.unsaved(w, r, err, thing, pathID(r), P(&thing).Key())
	}
	things, _ := re.held(r.Context(), err)
	for _, thing := range things {
		if re.id(thing) == pathID(r) {
			return re.unsaved(w, r, err, thing, re.id(thing), P(&thing).Key())
		}
	}
	return err
}

// inMemory finds and sorts things as the database does: by what is asked for or else by the list's first column, and then
// in the order in which they were added.
func (re resource[T, P]) inMemory(asked listing.Query, things []T) listing.Page[T] {
	q, fields := asked, fieldsOf[T, P](asked)
	if fields[q.Sort] == nil {
		q.Sort, q.Desc = re.cols[0].Name, false
	}
	things = slices.SortedFunc(slices.Values(things), func(a, b T) int {
		if q.Desc {
			a, b = b, a
		}
		return cmp.Compare(re.id(a), re.id(b))
	})
	page := listing.In(q, things, fields)
	page.Query = asked.WithPage(page.Query.Page)
	return page
}

// fieldsOf are what things can be found and sorted by, each by its name in the document as in the database. What is on or
// off is found only when its field is named.
func fieldsOf[T any, P object[T]](q listing.Query) listing.Fields[T] {
	fields := listing.Fields[T]{}
	for i, field := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		text := func(one T) string { return searched(reflect.ValueOf(one).Field(i)) }
		switch {
		case name == "" || name == "-":
		case field.Type.Kind() != reflect.Bool, q.Field == name:
			fields[name] = text
		case q.Sort == name: // in an order that no text finds
			fields[name] = func(one T) string { return map[string]string{"no": "\x01", "yes": "\x02"}[text(one)] }
		}
	}
	if _, ok := any(P(nil)).(interface{ Domain() string }); ok {
		fields["domain"] = func(one T) string { return any(P(&one)).(interface{ Domain() string }).Domain() }
	}
	return fields
}

// searched is a field as the database finds it.
func searched(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case string:
		return x
	case bool:
		return map[bool]string{true: "yes", false: "no"}[x]
	case []string:
		return strings.Join(x, ", ")
	default:
		return fmt.Sprint(x)
	}
}
