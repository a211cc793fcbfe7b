package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
	"isthmus/templates"
)

// A resource is one kind of configured thing with its find-and-list page and its form: all that differs between one
// kind and another. T is the thing, P the pointer to it with the ground's rules.
type resource[T any, P object[T]] struct {
	s      *Server
	path   string     // such as /acl
	one    string     // the word for one of them
	many   string     // the word for several
	title  string     // the page's name in the menu
	change auth.Right // what adding, changing and deleting needs
	lede   string
	empty  string // why the list is empty, and what follows from it
	cols   []templates.Column

	list   func(context.Context, listing.Query) (listing.Page[T], error)
	get    func(context.Context, int64) (T, error)
	save   func(context.Context, T) (T, error)
	remove func(context.Context, []int64) error
	id     func(T) int64

	rows    func(context.Context, []T) ([]templates.Row, error)                             // one row each
	form    func(context.Context, templates.Frame, templates.Form) (templ.Component, error) // draws the form
	page    func(context.Context, templates.Frame, templates.List) (templ.Component, error) // draws the list; nil: the plain one
	prepare func(context.Context, url.Values) error                                         // before reading what was posted; may be nil
	check   func(context.Context, T, url.Values) (federation.Invalid, error)                // what only a form is asked; may be nil
	effects func(context.Context, []T) (effects []string, refused bool, err error)          // of deleting; may be nil
	saved   func(context.Context, T, url.Values) string                                     // what to tell after saving; may be nil

	// A form that adds may change other things, too; both may be nil.
	overtaken func(context.Context, url.Values) (federation.Invalid, error) // what somebody else saved of them since
	saveWith  func(context.Context, T, url.Values) (T, error)               // in place of save
}

// plainRows makes each row from its thing alone.
func plainRows[T any](row func(T) templates.Row) func(context.Context, []T) ([]templates.Row, error) {
	return func(_ context.Context, things []T) ([]templates.Row, error) {
		rows := make([]templates.Row, len(things))
		for i, thing := range things {
			rows[i] = row(thing)
		}
		return rows, nil
	}
}

// object is what a pointer to a configured thing can do.
type object[T any] interface {
	*T
	federation.Object
}

// fresh is a new thing with every default.
func fresh[T any, P object[T]]() T {
	var thing T
	if d, ok := any(P(&thing)).(federation.Defaulter); ok {
		d.Default()
	}
	return thing
}

func (re resource[T, P]) showList(w http.ResponseWriter, r *http.Request) error {
	page, err := re.found(r.Context(), listing.FromURL(r.URL.Query()))
	if err != nil {
		return err
	}
	rows, err := re.rows(r.Context(), page.Items)
	if err != nil {
		return err
	}
	f := re.s.frame(r, re.title, re.path)
	list := listOf(page, rows)
	list.Path, list.One, list.Many, list.Lede, list.Columns, list.Empty = re.path, re.one, re.many, re.lede, re.cols, re.empty
	if may(r, re.change) {
		list.Add, list.Delete = "Add "+article(re.one), true
	}
	if re.page == nil {
		return re.s.render(w, r, http.StatusOK, templates.ListPage(f, list))
	}
	drawn, err := re.page(r.Context(), f, list)
	if err != nil {
		return err
	}
	return re.s.render(w, r, http.StatusOK, drawn)
}

// listOf takes over what the store says of a page of results.
func listOf[T any](p listing.Page[T], rows []templates.Row) templates.List {
	return templates.List{Rows: rows, Query: p.Query, Total: p.Total, All: p.All, First: p.First, Last: p.Last, Pages: p.Pages}
}

func (re resource[T, P]) showNew(w http.ResponseWriter, r *http.Request) error {
	thing := fresh[T, P]()
	values := spread(&thing)
	maps.Copy(values, r.URL.Query()) // a link may fill in what it knows, such as /acl/new?pattern=10.1.20.21
	return re.showForm(w, r, http.StatusOK, templates.Form{Values: values, Again: true})
}

func (re resource[T, P]) showOne(w http.ResponseWriter, r *http.Request) error {
	thing, err := re.oneOf(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	key := P(&thing).Key()
	form := templates.Form{ID: re.id(thing), Key: key, Was: fingerprint(&thing), Values: spread(&thing), ReadOnly: !may(r, re.change), Delete: may(r, re.change)}
	return re.showForm(w, r, http.StatusOK, form)
}

func (re resource[T, P]) showForm(w http.ResponseWriter, r *http.Request, status int, form templates.Form) error {
	form.Path = re.path
	title := "Add " + article(re.one)
	if form.ID != 0 {
		title = capital(re.one) + " " + form.Key
	}
	f := re.s.frame(r, title, re.path)
	drawn, err := re.form(r.Context(), f, form)
	if err != nil {
		return err
	}
	return re.s.render(w, r, status, drawn)
}

func (re resource[T, P]) create(w http.ResponseWriter, r *http.Request) error {
	thing := fresh[T, P]()
	if err := reachOf(r.Context()).away(); err != nil {
		return re.unsaved(w, r, notTried{err}, thing, 0, "")
	}
	if re.overtaken != nil {
		invalid, err := re.overtaken(r.Context(), r.PostForm)
		if unsaved(err) {
			return re.unsaved(w, r, err, thing, 0, "")
		}
		if err != nil {
			return err
		}
		if len(invalid) > 0 {
			return re.showForm(w, r, http.StatusConflict, templates.Form{Values: typed(r.PostForm, &thing), Invalid: invalid, Again: true})
		}
	}
	return re.store(w, r, thing, 0, "")
}

func (re resource[T, P]) update(w http.ResponseWriter, r *http.Request) error {
	if err := reachOf(r.Context()).away(); err != nil {
		return re.unsavedChange(w, r, notTried{err})
	}
	thing, err := re.get(r.Context(), pathID(r))
	if unsaved(err) {
		return re.unsavedChange(w, r, err)
	}
	if err != nil {
		return err
	}
	id, key := re.id(thing), P(&thing).Key()
	if invalid := stale(r.PostForm, P(&thing)); len(invalid) > 0 && !r.PostForm.Has("arrange") {
		form := templates.Form{ID: id, Key: key, Was: fingerprint(&thing), Values: typed(r.PostForm, &thing), Invalid: invalid, Delete: true}
		return re.showForm(w, r, http.StatusConflict, form)
	}
	return re.store(w, r, thing, id, key)
}

// store reads what was posted into the thing and saves it. Wrong input comes back as it was typed, and so does a form whose
// buttons asked for another arrangement of its lists, which saves nothing.
func (re resource[T, P]) store(w http.ResponseWriter, r *http.Request, thing T, id int64, key string) error {
	posted := r.PostForm
	if re.prepare != nil {
		err := re.prepare(r.Context(), posted)
		if unsaved(err) {
			return re.unsaved(w, r, err, thing, id, key)
		}
		if err != nil {
			return err
		}
	}
	if posted.Has("arrange") {
		form := templates.Form{ID: id, Key: key, Was: posted.Get("was"), Values: typed(posted, P(&thing)), Arranged: true, Again: id == 0, Delete: id != 0}
		return re.showForm(w, r, http.StatusOK, form)
	}
	saved, err := re.accept(r.Context(), posted, thing)
	err = asInvalid(err, "")
	var invalid federation.Invalid
	if errors.As(err, &invalid) {
		form := templates.Form{ID: id, Key: key, Was: posted.Get("was"), Values: typed(posted, P(&thing)), Invalid: invalid, Again: id == 0, Delete: id != 0}
		return re.showForm(w, r, http.StatusUnprocessableEntity, form)
	}
	if unsaved(err) {
		return re.unsaved(w, r, err, thing, id, key)
	}
	to, text := re.path, "Saved."
	if posted.Has("again") {
		to += "/new"
	}
	if err == nil && re.saved != nil {
		text = strings.TrimSpace(text + " " + re.saved(r.Context(), saved, posted))
	}
	return re.s.done(w, r, err, to, text)
}

func (re resource[T, P]) accept(ctx context.Context, posted url.Values, thing T) (T, error) {
	p := P(&thing)
	if invalid := fill(posted, p); len(invalid) > 0 {
		p.Normalize()
		return thing, withRules(invalid, p)
	}
	p.Normalize()
	if re.check != nil {
		invalid, err := re.check(ctx, thing, posted)
		if err == nil && len(invalid) > 0 {
			err = withRules(invalid, p)
		}
		if err != nil {
			return thing, err
		}
	}
	if re.saveWith != nil {
		return re.saveWith(ctx, thing, posted)
	}
	return re.save(ctx, thing)
}

// pathID is the {id} of the path; 0, which nothing has, when it is too long for a number.
func pathID(r *http.Request) int64 {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// counted is a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// article is "an incoming ACL entry", "a static route".
func article(one string) string {
	if strings.ContainsRune("aeio", rune(one[0])) {
		return "an " + one
	}
	return "a " + one
}
