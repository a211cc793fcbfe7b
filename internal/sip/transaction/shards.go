package transaction

import (
	"hash/maphash"
	"sync"
)

const shardCount = 64

// shards is a map cut in pieces with a lock each, so that connections handled at the same time seldom wait for each other.
type shards[T comparable] struct {
	seed   maphash.Seed
	pieces [shardCount]shard[T]
}

type shard[T comparable] struct {
	sync.Mutex
	entries map[string]T
}

func (s *shards[T]) init() {
	s.seed = maphash.MakeSeed()
	for i := range s.pieces {
		s.pieces[i].entries = make(map[string]T)
	}
}

func (s *shards[T]) piece(key []byte) *shard[T] {
	return &s.pieces[maphash.Bytes(s.seed, key)%shardCount]
}

// get returns the zero value when nothing has the key.
func (s *shards[T]) get(key []byte) T {
	p := s.piece(key)
	p.Lock()
	defer p.Unlock()
	return p.entries[string(key)]
}

// getOrAdd returns what has the key, else adds what create returns.
func (s *shards[T]) getOrAdd(key []byte, create func(key string) T) (value T, added bool) {
	p := s.piece(key)
	p.Lock()
	defer p.Unlock()
	if value, ok := p.entries[string(key)]; ok {
		return value, false
	}
	own := string(key)
	value = create(own)
	p.entries[own] = value
	return value, true
}

// put takes the key over from whatever had it.
func (s *shards[T]) put(key string, value T) {
	p := s.piece([]byte(key))
	p.Lock()
	defer p.Unlock()
	p.entries[key] = value
}

// drop removes value, unless another one took its key over.
func (s *shards[T]) drop(key string, value T) {
	p := s.piece([]byte(key))
	p.Lock()
	defer p.Unlock()
	if p.entries[key] == value {
		delete(p.entries, key)
	}
}

func (s *shards[T]) len() int {
	n := 0
	for i := range s.pieces {
		s.pieces[i].Lock()
		n += len(s.pieces[i].entries)
		s.pieces[i].Unlock()
	}
	return n
}
