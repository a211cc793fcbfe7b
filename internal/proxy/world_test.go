package proxy

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// A world is a node imp1 with its connector, a second node imp2 that homes dora, and two front ends, all in memory and on
// a clock that stands still until everybody waits.
type world struct {
	t     *testing.T
	proxy *Proxy
	log   *logBook
	mu    sync.Mutex
	hosts map[string]*host // by address:port
	links []*end
	ids   uint64
}

// logBook keeps the log lines.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *logBook) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(b)
}

func (r *logBook) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

const (
	connectorAt = "127.0.0.11:5080"
	imp2At      = "127.0.0.12:5060"
	fe1At       = "127.0.0.21:5061"
	fe2At       = "127.0.0.22:5061"
)

// configuration of the world. Its front ends are reached over TCP, as TLS is the transport's.
func configuration() federation.Snapshot {
	s := federation.Snapshot{Revision: 9, Configuration: federation.DefaultConfiguration()}
	s.Settings.PartitionedFederation = true
	s.Domains = []federation.Domain{{Name: "synergy.com"}}
	s.Nodes = []federation.Node{
		{Name: "imp1.synergy.com", Address: "127.0.0.11", Services: federation.Services},
		{Name: "imp2.synergy.com", Address: "127.0.0.12", Services: federation.Services, Backup: "imp1.synergy.com"},
	}
	for i, hop := range []string{"127.0.0.21", "127.0.0.22"} {
		r := federation.NewStaticRoute()
		r.Type, r.Destination, r.NextHop, r.Port, r.Priority = federation.RouteDomain, ".com.synergy", hop, 5061, i+1
		s.StaticRoutes = append(s.StaticRoutes, r)
	}
	s.ACL = []federation.ACLEntry{{Pattern: "127.0.0.21"}, {Pattern: "127.0.0.22"}}
	s.Configuration.Normalize()
	return s
}

var everybody = users{
	"carla@synergy.com": {UserID: "carla", Address: "carla@synergy.com", Licensed: true, Node: "imp1.synergy.com"},
	"dora@synergy.com":  {UserID: "dora", Address: "dora@synergy.com", Licensed: true, Node: "imp2.synergy.com"},
}

// inWorld runs a test in a world of its own.
func inWorld(t *testing.T, test func(t *testing.T, w *world), edits ...func(*federation.Snapshot)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, log: &logBook{}, hosts: map[string]*host{}}
		for _, at := range []string{connectorAt, imp2At, fe1At, fe2At} {
			w.hosts[at] = &host{}
		}
		w.proxy = New(Config{Directory: everybody, Key: []byte("secret"), Log: slog.New(slog.NewJSONHandler(w.log, nil)),
			Random: func(int) int { return 0 }})
		w.proxy.Start(w)
		w.set(edits...)
		test(t, w)
		w.proxy.Stop()
		w.after(3 * time.Minute) // every transaction has an end
		if server, client := w.proxy.Transactions(); server+client > 0 {
			t.Errorf("%d server and %d client transactions are left", server, client)
		}
		if open := w.proxy.load.all.Open(); open != 0 {
			t.Errorf("%d transactions are counted as open after all have ended", open)
		}
	})
}

func (w *world) set(edits ...func(*federation.Snapshot)) {
	w.t.Helper()
	s := configuration()
	for _, e := range edits {
		e(&s)
	}
	policy, err := routing.Compile(s, "imp1.synergy.com")
	if err != nil {
		w.t.Fatal(err)
	}
	w.proxy.SetPolicy(policy)
	synctest.Wait()
}

// after lets time pass, and everybody do what is due.
func (w *world) after(d time.Duration) {
	<-siptest.Passed(d)
	synctest.Wait()
}

// A host is what may be connected to. Its zero value accepts.
type host struct {
	fails error         // what connecting ends with
	takes time.Duration // how long connecting takes
	dials int
	ends  []*end
	serve func(*end, *sip.Message) // what it does with what arrives; nil: the test looks at it

	refuses error // nothing can be sent to it, and a moment later it is heard why
	knows   bool  // why is known already to who sends
}

// fails lets connecting to a host end with an error, slow lets it take its time.
func (w *world) fails(address string, kind error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts[address].fails = kind
}

// refuses lets a host hear nothing and end its connections with an error a moment later.
func (w *world) refuses(address string, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts[address].refuses = why
}

func (w *world) slow(address string, takes time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts[address].takes = takes
}

// dials and opened count the attempts to connect to a host, and the connections that came of them.
func (w *world) dials(address string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hosts[address].dials
}

func (w *world) opened(address string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.hosts[address].ends)
}

// Dial implements Network. As in the transport layer, an attempt that its caller does not wait for goes on.
func (w *world) Dial(ctx context.Context, t transport.Target) (Link, error) {
	w.mu.Lock()
	h := w.hosts[t.Addr.String()]
	if h == nil {
		w.mu.Unlock()
		return nil, &transport.DialError{Target: t, Kind: transport.ErrRefused}
	}
	for _, e := range h.ends {
		if !e.closed && e.peer.Target.Name == t.Name && e.peer.Target.TLSKey == t.TLSKey {
			w.mu.Unlock()
			return e, nil
		}
	}
	h.dials++
	fails, takes := h.fails, h.takes
	w.mu.Unlock()
	var l Link
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		l, err = w.connect(h, t, fails, takes)
	}()
	select {
	case <-done:
		return l, err
	case <-ctx.Done():
		return nil, &transport.DialError{Target: t, Kind: transport.ErrTimeout, Cause: ctx.Err()}
	}
}

// connect makes one attempt.
func (w *world) connect(h *host, t transport.Target, fails error, takes time.Duration) (Link, error) {
	if takes > t.Connect && fails == nil {
		takes, fails = t.Connect, transport.ErrTimeout
	}
	if takes > 0 {
		<-siptest.Passed(takes)
	}
	if fails != nil {
		return nil, &transport.DialError{Target: t, Kind: fails, Cause: errors.New("as the test says")}
	}
	e := w.end(transport.Peer{Remote: t.Addr, Transport: t.Transport, Opened: true, Target: t})
	e.host = h
	w.proxy.up(e)
	w.mu.Lock()
	h.ends = append(h.ends, e)
	if why := h.refuses; why != nil {
		e.fails = errors.New("broken pipe")
		time.AfterFunc(100*time.Millisecond, func() { e.ends(why) })
	}
	w.mu.Unlock()
	return e, nil
}

// Links implements Network.
func (w *world) Links() []Link {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []Link
	for _, e := range w.links {
		if !e.closed {
			list = append(list, e)
		}
	}
	return list
}

func (w *world) lync() *end { return w.from("127.0.0.21:40002") }
