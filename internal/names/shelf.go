package names

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// After a failed look-up the next one waits, twice as long each time.
const (
	leastPause = 2 * time.Second
	mostPause  = 30 * time.Second
)

// A record is what is known about one key.
type record[V any] struct {
	value V
	good  time.Time // when DNS last said so, zero for never
	since time.Time // when the look-up under way, or the last one, began
	busy  bool
	stale bool // the look-up under way began by what holds no more
	slow  bool // the last look-up took as long as nobody waits for
	fails int  // in a row
	err   error
	used  atomic.Int64 // when it was last asked for, in Unix nanoseconds
}

func (r *record[V]) known() bool { return !r.good.IsZero() }

// first reports that the first look-up has not ended.
func (r *record[V]) first() bool { return !r.known() && r.err == nil }

// A shelf is the records of one kind. The book's lock guards it.
type shelf[K comparable, V any] struct {
	book    *Book
	records map[K]*record[V]
	room    chan struct{} // for look-ups at one time
	busy    int
	look    func(ctx context.Context, key K, last V) (V, time.Duration, error)
	same    func(a, b V) bool
	keeps   func(K, *record[V]) bool // whether a record that is due is looked up again; else it is forgotten
	learnt  func(K, *record[V])      // of a first answer or failure, and of every change
	silent  bool                     // failures are not logged
}

// get finds a record, or makes one and begins to look it up.
func (s *shelf[K, V]) get(key K) *record[V] {
	r := s.records[key]
	if r == nil {
		r = &record[V]{}
		s.records[key] = r
		s.begin(key, r)
	}
	return r
}

// begin looks a record up.
func (s *shelf[K, V]) begin(key K, r *record[V]) {
	if s.book.ctx.Err() != nil {
		return
	}
	r.busy, r.stale, r.since = true, false, time.Now()
	s.busy++
	last := r.value
	go func() {
		select {
		case s.room <- struct{}{}:
			defer func() { <-s.room }()
		case <-s.book.ctx.Done():
			return
		}
		v, ttl, err := s.try(key, last)
		s.book.mu.Lock()
		defer s.book.mu.Unlock()
		s.ended(key, r, v, ttl, err)
	}()
}

// try makes one look-up. A fault in it is a failure like another.
func (s *shelf[K, V]) try(key K, last V) (v V, ttl time.Duration, err error) {
	ctx, cancel := context.WithTimeout(s.book.ctx, askLimit)
	defer cancel()
	defer s.book.rescue(&err)
	return s.look(ctx, key, last)
}

func (s *shelf[K, V]) ended(key K, r *record[V], v V, ttl time.Duration, err error) {
	s.busy--
	r.busy, r.slow = false, time.Since(r.since) >= Late
	switch {
	case s.book.ctx.Err() != nil:
		return
	case r.stale:
		s.begin(key, r)
		return
	}
	news := r.first()
	if err == nil {
		news = s.answered(key, r, v) || news
		s.after(key, r, early(ttl))
	} else {
		news = s.failed(key, r, err) || news
		s.after(key, r, pause(r.fails))
	}
	if news {
		s.learnt(key, r)
	}
	s.book.turned()
}

// answered notes what DNS says, and reports whether it says something else than before.
func (s *shelf[K, V]) answered(key K, r *record[V], v V) (differs bool) {
	if r.fails > 0 && !s.silent {
		s.book.log.Info("DNS answers again", "name", key)
	}
	differs = r.fails > 0 || !s.same(v, r.value)
	r.value, r.good, r.fails, r.err = v, time.Now(), 0, nil
	return differs
}

// failed notes a look-up that brought no answer, and reports whether the last good one was held long enough.
func (s *shelf[K, V]) failed(key K, r *record[V], err error) (expired bool) {
	r.fails++
	r.err = err
	if r.fails == 1 && !s.silent {
		s.book.log.Warn("DNS look-up failed", "name", key, "reason", err.Error(), "known", r.known())
	}
	if !r.known() || time.Since(r.good) <= holdFor {
		return false
	}
	if !s.silent {
		s.book.log.Error("DNS look-ups failed for 24 hours; the last answer holds no more", "name", key, "reason", err.Error())
	}
	var nothing V
	r.value, r.good = nothing, time.Time{}
	return true
}

// after sets when the record is due. If it was looked up anew before, that look-up has set another time.
func (s *shelf[K, V]) after(key K, r *record[V], d time.Duration) {
	began := r.since
	time.AfterFunc(d, func() {
		s.book.mu.Lock()
		defer s.book.mu.Unlock()
		if s.records[key] != r || r.since != began {
			return
		}
		if s.keeps(key, r) {
			s.begin(key, r)
			return
		}
		delete(s.records, key)
	})
}

// early is a little before an answer expires, not the same moment for all.
func early(ttl time.Duration) time.Duration {
	ttl = min(max(ttl, leastTTL), mostTTL)
	return ttl - ttl/20 - rand.N(ttl/10)
}

func pause(fails int) time.Duration {
	d := min(leastPause<<min(fails-1, 10), mostPause)
	return d - rand.N(d/4)
}
