package web

import (
	"context"
	"sync"
	"time"

	"isthmus/internal/auth"
)

// While the database is away, a session counts that it vouched for in the last while, for looking only. Each use counts as
// that again, until the session is as old as any may become: whoever looks on stays signed in. What nobody can know in that
// time is that the session was ended elsewhere; the database says so with its first word.
const vouched = 15 * time.Minute

// maxRemembered bounds the memory. There are a handful of administrators, but a script may sign in for every request.
const maxRemembered = 1024

// A remembered session is one that the database vouched for.
type remembered struct {
	auth.Session
	until time.Time
}

// sessionMemory is what this process knows of sessions without the database. Its zero value is ready.
type sessionMemory struct {
	mu    sync.Mutex
	byID  map[string]remembered // by the id's hash
	ended map[string]time.Time  // by the id's hash: signed out here, and when; the database does not know it yet
}

// keep takes a session that the database just vouched for.
func (m *sessionMemory) keep(session auth.Session, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byID == nil {
		m.byID = map[string]remembered{}
	}
	if len(m.byID) >= maxRemembered {
		m.drop(now)
	}
	m.byID[string(session.IDHash)] = remembered{session, now.Add(vouched)}
}

// drop forgets what has run out, and when that is nothing, everything: those are signed in as long as the database answers.
func (m *sessionMemory) drop(now time.Time) {
	for id, r := range m.byID {
		if !now.Before(r.until) {
			delete(m.byID, id)
		}
	}
	if len(m.byID) >= maxRemembered {
		clear(m.byID)
	}
}

// find is the session of an id's hash, as the database had it.
func (m *sessionMemory) find(hash []byte, now time.Time) (auth.Session, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.byID[string(hash)]
	if !ok || !now.Before(r.until) || !now.Before(r.CreatedAt.Add(auth.SessionAbsolute)) {
		delete(m.byID, string(hash))
		return auth.Session{}, false
	}
	r.until = now.Add(vouched)
	m.byID[string(hash)] = r
	return r.Session, true
}

func (m *sessionMemory) forget(hash []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byID, string(hash))
}

// end is a session that was signed out while the database could not be told. It is told when it answers; a process that
// ends before forgets it, and then the session ends by itself, without anybody who has its cookie.
func (m *sessionMemory) end(hash []byte, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byID, string(hash))
	if m.ended == nil {
		m.ended = map[string]time.Time{}
	}
	m.ended[string(hash)] = now
}

// hasEnded reports whether a session was signed out here.
func (m *sessionMemory) hasEnded(hash []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ended := m.ended[string(hash)]
	return ended
}

// tell ends in the database what was signed out while it could not be told. What fails is told with the next session.
func (m *sessionMemory) tell(ctx context.Context, deleteSession func(context.Context, []byte) error, now time.Time) {
	m.mu.Lock()
	var waiting []string
	for id, at := range m.ended {
		if now.Sub(at) > auth.SessionAbsolute { // ended by itself
			delete(m.ended, id)
			continue
		}
		waiting = append(waiting, id)
	}
	m.mu.Unlock()
	for _, id := range waiting {
		if deleteSession(ctx, []byte(id)) != nil {
			return
		}
		m.mu.Lock()
		delete(m.ended, id)
		m.mu.Unlock()
	}
}
