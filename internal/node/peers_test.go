package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// certified is what a front end showed at that moment.
func certified(address, fingerprint, source string, at time.Time) federation.PeerCertificate {
	return federation.PeerCertificate{Address: address, CommonName: pool, Fingerprint: fingerprint, Source: source, SeenAt: at, NotAfter: at.AddDate(0, 0, 20)}
}

func shown(list []federation.PeerCertificate) (names []string) {
	for _, p := range list {
		names = append(names, p.Address+" "+p.Fingerprint)
	}
	slices.Sort(names)
	return names
}

func TestACertificateIsToldAtOnceAndThenOnceAnHour(t *testing.T) {
	var s peers
	note := func(fingerprint string, after time.Duration) {
		s.note(certified("10.1.20.21", fingerprint, federation.SeenOpening, noon.Add(after)))
	}
	expect := func(promise string, want ...string) {
		t.Helper()
		if got := shown(s.untold()); !slices.Equal(got, want) {
			t.Errorf("%s: told are %q, want %q", promise, got, want)
		}
	}
	note("a", 0)
	expect("new", "10.1.20.21 a")
	expect("the report failed", "10.1.20.21 a")
	s.tell(s.untold())
	note("a", 59*time.Minute)
	expect("the same again")
	note("a", time.Hour)
	expect("the same after an hour", "10.1.20.21 a")
	s.tell(s.untold())
	note("b", time.Hour+time.Second)
	expect("renewed", "10.1.20.21 b")
	on := s.untold()
	note("c", time.Hour+2*time.Second)
	s.tell(on)
	expect("renewed while that was on its way", "10.1.20.21 c")
}

func TestWhoIsConnectedToKeepsItsNameWhenItConnectsItself(t *testing.T) {
	var s peers
	one := certified("10.1.20.21", "a", federation.SeenOpening, noon)
	one.Host = "fe1.synergy.com"
	s.note(one)
	s.note(certified("10.1.20.21", "b", federation.SeenAccepting, noon))
	if got := s.untold(); len(got) != 1 || got[0].Host != "fe1.synergy.com" || got[0].Source != federation.SeenAccepting {
		t.Errorf("%+v", got)
	}
}

func TestAPeerOfManyAddressesFillsNoMemoryAndPushesNoHopOut(t *testing.T) {
	var s peers
	s.note(certified("10.1.20.21", "hop", federation.SeenOpening, noon))
	for i := range 10_000 {
		s.note(certified(fmt.Sprintf("10.2.%d.%d", i>>8, i&255), "x", federation.SeenAccepting, noon.Add(time.Duration(i+1))))
	}
	got := shown(s.untold())
	if len(got) != peersKept || len(s.seen) != peersKept {
		t.Fatalf("%d are told of %d", len(got), len(s.seen))
	}
	if !slices.Contains(got, "10.1.20.21 hop") || !slices.Contains(got, "10.2.39.15 x") || slices.Contains(got, "10.2.0.0 x") {
		t.Error("the hop or the newest is gone, or the oldest is not")
	}
}

// reported are the peers of all reports so far, by address and Common Name.
func (b *base) reported() map[string]federation.PeerCertificate {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := map[string]federation.PeerCertificate{}
	for _, s := range b.reports {
		for _, p := range s.Peers {
			found[p.Address+" "+p.CommonName] = p
		}
	}
	return found
}

func (r *rig) awaitPeer(key string) federation.PeerCertificate {
	r.t.Helper()
	await(r.t, "the node tells of "+key, func() bool { return r.reported()[key].Fingerprint != "" })
	return r.reported()[key]
}

func TestWhoConnectsOverMutualTLSIsToldWithItsCertificate(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca)))
	leaf := ca.Issue(siptest.Leaf{Names: []string{"Pool.synergy.com"}})
	peer := siptest.Connect(t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: ca.Client(leaf, self)})
	got := r.awaitPeer("127.0.0.1 " + pool)
	if got.Source != federation.SeenAccepting || got.Host != "" || !got.Verified || got.Issuer != "Root" || got.Node != self ||
		got.Fingerprint != certs.Fingerprint(leaf.Leaf) || !got.NotAfter.Equal(leaf.Leaf.NotAfter) || time.Since(got.SeenAt) > patience {
		t.Errorf("told %+v", got)
	}
	peer.Sends(siptest.Probe(self))
	peer.Expect("200")
	renewed := ca.Leaf(pool)
	siptest.Connect(t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: ca.Client(renewed, self)})
	await(t, "the renewed certificate takes its place", func() bool {
		return r.reported()["127.0.0.1 "+pool].Fingerprint == certs.Fingerprint(renewed.Leaf)
	})
}

// A change has every open connection judged again, and one that is older than the peer's renewal still has what it showed then.
func TestAChangeBringsNoReplacedCertificateBack(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca)))
	var last federation.PeerCertificate
	for _, leaf := range []tls.Certificate{ca.Leaf(pool), ca.Leaf(pool)} {
		siptest.Connect(t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: ca.Client(leaf, self)})
		await(t, "it is told", func() bool {
			last = r.reported()["127.0.0.1 "+pool]
			return last.Fingerprint == certs.Fingerprint(leaf.Leaf)
		})
	}
	for revision := range int64(5) {
		r.commits(r.snapshot(revision+2, r.withTLS(ca), trusting(t, ca)))
		r.node.peers.mu.Lock()
		got := r.node.peers.seen[keyOf(last)]
		r.node.peers.mu.Unlock()
		if got.Fingerprint != last.Fingerprint || !got.SeenAt.Equal(last.SeenAt) {
			t.Fatalf("after another revision the peer is %+v, want %+v", got.PeerCertificate, last)
		}
	}
	if n := len(r.node.layer.Connections()); n != 2 {
		t.Errorf("%d connections are open, want both", n)
	}
}

func TestWhatAPeerShowedBeforeTakesNoPlace(t *testing.T) {
	var s peers
	s.note(certified("10.1.20.21", "renewed", federation.SeenAccepting, noon.Add(time.Hour)))
	s.note(certified("10.1.20.21", "before", federation.SeenAccepting, noon))
	s.note(certified("10.1.20.22", "another's", federation.SeenAccepting, noon))
	if got := shown(s.untold()); !slices.Equal(got, []string{"10.1.20.21 renewed", "10.1.20.22 another's"}) {
		t.Errorf("told are %q", got)
	}
}

func TestANextHopIsToldUnderItsConfiguredName(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	host := siptest.Serve(t, "127.0.0.1:0", ca.Server(ca.Leaf(pool)))
	r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca), leading(host), func(s *federation.Snapshot) { s.StaticRoutes[0].Transport = federation.TLS }))
	peer, hop, asked := r.asks(host)
	hop.Answers(asked, 200)
	peer.Expect("200")
	if got := r.awaitPeer("127.0.0.1 " + pool); got.Source != federation.SeenOpening || got.Host != "127.0.0.1" || !got.Verified {
		t.Errorf("told %+v", got)
	}
}

func TestWhoIsRefusedInTheHandshakeIsNotRemembered(t *testing.T) {
	r, ca, other := start(t), siptest.NewAuthority("Root"), siptest.NewAuthority("Other")
	r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca)))
	for _, leaf := range []tls.Certificate{other.Leaf(pool), ca.Expired(pool), ca.Leaf("fe9.synergy.com")} {
		c, err := siptest.Dial(r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: ca.Client(leaf, self)})
		if err == nil {
			_ = c.WaitClosed()
			c.Close()
		}
	}
	good := ca.Leaf(pool)
	siptest.Connect(t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: ca.Client(good, self)})
	r.awaitPeer("127.0.0.1 " + pool)
	r.end()
	r.base.with(func() {
		for _, status := range r.reports {
			for _, p := range status.Peers {
				if p.Fingerprint != certs.Fingerprint(good.Leaf) {
					t.Errorf("told %+v", p)
				}
			}
		}
	})
}

// Two nodes tell different things of their peers, and nothing of each other: a node's own certificate is watched as such.
func TestNodesTellOfTheirOwnPeersAndNotOfEachOther(t *testing.T) {
	ca := siptest.NewAuthority("Root")
	one, two := pairOverTLS(t, ca)
	leaves := map[*rig]tls.Certificate{one: ca.Leaf(pool), two: ca.Leaf(pool)}
	for r, leaf := range leaves {
		siptest.Connect(t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: ca.Client(leaf, r.name)})
		if got := r.awaitPeer("127.0.0.1 " + pool); got.Fingerprint != certs.Fingerprint(leaf.Leaf) || got.Node != r.name {
			t.Errorf("%s told %+v", r.name, got)
		}
		if n := len(r.reported()); n != 1 {
			t.Errorf("%s told of %d peers: %v", r.name, n, r.reported())
		}
	}
}

// A safe buffer is written by the node and read by the test.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *safeBuffer) count(part string) int { return strings.Count(b.String(), part) }

// Probes are seen by the console alone, and other nodes see what this one does not: all of that comes from the database.
func TestPeersThatOthersSawAreInLogAndMetric(t *testing.T) {
	end := time.Now().AddDate(0, 0, 20).Truncate(time.Second)
	log, known := &safeBuffer{}, []federation.PeerCertificate{
		{Address: "127.0.0.1", CommonName: pool, Host: "127.0.0.1", Source: federation.SeenProbing, Fingerprint: "a", NotAfter: end, Node: "imp2.synergy.com"},
		{Address: "10.9.9.9", CommonName: "gone.synergy.com", Host: "gone.synergy.com", Source: federation.SeenProbing, Fingerprint: "b", NotAfter: end.AddDate(0, 0, -30)},
	}
	r := start(t, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(log, nil))
		c.Peers = func(context.Context) ([]federation.PeerCertificate, error) { return known, nil }
	})
	host := siptest.Serve(t, "127.0.0.1:0", nil)
	r.commits(r.snapshot(1, leading(host)))
	want := "subject=" + pool + " peer=127.0.0.1 reason=\"in 19 days"
	await(t, "the log tells of it", func() bool { return strings.Contains(log.String(), want) })
	page := httptest.NewRecorder()
	r.node.config.Metrics.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	if line := fmt.Sprintf("isthmus_certificate_not_after_seconds{node=%q,purpose=\"peer\"} %g", self, float64(end.Unix())); !strings.Contains(page.Body.String(), line) {
		t.Errorf("no %s in the metrics", line)
	}
	told := len(r.told())
	await(t, "more is reported", func() bool { return len(r.told()) > told+3 })
	if n := strings.Count(log.String(), want); n != 1 || strings.Contains(log.String(), "gone.synergy.com") {
		t.Errorf("the log tells %d times, or of what is not configured:\n%s", n, log.String())
	}
}

func (b *base) told() []federation.NodeStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reports
}
