package transaction

import (
	"hash/maphash"
	"sync"
)

const shardCount = 64

// shards find transactions by the fingerprints of their keys, in pieces with a lock each, so that connections handled at the same
// time seldom wait for each other. A transaction carries its fingerprint and its place in a piece, as a map would need memory of its
// own for that.
type shards[T any, P linked[T]] struct {
	seeds  [2]maphash.Seed
	pieces [shardCount]shard[T, P]
}

// A fingerprint stands for a key, of which a transaction then needs no copy: two hashes by secret seeds. Different keys have
// the same fingerprint by chance only, once in 2^128, and nobody can look for such keys without the seeds.
type fingerprint struct{ hash, other uint64 }

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
	print fingerprint
	next  *T // of those that share a bucket; the piece's lock guards it
}

type shard[T any, P linked[T]] struct {
	sync.Mutex
	buckets []*T // a power of two
	count   int
}

const fewestBuckets = 8

func (s *shards[T, P]) init() {
	s.seeds = [...]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	for i := range s.pieces {
		s.pieces[i].buckets = make([]*T, fewestBuckets)
	}
}

func (s *shards[T, P]) fingerprint(key []byte) fingerprint {
	return fingerprint{maphash.Bytes(s.seeds[0], key), maphash.Bytes(s.seeds[1], key)}
}

func (s *shards[T, P]) piece(of fingerprint) *shard[T, P] { return &s.pieces[of.hash%shardCount] }

// get returns nil when nothing has the key.
func (s *shards[T, P]) get(key []byte) *T {
	of := s.fingerprint(key)
	p := s.piece(of)
	p.Lock()
	defer p.Unlock()
	return p.find(of)
}

// getOrAdd returns what has the key, else adds fresh once begin has made it ready.
func (s *shards[T, P]) getOrAdd(key []byte, fresh *T, begin func()) (value *T, added bool) {
	of := s.fingerprint(key)
	p := s.piece(of)
	p.Lock()
	defer p.Unlock()
	if value := p.find(of); value != nil {
		return value, false
	}
	P(fresh).linkage().print = of
	begin()
	p.add(fresh)
	return fresh, true
}

// put makes value, whose link is written, the one that is found by its key.
func (s *shards[T, P]) put(value *T) {
	of := P(value).linkage().print
	p := s.piece(of)
	p.Lock()
	defer p.Unlock()
	if old := p.find(of); old != nil {
		p.remove(old)
	}
	p.add(value)
}

// drop removes value, unless that was done.
func (s *shards[T, P]) drop(value *T) {
	p := s.piece(P(value).linkage().print)
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
func (s *shard[T, P]) bucket(of fingerprint) **T {
	return &s.buckets[of.hash/shardCount&uint64(len(s.buckets)-1)]
}

func (s *shard[T, P]) find(of fingerprint) *T {
	for v := *s.bucket(of); v != nil; v = P(v).linkage().next {
		if P(v).linkage().print == of {
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
	at := s.bucket(l.print)
	l.next, *at = *at, value
}

func (s *shard[T, P]) remove(value *T) {
	l := P(value).linkage()
	for at := s.bucket(l.print); *at != nil; at = &P(*at).linkage().next {
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
