package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/store"
	"isthmus/templates"
)

// How long a page waits for the first word of the database. What comes later comes from memory, which is better than a
// reader who waits.
const (
	firstWord = 3 * time.Second
	shortWord = time.Second // once it was silent: the breaker of the store counts what took this long
)

// A reach is how one request finds the database. It is safe for concurrent use.
type reach struct {
	changing bool // the request changes something, so nothing old may stand in for what is stored

	mu       sync.Mutex
	lost     error // why the database does not answer, nil while it does
	standing store.Standing
}

// reachOf is the reach of a request's context. One that is none of a request has a reach of its own, of a database that
// answers.
func reachOf(ctx context.Context) *reach {
	if v, ok := ctx.Value(keyReach).(*reach); ok {
		return v
	}
	return &reach{}
}

// miss notes that the database did not answer, and leaves the rest of the request without it.
func (v *reach) miss(err error) {
	if errors.Is(err, store.ErrUnavailable) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.lost = cmp.Or(v.lost, err) // what follows was not even asked
	}
}

// away is why the database does not answer, nil while it does.
func (v *reach) away() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lost
}

func (v *reach) onlyRead() bool { return v.stands().ReadOnly }

func (v *reach) stands() store.Standing {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.standing
}

// draw is for a form that comes back because nothing can be saved: from here on the request only shows something.
func (v *reach) draw(err error) {
	v.miss(err)
	v.changing = false
}

// writable reports whether anything can be written to the database.
func (v *reach) writable() bool { return v.away() == nil && !v.onlyRead() }

// savable reports whether the database takes changes of the configuration.
func (v *reach) savable() bool { return v.writable() && !v.stands().Held }

// unsavable is why nothing can be changed on the way that leads to a form.
func (v *reach) unsavable() error {
	if err := v.away(); err != nil {
		return err
	}
	if v.onlyRead() {
		return &store.Failure{Sentence: store.ErrReadOnly, Cause: errors.New("the form was not drawn")}
	}
	if v.stands().Held {
		return federation.Refuse("The database went back, as after a restore, so nothing can be changed. Accept that on the page Pending actions first, or restore a newer backup.")
	}
	return nil
}

// regard asks the database how it stands, for a page of somebody who is signed in.
func (s *Server) regard(ctx context.Context) {
	v := reachOf(ctx)
	if v.away() != nil {
		return
	}
	within, cancel := context.WithTimeout(ctx, s.patience())
	defer cancel()
	standing, err := s.store.Standing(within)
	s.heard(err)
	v.miss(err)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.standing = standing
}

// patience is how long the first question to the database may take.
func (s *Server) patience() time.Duration {
	if s.silent.Load() || s.Health != nil && !answers(s.Health().Database) {
		return shortWord
	}
	return firstWord
}

// heard notes whether the database answered, for the patience of the next request.
func (s *Server) heard(err error) { s.silent.Store(errors.Is(err, store.ErrUnavailable)) }

// withoutDatabase is a request whose further questions to the database are answered at once, that it is away. The
// request itself goes on.
func withoutDatabase(r *http.Request) (*http.Request, context.CancelFunc) {
	ctx, cancel := context.WithDeadline(r.Context(), time.Unix(0, 0))
	return r.WithContext(ctx), cancel
}

// inForce is what this node has in force and when it was read, or what was read for pages last where none runs here.
func (s *Server) inForce() (federation.Snapshot, time.Time, bool) {
	if s.Latest != nil {
		if snapshot, at, ok := s.Latest(); ok {
			clip(&snapshot.Configuration)
			return snapshot, at, true
		}
	}
	return s.kept.last()
}

// awayNotice is the banner of every page while the database does not answer.
func (s *Server) awayNotice(why error) *templates.Notice {
	n := &templates.Notice{Mark: templates.Down, Strong: howAway(why) + "."}
	snapshot, at, ok := s.inForce()
	reports := ""
	if _, last := s.reports.last(); len(snapshot.Nodes) > 1 && !last.IsZero() {
		reports = ", with what other nodes reported at " + templates.Clock(last, s.Now())
	}
	if !ok {
		n.Text = "No configuration is known here, so this node takes no traffic and nothing can be shown or saved until the database answers." + toMend(why)
		return n
	}
	n.Text = fmt.Sprintf("Shown is revision %d of %s%s. Nothing can be saved until it is back; traffic goes on.", snapshot.Revision, templates.Clock(at, s.Now()), reports) + toMend(why)
	return n
}

var readOnlyNotice = templates.Notice{Mark: templates.Part, Strong: "The database can be read only.",
	Text: "Nothing can be saved until it is writable again, or Isthmus is pointed to the primary server; traffic goes on."}

// onlyReadNotice is the banner of every page while the database can be read only. Nodes cannot report then, so what it has
// of them grows old.
func (s *Server) onlyReadNotice() *templates.Notice {
	n := readOnlyNotice
	list, _ := s.reports.last()
	if newest := newestOf(list); !newest.IsZero() && s.Now().Sub(newest) > silentAfter {
		n.Text = "Nodes cannot report either: what pages show of them is of " + newest.In(s.Now().Location()).Format(time.TimeOnly) + ", and how they are since is not known. " + n.Text
	}
	return &n
}

// outage is the banner that goes before every other, nil while the database takes changes.
func (s *Server) outage(r *http.Request) *templates.Notice {
	v := reachOf(r.Context())
	switch err := v.away(); {
	case !looking(r): // its answer says so itself
		return nil
	case err != nil:
		return s.awayNotice(err)
	case v.onlyRead():
		return s.onlyReadNotice()
	}
	return nil
}

// A recent list is one of the database's own that was read last, for pages while it is away. Its zero value is ready.
type recent[T any] struct {
	mu   sync.Mutex
	list []T
	read bool
}

// recall reads a list, or finds what was read last when the database is away.
func (m *recent[T]) recall(ctx context.Context, read func(context.Context) ([]T, error)) ([]T, error) {
	v := reachOf(ctx)
	list, err := read(ctx)
	v.miss(err)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.list, m.read = list, true
		return list, nil
	}
	if v.away() != nil && !v.changing && m.read {
		return slices.Clone(m.list), nil
	}
	return list, err
}

// recentLists are the lists that pages recall.
type recentLists struct {
	peers      recent[federation.PeerCertificate]
	handshakes recent[federation.NodeStatus]
	requests   recent[federation.CertificateRequest]
}

func (s *Server) peerCertificates(ctx context.Context) ([]federation.PeerCertificate, error) {
	return s.lists.peers.recall(ctx, s.store.PeerCertificates)
}

func (s *Server) requests(ctx context.Context) ([]federation.CertificateRequest, error) {
	return s.lists.requests.recall(ctx, s.store.Requests)
}

// knownPeers are the certificates that peers were seen with, none while nobody knows.
func (s *Server) knownPeers(ctx context.Context) ([]federation.PeerCertificate, error) {
	peers, err := s.peerCertificates(ctx)
	if reachOf(ctx).away() != nil {
		return peers, nil
	}
	return peers, err
}

func (s *Server) handshakes(ctx context.Context) ([]federation.NodeStatus, error) {
	return s.lists.handshakes.recall(ctx, s.store.NodeHandshakes)
}

// reported are the last reports of all nodes, and the time by which to judge them: while the database is away that of the
// last word, since nobody can tell who fell silent after it.
func (s *Server) reported(ctx context.Context) ([]federation.NodeStatus, time.Time, error) {
	list, asOf, err := s.statuses(ctx)
	reachOf(ctx).miss(err)
	return list, cmp.Or(asOf, s.Now()), err
}
