package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// follower pulls snapshots one by one.
type follower struct {
	t    testing.TB
	next func() (federation.Snapshot, error, bool)
}

func follow(t testing.TB, s *Store) follower {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	next, stop := iter.Pull2(s.Snapshots(ctx))
	t.Cleanup(func() { stop(); cancel() })
	return follower{t, next}
}

// snapshot is the next one, whatever errors come before it.
func (f follower) snapshot() federation.Snapshot {
	f.t.Helper()
	for {
		snapshot, err, more := f.next()
		if !more {
			f.t.Fatal("the sequence ended")
		}
		if err == nil {
			return snapshot
		}
	}
}

// failure is the next error; a snapshot before it fails the test.
func (f follower) failure() error {
	f.t.Helper()
	snapshot, err, more := f.next()
	if !more || err == nil {
		f.t.Fatalf("got revision %d, more %v, want an error", snapshot.Revision, more)
	}
	return err
}

func TestAChangeArrivesWellWithinASecond(t *testing.T) {
	s := open(t)
	f := follow(t, s)
	if first := f.snapshot(); first.Revision != 1 || len(first.Listeners) != 4 {
		t.Errorf("first comes %+v", first)
	}
	best := time.Hour // of three, because the machine does other things too
	for i := range 3 {
		saved := make(chan time.Time, 1)
		go func() {
			must(s.SaveACLEntry(context.Background(), federation.ACLEntry{Pattern: fmt.Sprintf("10.0.0.%d", i)}))
			saved <- time.Now()
		}()
		if got := f.snapshot(); len(got.ACL) != i+1 || got.Revision != int64(i+2) {
			t.Fatalf("revision %d with %v", got.Revision, got.ACL)
		}
		best = min(best, time.Since(<-saved))
	}
	if best > 100*time.Millisecond {
		t.Errorf("the snapshot came %v after the change, want under 100 ms", best)
	}
}

// kill ends the listening connection at the server.
func kill(t testing.TB, s *Store) {
	t.Helper()
	if n := count(t, s, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE application_name = $1 AND datname = current_database()`, watchName); n != 1 {
		t.Fatalf("%d listening connections were ended, want 1", n)
	}
}

func TestAChangeDuringAReconnectIsNotLost(t *testing.T) {
	s := open(t)
	f := follow(t, s)
	f.snapshot()
	kill(t, s)
	if err := f.failure(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v, want %v", err, ErrUnavailable)
	}
	// Nobody listens now: the follower goes on only when it is asked for the next state.
	must(s.SaveACLEntry(actor(t), federation.ACLEntry{Pattern: "10.0.0.1"}))
	if got := f.snapshot(); got.Revision != 2 || len(got.ACL) != 1 {
		t.Errorf("revision %d with %v", got.Revision, got.ACL)
	}
}

func TestTheStateComesAgainAfterAReconnectWithoutAChange(t *testing.T) {
	s := open(t)
	f := follow(t, s)
	f.snapshot()
	kill(t, s)
	if err := f.failure(); err == nil {
		t.Fatal("no error")
	}
	if got := f.snapshot(); got.Revision != 1 {
		t.Errorf("revision %d", got.Revision)
	}
}

func TestAChangeWhoseNotificationIsLostIsFound(t *testing.T) {
	s := open(t)
	ok(t, raw(t, s, `CREATE OR REPLACE FUNCTION raise_revision() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN UPDATE revision SET number = number + 1; RETURN NULL; END $$`))
	f := follow(t, s)
	f.snapshot()
	must(s.SaveACLEntry(actor(t), federation.ACLEntry{Pattern: "10.0.0.1"}))
	if got := f.snapshot(); got.Revision != 2 {
		t.Errorf("revision %d", got.Revision)
	}
}

func TestTheSameStateIsNotToldTwice(t *testing.T) {
	s := open(t)
	f := follow(t, s)
	f.snapshot()
	told := make(chan int64, 1)
	go func() { snapshot, _, _ := f.next(); told <- snapshot.Revision }()
	asked := func() (at string) {
		ok(t, s.pool.QueryRow(t.Context(), `SELECT max(query_start)::text FROM pg_stat_activity
			WHERE application_name = $1 AND datname = current_database()`, watchName).Scan(&at))
		return at
	}
	for range 2 { // once may be for the state that is told already
		before := asked()
		within(t, 5*time.Second, func() bool { return asked() != before })
	}
	must(s.SaveACLEntry(actor(t), federation.ACLEntry{Pattern: "10.0.0.1"}))
	if revision := <-told; revision != 2 {
		t.Errorf("revision %d is told, want 2", revision)
	}
}

func TestSnapshotsEndWithTheirCaller(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for snapshot, err := range s.Snapshots(ctx) {
		if snapshot.Revision != 1 || err != nil {
			t.Errorf("%+v %v", snapshot, err)
		}
		cancel() // the loop ends by itself
	}
	for range s.Snapshots(t.Context()) {
		break
	}
	within(t, 5*time.Second, func() bool {
		return count(t, s, `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()`, watchName) == 0
	})
}

func TestWithoutADatabaseSnapshotsSaySoAndGoOn(t *testing.T) {
	s := must(Open(t.Context(), "postgres://nobody@127.0.0.1:1/none"))
	defer s.Close()
	f := follow(t, s)
	for range 3 {
		if err := f.failure(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
}

// within polls until done says yes.
func within(t testing.TB, limit time.Duration, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("not so after %v", limit)
		}
	}
}

// A passage forwards connections to the database until it is frozen: then nothing moves, and nothing is closed.
type passage struct {
	listener net.Listener
	gate     sync.RWMutex
}

func (p *passage) serve(target string) {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("unix", target)
		if err != nil {
			near.Close()
			return
		}
		go p.pump(near, far)
		go p.pump(far, near)
	}
}

func (p *passage) pump(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32*1024)
	for {
		n, err := from.Read(buffer)
		p.gate.RLock()
		_, writeErr := to.Write(buffer[:n])
		p.gate.RUnlock()
		if err != nil || writeErr != nil {
			return
		}
	}
}

// through is the store's database by way of a passage.
func through(t testing.TB, s *Store) (*Store, *passage) {
	t.Helper()
	p := &passage{listener: must(net.Listen("tcp", "127.0.0.1:0"))}
	t.Cleanup(func() { p.listener.Close() })
	go p.serve(fmt.Sprintf("%s/.s.PGSQL.%d", s.config.Host, s.config.Port))
	host, port, err := net.SplitHostPort(p.listener.Addr().String())
	ok(t, err)
	u := url.URL{Scheme: "postgres", User: url.UserPassword(s.config.User, s.config.Password), Host: net.JoinHostPort(host, port), Path: s.config.Database}
	q := url.Values{"sslmode": {"disable"}}
	u.RawQuery = q.Encode()
	slow := must(Open(t.Context(), u.String()))
	t.Cleanup(slow.Close)
	return slow, p
}

func TestADatabaseThatHangsIsNoticedAndFollowedAgain(t *testing.T) {
	direct := open(t)
	s, p := through(t, direct)
	f := follow(t, s)
	f.snapshot()
	p.gate.Lock()
	start := time.Now()
	if err := f.failure(); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("noticed after %v, want under 5 s", took)
	}
	must(direct.SaveACLEntry(actor(t), federation.ACLEntry{Pattern: "10.0.0.1"}))
	p.gate.Unlock()
	if got := f.snapshot(); got.Revision != 2 {
		t.Errorf("revision %d", got.Revision)
	}
}
