package transaction

import (
	"bytes"
	"hash/maphash"
	"sync"
)

const shardCount = 64

// shards find transactions by their keys, in pieces with a lock each, so that connections handled at the same time seldom
// wait for each other. A transaction carries its key and its place in a piece, as a map would have to be given a copy of the
// key.
type shards[T any, P linked[T]] struct {
	seed   maphash.Seed
	pieces [shardCount]shard[T, P]
}

// linked is a transaction that can be found.
type linked[T any] interface {
	*T
	linker[T]
}

type linker[T any] interface{ linkage() *link[T] }

var (
	_ linker[Server] = (*Server)(nil)
	_ linker[Client] = (*Client)(nil)
)

// A link is what finds a transaction. It is written before the transaction can be found and its alarm can ring and, but for
// next, not again.
type link[T any] struct {
	key  []byte
	hash uint64
	next *T // of those that share a bucket; the piece's lock guards it
}

type shard[T any, P linked[T]] struct {
	sync.Mutex
	buckets []*T // a power of two
	count   int
}

const fewestBuckets = 8

func (s *shards[T, P]) init() {
	s.seed = maphash.MakeSeed()
	for i := range s.pieces {
		s.pieces[i].buckets = make([]*T, fewestBuckets)
	}
}

func (s *shards[T, P]) hash(key []byte) uint64 { return maphash.Bytes(s.seed, key) }

func (s *shards[T, P]) piece(hash uint64) *shard[T, P] { return &s.pieces[hash%shardCount] }

// get returns nil when nothing has the key.
func (s *shards[T, P]) get(key []byte) *T {
	hash := s.hash(key)
	p := s.piece(hash)
	p.Lock()
	defer p.Unlock()
	return p.find(key, hash)
}

// getOrAdd returns what has the key, else adds fresh, which begin gives the key.
func (s *shards[T, P]) getOrAdd(key []byte, fresh *T, begin func()) (value *T, added bool) {
	hash := s.hash(key)
	p := s.piece(hash)
	p.Lock()
	defer p.Unlock()
	if value := p.find(key, hash); value != nil {
		return value, false
	}
	P(fresh).linkage().hash = hash
	begin()
	p.add(fresh)
	return fresh, true
}

// put makes value, whose link is written, the one that is found by its key.
func (s *shards[T, P]) put(value *T) {
	l := P(value).linkage()
	p := s.piece(l.hash)
	p.Lock()
	defer p.Unlock()
	if old := p.find(l.key, l.hash); old != nil {
		p.remove(old)
	}
	p.add(value)
}

// drop removes value, unless that was done.
func (s *shards[T, P]) drop(value *T) {
	p := s.piece(P(value).linkage().hash)
	p.Lock()
	defer p.Unlock()
	p.remove(value)
}

func (s *shards[T, P]) len() int {
	n := 0
	for i := range s.pieces {
		s.pieces[i].Lock()
		n += s.pieces[i].count
		s.pieces[i].Unlock()
	}
	return n
}

// bucket takes other digits of the hash than piece.
func (s *shard[T, P]) bucket(hash uint64) **T {
	return &s.buckets[hash/shardCount&uint64(len(s.buckets)-1)]
}

func (s *shard[T, P]) find(key []byte, hash uint64) *T {
	for v := *s.bucket(hash); v != nil; v = P(v).linkage().next {
		if l := P(v).linkage(); l.hash == hash && bytes.Equal(l.key, key) {
			return v
		}
	}
	return nil
}

func (s *shard[T, P]) add(value *T) {
	if s.count == len(s.buckets) {
		s.resize(2 * s.count)
	}
	s.count++
	s.chain(value)
}

func (s *shard[T, P]) chain(value *T) {
	l := P(value).linkage()
	at := s.bucket(l.hash)
	l.next, *at = *at, value
}

func (s *shard[T, P]) remove(value *T) {
	l := P(value).linkage()
	for at := s.bucket(l.hash); *at != nil; at = &P(*at).linkage().next {
		if *at == value {
			*at, l.next = l.next, nil
			s.count--
			break
		}
	}
	if len(s.buckets) > fewestBuckets && s.count < len(s.buckets)/8 {
		s.resize(len(s.buckets) / 4)
	}
}

// resize keeps the buckets in proportion to what is in them, after a flood too.
func (s *shard[T, P]) resize(n int) {
	old := s.buckets
	s.buckets = make([]*T, max(n, fewestBuckets))
	for _, v := range old {
		for v != nil {
			next := P(v).linkage().next
			s.chain(v)
			v = next
		}
	}
}
