package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/metrics"
	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// leading sends the node's requests for synergy.com to a host of the Microsoft side.
func leading(to *siptest.Host) func(*federation.Snapshot) {
	return func(s *federation.Snapshot) {
		route := federation.NewStaticRoute()
		route.Type, route.Destination, route.NextHop, route.Port = federation.RouteDomain, ".com.synergy", "127.0.0.1", to.Port()
		s.Settings.PartitionedFederation = true
		s.StaticRoutes = []federation.StaticRoute{route}
		s.ACL = append(s.ACL, federation.ACLEntry{Pattern: "127.0.0.2"})
	}
}

// within is a peer on the node's own address, and so from inside.
func (r *rig) within() *siptest.Peer {
	return siptest.Connect(r.t, r.at(5060), siptest.Options{Local: r.address})
}

// asks sends a request by way of the node. It returns who asked, who is asked, and the request as it came there.
func (r *rig) asks(host *siptest.Host) (peer, server *siptest.Peer, asked *sip.Message) {
	r.t.Helper()
	peer = r.within()
	peer.Sends(siptest.Subscribe("ann@synergy.com", "bob@synergy.com"))
	server = host.Accepts()
	return peer, server, server.Expect("SUBSCRIBE")
}

func TestRequestsUnderWayAreAnsweredBeforeANodeEnds(t *testing.T) {
	r, host := start(t), siptest.Serve(t, "127.0.0.1:0", nil)
	r.commits(r.snapshot(1, leading(host)))
	peer, server, got := r.asks(host)
	r.stop()
	r.awaitState(Draining)
	await(t, "the listener is closed", func() bool {
		c, err := siptest.Dial(r.at(5060), siptest.Options{})
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	select {
	case <-r.stopped:
		t.Fatal("it ended with a request under way")
	default:
	}
	server.Answers(got, 200)
	peer.Expect("200")
	peer.ExpectClosed()
	<-r.stopped
}

func TestRequestsThatNobodyAnswersDoNotKeepANodeForEver(t *testing.T) {
	r, host := start(t, func(c *Config) { c.Drain = 50 * time.Millisecond }), siptest.Serve(t, "127.0.0.1:0", nil)
	r.commits(r.snapshot(1, leading(host)))
	peer, _, _ := r.asks(host)
	r.end()
	peer.ExpectClosed() // and nothing before: the proxy would have given up on the hop in the end
}

func TestAFinishedDialogDoesNotDelayTheEnd(t *testing.T) {
	r, host := start(t), siptest.Serve(t, "127.0.0.1:0", nil)
	r.commits(r.snapshot(1, leading(host)))
	peer := r.within()
	peer.Sends(siptest.Invite("ann@synergy.com", "bob@synergy.com"))
	server := host.Accepts()
	server.Answers(server.Expect("INVITE"), 200)
	peer.Expect("200")
	began := time.Now()
	r.end()
	if took := time.Since(began); took > patience {
		t.Errorf("it took %s", took)
	}
}

// A steady load would keep a node for ever that served it to the end, and lose requests in one that just left. Who asks
// seldom hears in time that it is to go elsewhere, and who does not listen is not waited for.
func TestANodeUnderSteadyLoadEndsAndEveryRequestIsAnswered(t *testing.T) {
	r, host := start(t), siptest.Serve(t, "127.0.0.1:0", nil)
	r.commits(r.snapshot(1, leading(host)))
	const peers, each = 10, 20 * time.Millisecond // 500 requests a second
	const seldom = 200 * time.Millisecond
	var group sync.WaitGroup
	results := make(chan asked, peers+1)
	all := make(chan struct{}, peers+1)
	for i := range peers + 1 {
		peer, every := r.within(), each
		if i == peers {
			every = seldom
		}
		group.Go(func() { results <- askUntilRefused(peer.Conn, every, all) })
	}
	stubborn := r.within()
	group.Go(func() { askOn(stubborn.Conn, each) })
	server := host.Accepts()
	go func() {
		for m, err := server.Receive(); err == nil; m, err = server.Receive() {
			if m.Method() == "SUBSCRIBE" && server.Conn.Answer(m, 200) != nil {
				return
			}
		}
	}()
	for range peers + 1 {
		<-all
	}
	began := time.Now()
	r.end()
	took := time.Since(began)
	group.Wait()
	close(results)
	served := 0
	for got := range results {
		served += got.served
		if got.err != nil || !got.refused {
			t.Errorf("a peer had %d answers, refused: %t, then %v", got.served, got.refused, got.err)
		}
	}
	if least := peers * 10; served < least {
		t.Errorf("%d requests were served, though it goes on doing so for two seconds: at least %d, on the slowest machine", served, least)
	}
	if took < serveOn || took > serveOn+patience {
		t.Errorf("it ended after %s", took)
	}
}

// An heir keeps a copy of the socket that it is given.
type heir struct {
	files        []*os.File
	kept, forgot chan struct{}
}

func (h *heir) Keep(fd uintptr) error {
	own, err := syscall.Dup(int(fd))
	h.files = append(h.files, os.NewFile(uintptr(own), "kept"))
	close(h.kept)
	return err
}

func (h *heir) Forget() {
	for _, f := range h.files {
		f.Close()
	}
	close(h.forgot)
}

// A hook calls once when the log says something.
type hook struct {
	slog.Handler
	message string
	call    func()
}

func (h *hook) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == h.message && h.call != nil {
		call := h.call
		h.call = nil
		call()
	}
	return h.Handler.Handle(ctx, r)
}

func (h *hook) WithAttrs(a []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(a)
	return h
}

func TestAConfigurationThatComesWhileANodeLeavesOpensNothingAndCutsNothingOff(t *testing.T) {
	h, host := &hook{Handler: slog.NewTextHandler(io.Discard, nil), message: "the database is back"}, siptest.Serve(t, "127.0.0.1:0", nil)
	r := start(t, func(c *Config) { c.Log = slog.New(h) })
	r.commits(r.snapshot(1, leading(host)))
	peer := r.within()
	peer.Sends(siptest.Subscribe("ann@synergy.com", "bob@synergy.com"))
	server := host.Accepts()
	under := server.Expect("SUBSCRIBE")
	closed := func() bool {
		c, err := siptest.Dial(r.at(5060), siptest.Options{})
		if err == nil {
			c.Close()
		}
		return err != nil
	}
	r.tells(event{err: errDown})
	h.call = func() {
		r.stop()
		await(t, "the port is closed", closed)
	}
	r.commits(r.snapshot(2, leading(host), restarts(federation.ServiceSIPProxy, 1)))
	if !closed() {
		t.Error("the port is open again")
	}
	server.Answers(under, 200)
	peer.Expect("200")
	<-r.stopped
}

func TestPeersDoNotWaitForANodeThatTakesItsTimeToEnd(t *testing.T) {
	keeps, host := &heir{kept: make(chan struct{}), forgot: make(chan struct{})}, siptest.Serve(t, "127.0.0.1:0", nil)
	r := start(t, func(c *Config) { c.Heir, c.Drain = keeps, serveOn+2*refuseFor })
	r.commits(r.snapshot(1, leading(host)))
	r.asks(host) // who never answers
	connects := func() bool {
		c, err := siptest.Dial(r.at(5060), siptest.Options{})
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	r.stop()
	select {
	case <-keeps.kept:
	case <-time.After(patience):
		t.Fatal("the socket is handed to nobody")
	}
	if !connects() {
		t.Error("who connects while a quick end is likely is refused")
	}
	select {
	case <-keeps.forgot:
	case <-time.After(patience):
		t.Fatal("the sockets are kept for ever")
	}
	if connects() {
		t.Error("who connects waits for nobody knows how long")
	}
	<-r.stopped
}

// An asked is what became of one peer's requests.
type asked struct {
	served  int
	refused bool // the last one, with 503
	err     error
}

// askOn sends requests until the connection ends, whatever the answers.
func askOn(c *siptest.Conn, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for c.Send(siptest.Subscribe("ann@synergy.com", "bob@synergy.com")) == nil {
		<-tick.C
	}
}

// askUntilRefused sends a request now and then, each after the answer to the one before, and goes elsewhere when it is told to. The
// first answer is told.
func askUntilRefused(c *siptest.Conn, every time.Duration, first chan<- struct{}) (a asked) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ; ; <-tick.C {
		if a.err = c.Send(siptest.Subscribe("ann@synergy.com", "bob@synergy.com")); a.err != nil {
			return a
		}
		m, err := c.Receive()
		for err == nil && m.Status() == 100 {
			m, err = c.Receive()
		}
		switch {
		case err != nil:
			a.err = err
			return a
		case m.Status() == 503:
			a.refused = true
			return a
		case m.Status() != 200:
			a.err = fmt.Errorf("answered %d", m.Status())
			return a
		}
		if a.served++; a.served == 1 {
			first <- struct{}{}
		}
	}
}

func TestTheStateOfNextHopsIsReported(t *testing.T) {
	r, host := start(t), siptest.Serve(t, "127.0.0.1:0", nil)
	r.commits(r.snapshot(1, leading(host)))
	peer, server, asked := r.asks(host)
	server.Answers(asked, 200)
	peer.Expect("200")
	await(t, "the hop is reported as up", func() bool {
		for _, h := range r.lastReport().Hops {
			if h.Host == "127.0.0.1" && h.Port == host.Port() && h.Transport == federation.TCP && h.State == "up" {
				return true
			}
		}
		return false
	})
}

func TestMonitoringSeesTheNode(t *testing.T) {
	numbers := metrics.New("1.0")
	r := start(t, func(c *Config) { c.Metrics = numbers })
	page := func() string {
		w := httptest.NewRecorder()
		numbers.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		body, _ := io.ReadAll(w.Body)
		return string(body)
	}
	if !strings.Contains(page(), "isthmus_ready 0\n") {
		t.Error("it is ready before the first snapshot")
	}
	r.commits(r.snapshot(4))
	peer := r.within()
	peer.Sends(siptest.Probe(self))
	peer.Expect("200")
	for _, want := range []string{"isthmus_ready 1\n", "isthmus_database_up 1\n", "isthmus_applied_revision 4\n", "isthmus_sip_connections 1\n",
		`isthmus_listener_open{listener="Default SIP Proxy TCP Listener"} 1` + "\n", `isthmus_sip_requests_total{method="OPTIONS",outcome="answered"} 1` + "\n"} {
		if !strings.Contains(page(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestAStatusThatCannotBeReportedIsReportedLater(t *testing.T) {
	r := start(t)
	r.with(func() { r.mute = errors.New("read-only") })
	r.commits(r.snapshot(1))
	r.awaitState(Degraded)
	r.with(func() { r.mute, r.reports = nil, nil })
	await(t, "it is reported again", func() bool { return r.lastReport().AppliedRevision == 1 })
}

func TestANodeThatNeverHadASnapshotEndsAtOnce(t *testing.T) {
	r := start(t)
	r.end()
	if h := r.node.Health(); h.State != Draining {
		t.Errorf("it is %s", h.State)
	}
}
