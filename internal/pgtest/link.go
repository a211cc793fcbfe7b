package pgtest

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// socketName is what Postgres and its clients call the socket of the usual port.
const socketName = ".s.PGSQL.5432"

// Link is a way to a database that a test cuts, holds or slows down while the database itself goes on. It starts whole.
type Link struct {
	url, target string
	door        net.Listener
	running     sync.WaitGroup

	mu     sync.Mutex
	cut    bool
	delay  time.Duration
	passes chan struct{} // closed while what is sent goes on
	joints map[*joint]bool
	tries  int
}

// NewLink leads to the database at a URL of this package, until the test ends.
func NewLink(t testing.TB, database string) *Link {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatalf("link to the test database: %v", err)
	}
	dir, err := os.MkdirTemp("/tmp", "isthmus-link-") // short: a socket's path has a limit
	if err != nil {
		t.Fatalf("link to the test database: %v", err)
	}
	l := &Link{target: filepath.Join(u.Query().Get("host"), socketName), passes: make(chan struct{}), joints: map[*joint]bool{}}
	close(l.passes)
	if l.door, err = net.Listen("unix", filepath.Join(dir, socketName)); err != nil {
		t.Fatalf("link to the test database: %v", err)
	}
	values := u.Query()
	values.Set("host", dir)
	u.RawQuery = values.Encode()
	l.url = u.String()
	l.running.Go(l.accept)
	t.Cleanup(func() {
		l.door.Close()
		l.Cut()
		l.running.Wait()
		os.RemoveAll(dir)
	})
	return l
}

// URL is the database's, by way of the link.
func (l *Link) URL() string { return l.url }

// Cut ends every connection and each new one at once, as a database does whose process has ended.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	l.end()
}

// Drop ends every connection and takes new ones.
func (l *Link) Drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

func (l *Link) end() {
	for j := range l.joints {
		j.close()
	}
}

// Hold keeps everything back that is sent either way, on old connections and new ones, as a stopped database does or a
// network that drops packets. Mend sends it on.
func (l *Link) Hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.passes:
		l.passes = make(chan struct{})
	default: // held already
	}
}

// Delay has each answer of the database come so much later.
func (l *Link) Delay(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
}

// Mend makes the link whole again: nothing cut, held or delayed.
func (l *Link) Mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut, l.delay = false, 0
	select {
	case <-l.passes:
	default:
		close(l.passes)
	}
}

// Tries is how many connections were asked for so far, refused ones among them.
func (l *Link) Tries() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tries
}

func (l *Link) accept() {
	for {
		client, err := l.door.Accept()
		if err != nil {
			return
		}
		l.join(client)
	}
}

// join connects a client with the database; a database that does not take the connection has it ended.
func (l *Link) join(client net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tries++
	if l.cut {
		client.Close()
		return
	}
	server, err := net.Dial("unix", l.target)
	if err != nil {
		client.Close()
		return
	}
	j := &joint{link: l, client: client, server: server, gone: make(chan struct{})}
	l.joints[j] = true
	l.running.Go(func() { j.carry(client, server, func() time.Duration { return 0 }) })
	l.running.Go(func() { j.carry(server, client, l.slowness) })
}

func (l *Link) slowness() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.delay
}

func (l *Link) gate() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.passes
}

// joint is one client's connection and the one made for it.
type joint struct {
	link           *Link
	client, server net.Conn
	once           sync.Once
	gone           chan struct{}
}

// close is called with the link locked.
func (j *joint) close() {
	j.once.Do(func() {
		delete(j.link.joints, j)
		close(j.gone)
		j.client.Close()
		j.server.Close()
	})
}

// parcel is what was read at once, and when it is due at the other side.
type parcel struct {
	bytes []byte
	due   time.Time
}

// carry takes bytes one way until either side ends. A second goroutine delivers, so that a delay is a latency and not a
// bound on throughput.
func (j *joint) carry(from, to net.Conn, late func() time.Duration) {
	parcels := make(chan parcel, 1024)
	j.link.running.Go(func() { j.deliver(parcels, to) })
	defer close(parcels)
	for {
		b := make([]byte, 16<<10)
		n, err := from.Read(b)
		if err != nil {
			return
		}
		select {
		case parcels <- parcel{b[:n], time.Now().Add(late())}:
		case <-j.gone:
			return
		}
	}
}

func (j *joint) deliver(parcels <-chan parcel, to net.Conn) {
	defer func() {
		j.link.mu.Lock()
		defer j.link.mu.Unlock()
		j.close()
	}()
	for p := range parcels {
		if !j.wait(p.due) {
			return
		}
		if _, err := to.Write(p.bytes); err != nil {
			return
		}
	}
}

// wait returns once a parcel is due and the link lets it pass, or false when the joint has ended.
func (j *joint) wait(due time.Time) bool {
	if rest := time.Until(due); rest > 0 {
		timer := time.NewTimer(rest)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-j.gone:
			return false
		}
	}
	select {
	case <-j.link.gate():
		return true
	case <-j.gone:
		return false
	}
}
