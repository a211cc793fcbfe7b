package node

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"isthmus/internal/federation"
)

// Users are the routing facts of all users, held in memory: no message waits for the database, and routing survives
// without it. It answers while it is being changed.
type Users struct{ table atomic.Pointer[table] }

// NewUsers knows nobody yet.
func NewUsers() *Users {
	u := &Users{}
	u.table.Store(newTable(0))
	return u
}

// ByAddress finds a user by IM address, lower case.
func (u *Users) ByAddress(address string) (federation.UserFact, bool) {
	t := u.table.Load()
	return t.find(&t.byAddress, address)
}

// ByMicrosoftAddress finds a user by Microsoft address, lower case.
func (u *Users) ByMicrosoftAddress(address string) (federation.UserFact, bool) {
	t := u.table.Load()
	return t.find(&t.byMicrosoft, address)
}

// Len is the number of users.
func (u *Users) Len() int { return u.table.Load().len() }

// All are the facts of every user, in no order.
func (u *Users) All() []federation.UserFact { return u.table.Load().all() }

// Replace makes facts all that is known.
func (u *Users) Replace(facts []federation.UserFact) {
	t := newTable(len(facts))
	t.change(facts, nil)
	u.table.Store(t)
}

// batch is how many facts are changed while readers wait; it keeps their wait under a millisecond.
const batch = 256

// Change puts facts in the place of what was known of the same users, and forgets those that are gone.
func (u *Users) Change(facts []federation.UserFact, gone []string) {
	t := u.table.Load()
	for part := range slices.Chunk(gone, batch) {
		t.change(nil, part)
	}
	for part := range slices.Chunk(facts, batch) {
		t.change(part, nil)
	}
}

// A table holds users in rows and finds them by three keys. A row keeps one text for all of a user's values, and the
// keys are parts of it, so that a hundred thousand users cost some tens of megabytes.
type table struct {
	mu          sync.RWMutex
	rows        []row
	free        []uint32 // rows of users that are gone
	nodes       []string // names of home nodes, of which there are few
	byID        map[string]uint32
	byAddress   index
	byMicrosoft index
}

// A row is one user: id, IM address and Microsoft address in one text.
type row struct {
	text     string
	id       uint16 // octets of the id
	address  uint16 // octets of the IM address
	node     uint16 // place in nodes
	licensed bool
}

func (r row) parts() (id, address, microsoft string) {
	end := int(r.id) + int(r.address)
	return r.text[:r.id], r.text[r.id:end], r.text[end:]
}

func newTable(size int) *table {
	return &table{
		rows: make([]row, 0, size), nodes: []string{""}, byID: make(map[string]uint32, size),
		byAddress: newIndex(size), byMicrosoft: newIndex(0),
	}
}

func (t *table) find(by *index, key string) (federation.UserFact, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	at, ok := by.first[key]
	if !ok {
		return federation.UserFact{}, false
	}
	return t.fact(t.rows[at]), true
}

func (t *table) fact(r row) federation.UserFact {
	id, address, microsoft := r.parts()
	return federation.UserFact{UserID: id, Address: address, MicrosoftAddress: microsoft, Node: t.nodes[r.node], Licensed: r.licensed}
}

func (t *table) len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.byID)
}

func (t *table) all() []federation.UserFact {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := make([]federation.UserFact, 0, len(t.byID))
	for _, at := range t.byID {
		list = append(list, t.fact(t.rows[at]))
	}
	return list
}

func (t *table) change(facts []federation.UserFact, gone []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range gone {
		t.remove(id)
	}
	for _, f := range facts {
		t.remove(f.UserID)
		t.add(f)
	}
}

func (t *table) add(f federation.UserFact) {
	r := row{
		text: f.UserID + f.Address + f.MicrosoftAddress, id: uint16(len(f.UserID)), address: uint16(len(f.Address)),
		node: t.nodeAt(f.Node), licensed: f.Licensed,
	}
	at := t.place(r)
	id, address, microsoft := r.parts()
	t.byID[strings.ToLower(id)] = at
	t.byAddress.add(address, at)
	t.byMicrosoft.add(microsoft, at)
}

// place puts the row where another is gone, else at the end.
func (t *table) place(r row) uint32 {
	if n := len(t.free); n > 0 {
		at := t.free[n-1]
		t.free, t.rows[at] = t.free[:n-1], r
		return at
	}
	t.rows = append(t.rows, r)
	return uint32(len(t.rows) - 1)
}

func (t *table) remove(id string) {
	// Ids are compared without case (federation.User.Key): a user who is spelt anew is the same one.
	key := strings.ToLower(id)
	at, ok := t.byID[key]
	if !ok {
		return
	}
	_, address, microsoft := t.rows[at].parts()
	delete(t.byID, key)
	t.byAddress.remove(address, at)
	t.byMicrosoft.remove(microsoft, at)
	t.rows[at], t.free = row{}, append(t.free, at)
}

func (t *table) nodeAt(name string) uint16 {
	if at := slices.Index(t.nodes, name); at >= 0 {
		return uint16(at)
	}
	t.nodes = append(t.nodes, name)
	return uint16(len(t.nodes) - 1)
}

// An index finds rows by a key that is meant to be one user's alone. Where several have it, as while an address moves
// from one to another, each is remembered, so that the one who is left is found.
type index struct {
	first map[string]uint32
	more  map[string][]uint32
}

func newIndex(size int) index {
	return index{first: make(map[string]uint32, size), more: map[string][]uint32{}}
}

func (x *index) add(key string, at uint32) {
	if key == "" {
		return
	}
	if _, taken := x.first[key]; taken {
		x.more[key] = append(x.more[key], at)
		return
	}
	x.first[key] = at
}

func (x *index) remove(key string, at uint32) {
	if key == "" {
		return
	}
	rest := x.more[key]
	if x.first[key] == at {
		delete(x.first, key) // the key is part of the row that goes
		if len(rest) == 0 {
			return
		}
		x.first[key], rest = rest[0], rest[1:]
	} else if i := slices.Index(rest, at); i >= 0 {
		rest = slices.Delete(rest, i, i+1)
	}
	delete(x.more, key)
	if len(rest) > 0 {
		x.more[key] = rest
	}
}
