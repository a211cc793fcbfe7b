package names

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of the book.
const (
	keptLookups = 64   // under way for names that it was told to keep
	peerLookups = 128  // under way for addresses of peers
	maxPeers    = 4096 // addresses remembered
	changePause = 50 * time.Millisecond
	usedFor     = 24 * time.Hour // an address that nobody asked about for so long is forgotten
)

// Late is how long a peer's first look-up may take before the answer is no.
const Late = 2 * time.Second

// Config is what a Book is made of. Ask is required.
type Config struct {
	Ask    Ask
	Log    *slog.Logger    // nil: nothing is logged
	Random func(n int) int // draws from 0 to n-1 among targets of one priority; nil: a random number
}

// A Wanted is the names that a book is told to keep.
type Wanted struct {
	ACL      []string // whose addresses, and whose peers, the incoming ACL admits
	Hosts    []string // next hops with a port
	Services []string // next hops without: _sips._tcp.pool.synergy.com
}

// A Book keeps what DNS says. Its methods may be called from any goroutine, and but for Await and Hop none waits.
type Book struct {
	config Config
	log    *slog.Logger
	ctx    context.Context
	close  context.CancelFunc

	mu        sync.RWMutex
	wanted    Wanted
	acl, kept map[string]bool // the names of the ACL, and all that are kept with hosts and services
	hosts     shelf[string, host]
	services  shelf[string, []target]
	peers     shelf[netip.Addr, []string]
	byAddress map[netip.Addr][]string // names of the ACL by the addresses that they have
	waitsFrom time.Time               // since when a name of the ACL waits for its first answer, zero when none does
	unsaid    State                   // Overdue or Failed while DNS says nothing of a name of the ACL, else Settled
	turn      chan struct{}           // closed and replaced at the end of every look-up
	changed   func()
	telling   bool
}

// New makes a book that keeps nothing yet. Close ends its look-ups.
func New(c Config) *Book {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	b := &Book{config: c, log: c.Log, turn: make(chan struct{}), changed: func() {}}
	b.config.Ask = b.rescued(c.Ask)
	b.ctx, b.close = context.WithCancel(context.Background())
	kept := make(chan struct{}, keptLookups)
	b.hosts = shelf[string, host]{
		book: b, records: map[string]*record[host]{}, room: kept, look: b.config.Ask.lookUpHost, same: sameHost,
		keeps:  func(name string, _ *record[host]) bool { return b.kept[name] },
		learnt: b.learntHost,
	}
	b.services = shelf[string, []target]{
		book: b, records: map[string]*record[[]target]{}, room: kept, look: b.config.Ask.lookUpService,
		same:   func(a, b []target) bool { return slices.EqualFunc(a, b, sameTarget) },
		keeps:  func(name string, _ *record[[]target]) bool { return b.kept[name] },
		learnt: func(string, *record[[]target]) { b.tell() },
	}
	b.peers = shelf[netip.Addr, []string]{
		book: b, records: map[netip.Addr]*record[[]string]{}, room: make(chan struct{}, peerLookups), look: b.lookUpPeer,
		same: slices.Equal[[]string], keeps: keepsPeer, learnt: func(netip.Addr, *record[[]string]) { b.tell() }, silent: true,
	}
	return b
}

// rescued makes a fault in a question a failure. Questions are asked in goroutines of their own, where no fault of one can
// be caught further out.
func (b *Book) rescued(ask Ask) Ask {
	return func(ctx context.Context, name string, recordType uint16) (a Answer, err error) {
		defer b.rescue(&err)
		return ask(ctx, name, recordType)
	}
}

// rescue is deferred where a fault is to end a look-up and nothing else.
func (b *Book) rescue(err *error) {
	if panicked := recover(); panicked != nil {
		b.log.Error("a fault inside Isthmus; this DNS look-up is lost, the others go on", "reason", fmt.Sprint(panicked), "stack", string(debug.Stack()))
		*err = fmt.Errorf("a fault inside Isthmus: %v", panicked)
	}
}

// Close ends the look-ups. What is known stays.
func (b *Book) Close() { b.close() }

// OnChange has f called soon after the answers changed, often once for several. f may ask the book.
func (b *Book) OnChange(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed = f
}

// Keep tells the book what to keep from now on. New names are looked up at once.
func (b *Book) Keep(w Wanted) {
	w.ACL = slices.Compact(slices.Sorted(slices.Values(w.ACL)))
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.wanted
	b.wanted, b.acl, b.kept = w, set(w.ACL), set(w.ACL, w.Hosts, w.Services)
	drop(&b.hosts, b.kept)
	drop(&b.services, b.kept)
	for _, name := range slices.Concat(w.ACL, w.Hosts) {
		b.hosts.get(name)
	}
	for _, name := range w.Services {
		b.services.get(name)
	}
	if !slices.Equal(before.ACL, w.ACL) {
		b.renewPeers()
		b.index()
	}
}

// drop forgets what is kept no more.
func drop[V any](s *shelf[string, V], kept map[string]bool) {
	maps.DeleteFunc(s.records, func(key string, _ *record[V]) bool { return !kept[key] })
}

func set(lists ...[]string) map[string]bool {
	m := map[string]bool{}
	for _, name := range slices.Concat(lists...) {
		m[name] = true
	}
	return m
}

// renewPeers looks up anew what other names of the ACL may change. Who had no name is asked for again only when he comes.
func (b *Book) renewPeers() {
	for addr, r := range b.peers.records {
		switch {
		case len(b.wanted.ACL) == 0 || !r.busy && len(r.value) == 0:
			delete(b.peers.records, addr)
		case r.busy:
			r.stale = true
		default:
			b.peers.begin(addr, r)
		}
	}
}

func (b *Book) lookUpPeer(ctx context.Context, addr netip.Addr, last []string) ([]string, time.Duration, error) {
	b.mu.RLock()
	entries := b.wanted.ACL
	b.mu.RUnlock()
	return b.config.Ask.lookUpPeer(ctx, addr, func(name string) bool {
		return slices.ContainsFunc(entries, func(entry string) bool { return under(name, entry) })
	}, last)
}

// under reports whether a name is another or lies under it, on a label's border: barfoo.com is not under foo.com. Both are
// canonical.
func under(name, above string) bool {
	return name == above || strings.HasSuffix(name, "."+above)
}

// keepsPeer: who has a name is looked up again as long as he comes; who has none, when he comes again.
func keepsPeer(_ netip.Addr, r *record[[]string]) bool {
	return len(r.value) > 0 && time.Since(time.Unix(0, r.used.Load())) < usedFor
}

func (b *Book) learntHost(name string, _ *record[host]) {
	if b.acl[name] {
		b.index()
	}
	b.tell()
}

// index notes which names the addresses have.
func (b *Book) index() {
	b.byAddress, b.waitsFrom, b.unsaid = map[netip.Addr][]string{}, time.Time{}, Settled
	for _, name := range b.wanted.ACL {
		r := b.hosts.records[name]
		switch {
		case r.first():
			b.waitsFrom = earlier(b.waitsFrom, r.since)
		case !r.known() && b.unsaid != Overdue:
			b.unsaid = r.failure()
		}
		for _, a := range r.value.addrs() {
			b.byAddress[a] = append(b.byAddress[a], name)
		}
	}
}

// earlier is the earlier of two times; the zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// turned wakes who waits for an answer.
func (b *Book) turned() {
	close(b.turn)
	b.turn = make(chan struct{})
}

// tell calls changed soon, once for what happens until then.
func (b *Book) tell() {
	if b.telling {
		return
	}
	b.telling = true
	time.AfterFunc(changePause, func() {
		b.mu.Lock()
		b.telling = false
		f := b.changed
		b.mu.Unlock()
		f()
	})
}

func sameHost(a, b host) bool {
	return slices.Equal(a.four.addrs, b.four.addrs) && slices.Equal(a.six.addrs, b.six.addrs)
}

func sameTarget(a, b target) bool {
	return a.name == b.name && a.port == b.port && a.priority == b.priority && a.weight == b.weight && sameHost(a.host, b.host)
}
