package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// rollable is a console with three nodes that report, of which some obey their orders.
func rollable(t *testing.T, obeying ...string) *console {
	t.Helper()
	c, _ := rollableWith(t, noHops, obeying...)
	return c
}

func noHops(string) []federation.HopStatus { return nil }

// rollableWith has each node report those next hops. One more obeys from when obey is called.
func rollableWith(t *testing.T, hops func(node string) []federation.HopStatus, obeying ...string) (c *console, obey func(node string)) {
	t.Helper()
	var obedient sync.Map
	obey = func(node string) { obedient.Store(node, true) }
	for _, name := range obeying {
		obey(name)
	}
	c = signedInAs(t, auth.Admin)
	c.config.RollingLimit = 2 * time.Second
	c.rebuild()
	names := []string{"imp1.here.com", "imp2.here.com", "imp3.here.com"}
	c.nodesOf(names...)
	for _, name := range names {
		c.obeys(name, 0, 0)
	}
	report := func(node string) error {
		status, err := c.obedient(context.Background(), node)
		if _, obeys := obedient.Load(node); !obeys {
			status.Restarted = nil
		}
		if status.Hops = hops(node); err != nil {
			return err
		}
		return c.store.ReportStatus(context.Background(), status)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop); <-stopped })
	go func() {
		defer close(stopped)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				for _, name := range names {
					_ = report(name) // a node that cannot report tries again
				}
			}
		}
	}()
	return c, obey
}

// ended waits until the rolling restart has ended, and returns the most nodes that were down at a time.
func (c *console) ended() (r federation.RollingRestart, down int) {
	c.t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	limit := time.After(20 * time.Second)
	for {
		s, statuses := c.snapshot(), must[[]federation.NodeStatus](c.t)(c.store.NodeStatuses(c.t.Context()))
		now := 0
		for _, status := range statuses {
			if status.Restarted["sip_proxy"] < s.Restarts(status.Node, "sip_proxy") {
				now++
			}
		}
		down = max(down, now)
		r = must[federation.RollingRestart](c.t)(c.store.Rolling(c.t.Context()))
		if r.EndedAt != nil {
			return r, down
		}
		select {
		case <-look.C:
		case <-limit:
			c.t.Fatalf("it has not ended: %+v", r)
		}
	}
}

func TestARollingRestartHasNeverTwoNodesDown(t *testing.T) {
	t.Parallel()
	c := rollable(t, "imp1.here.com", "imp2.here.com", "imp3.here.com")
	ask := c.post("/services/control", "service", "sip_proxy", "order", "rolling", "ask", "true").status(200).page()
	ask.Says(t, "main .lede", "never two are down")
	c.postForm("/services/control", ask.One(t, "main form").Form()).to("/services")
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").status(http.StatusConflict).page().Says(t, "main", "under way already")
	c.post("/services/rolling", "order", "continue").status(http.StatusConflict)
	r, down := c.ended()
	if r.Failure != "" || r.Done != 3 || down > 1 {
		t.Errorf("%d were down at a time; it ended as %+v", down, r)
	}
	said := c.get("/services").page().One(t, "section .above").Text()
	says(t, "the page", said, "Done on 3 nodes begun by admin, ", ", ended ")
	for _, n := range c.snapshot().Nodes {
		if got := c.snapshot().Restarts(n.Name, "sip_proxy"); got != 1 {
			t.Errorf("%s was ordered %d restarts", n.Name, got)
		}
	}
}

func TestARollingRestartEndsWithTheFirstNodeThatDoesNotComeBack(t *testing.T) {
	t.Parallel()
	c := rollable(t, "imp1.here.com", "imp3.here.com")
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
	r, _ := c.ended()
	if r.Done != 2 || !strings.Contains(r.Failure, "imp2.here.com is not ready, 2s after the restart of imp2.here.com") {
		t.Errorf("it ended as %+v", r)
	}
	if n := c.snapshot().Restarts("imp3.here.com", "sip_proxy"); n != 0 {
		t.Error("the node after it was restarted")
	}
	page := c.get("/services").page()
	page.Says(t, "section .pad", "Ended early ordered on 2 of 3 nodes. imp2.here.com is not ready")
	page.Count(t, "form[action='/services/rolling']", 0)

	c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services") // imp2 is still down
	r, _ = c.ended()
	if r.Done != 0 || !strings.Contains(r.Failure, "imp2.here.com is not ready, so imp1.here.com was not restarted") {
		t.Errorf("with a node down it ended as %+v", r)
	}
}

// What is back goes unused at a node that counts it as down, so a user of its pair would have no node there.
func TestARollingRestartWaitsUntilTheOthersReachWhatCameBack(t *testing.T) {
	t.Parallel()
	var lost atomic.Value
	lost.Store("127.0.0.11")
	c, _ := rollableWith(t, func(node string) []federation.HopStatus {
		up := federation.HopStatus{Host: "127.0.0.11", Port: 5060, Transport: "tcp", State: federation.HopUp}
		if node != "imp3.here.com" {
			return []federation.HopStatus{up}
		}
		return []federation.HopStatus{up, {Host: lost.Load().(string), Port: 5061, Transport: "tls", State: federation.HopDown}}
	}, "imp1.here.com", "imp2.here.com", "imp3.here.com")
	for _, step := range []struct {
		lost, failure string
		done          int
	}{
		{"127.0.0.11", "imp3.here.com counts imp1.here.com as down, 2s after the restart of imp1.here.com", 1},
		{"127.0.0.12", "imp3.here.com counts imp2.here.com as down, so imp1.here.com was not restarted", 0},
		{"127.0.0.99", "", 3},
	} {
		lost.Store(step.lost)
		c.reported()
		c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
		if r, _ := c.ended(); r.Done != step.done || !strings.HasPrefix(r.Failure, step.failure) || step.failure == "" != (r.Failure == "") {
			t.Errorf("%s is lost: it ended as %+v", step.lost, r)
		}
	}
}

// A report from before a node was back says nothing of whether it is reached.
func TestARollingRestartTakesNoOldReportForAnAnswer(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.config.RollingLimit = time.Second
	c.rebuild()
	c.nodesOf("imp1.here.com", "imp2.here.com")
	c.obeys("imp1.here.com", 0, 0)
	c.obeys("imp2.here.com", 0, 0)
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
	c.steppedTo(1)
	c.obeys("imp1.here.com", 0, 0)
	if r, _ := c.ended(); r.Done != 1 || !strings.HasPrefix(r.Failure, "imp2.here.com has not reported since imp1.here.com is back, 1s after") {
		t.Errorf("it ended as %+v", r)
	}
}

// reported waits until every node has reported anew.
func (c *console) reported() {
	c.t.Helper()
	list := func() []federation.NodeStatus {
		return must[[]federation.NodeStatus](c.t)(c.store.NodeStatuses(c.t.Context()))
	}
	newest := func(a, b federation.NodeStatus) int { return a.ReportedAt.Compare(b.ReportedAt) }
	began := slices.MaxFunc(list(), newest).ReportedAt
	for limit := time.Now().Add(10 * time.Second); !slices.MinFunc(list(), newest).ReportedAt.After(began); {
		if time.Now().After(limit) {
			c.t.Fatal("not every node reports")
		}
	}
}

func TestARollingRestartThatNobodyGoesOnWithCanBeGoneOnWith(t *testing.T) {
	t.Parallel()
	c := rollable(t, "imp1.here.com", "imp2.here.com", "imp3.here.com")
	if _, err := c.store.StartRolling(t.Context(), []string{"imp1.here.com", "imp2.here.com"}, "sip_proxy"); err != nil {
		t.Fatal(err)
	}
	page := c.get("/services").page()
	page.Says(t, "section .pad", "Under way")
	page.Count(t, "button[value=continue]", 0)
	// As long after the order that nobody goes on with it, and so soon after their last reports that the nodes still count.
	c.config.Now = func() time.Time { return time.Now().Add(57 * time.Second) }
	c.rebuild()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	limit := time.After(10 * time.Second)
	for len(c.get("/services").page().All("button[value=continue]")) == 0 {
		select {
		case <-look.C:
		case <-limit:
			t.Fatal("nobody is offered to go on with it")
		}
	}
	c.post("/services/rolling", "order", "continue").to("/services")
	if r, _ := c.ended(); r.Failure != "" || r.Done != 2 {
		t.Errorf("it ended as %+v", r)
	}
}

func TestARollingRestartGoesOnAfterItsDatabaseWasAwayForAMoment(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	direct := *o.console
	direct.store = o.direct
	must[federation.Node](t)(o.direct.SaveNode(t.Context(), federation.Node{Name: "imp2.synergy.com", Address: "127.0.0.12", Services: []string{federation.ServiceSIPProxy}}))
	direct.obeys("imp1.synergy.com", 0, 0)
	direct.obeys("imp2.synergy.com", 0, 0)
	o.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
	direct.steppedTo(1)
	o.link.Cut()
	o.get("/services").page().One(t, "main .banner.down")
	o.mends()
	direct.obeys("imp2.synergy.com", 0, 0)
	direct.obeys("imp1.synergy.com", 0, 0)
	direct.obeys("imp2.synergy.com", 0, 0)
	direct.steppedTo(2)
	direct.obeys("imp2.synergy.com", 0, 0)
	direct.obeys("imp1.synergy.com", 0, 0)
	if r, _ := direct.ended(); r.Failure != "" {
		t.Errorf("it ended as %+v", r)
	}
}

// Whether a step was saved whose COMMIT met no answer is seen when the database answers again; it is not made twice.
func TestARollingRestartGoesOnAfterAStepThatMetNoAnswer(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	direct := *o.console
	direct.store = o.direct
	nodes := []string{"imp1.synergy.com", "imp2.synergy.com"}
	must[federation.Node](t)(o.direct.SaveNode(t.Context(), federation.Node{Name: nodes[1], Address: "127.0.0.12", Services: []string{federation.ServiceSIPProxy}}))
	direct.obeys(nodes[0], 0, 0)
	direct.obeys(nodes[1], 0, 0)
	o.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
	o.link.Delay(100 * time.Millisecond)
	direct.steppedTo(1)
	o.link.Cut() // while the COMMIT's answer is on its way
	o.mends()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	limit := time.After(20 * time.Second)
	for must[federation.RollingRestart](t)(o.direct.Rolling(t.Context())).EndedAt == nil {
		direct.obeys(nodes[0], 0, 0)
		direct.obeys(nodes[1], 0, 0)
		select {
		case <-look.C:
		case <-limit:
			t.Fatal("it does not end")
		}
	}
	if r, _ := direct.ended(); r.Failure != "" || r.Done != 2 {
		t.Errorf("it ended as %+v", r)
	}
	for _, name := range nodes {
		if n := direct.snapshot().Restarts(name, "sip_proxy"); n != 1 {
			t.Errorf("%s was ordered %d restarts", name, n)
		}
	}
}

func TestARollingRestartCanBeEnded(t *testing.T) {
	t.Parallel()
	c := rollable(t)
	c.post("/services/rolling", "order", "end").status(http.StatusNotFound)
	if _, err := c.store.StartRolling(t.Context(), []string{"imp1.here.com", "imp2.here.com"}, "sip_proxy"); err != nil {
		t.Fatal(err)
	}
	c.post("/services/rolling", "order", "something").status(http.StatusConflict)
	c.post("/services/rolling", "order", "end").to("/services")
	if r, _ := c.ended(); r.Failure != "Ended by admin" {
		t.Errorf("it ended as %+v", r)
	}
	c.get("/services").page().Says(t, "section .pad", "Ended early ordered on 0 of 2 nodes. Ended by admin")
	c.post("/services/rolling", "order", "end").status(http.StatusConflict)
}

// steppedTo waits until the last rolling restart was ordered on so many nodes.
func (c *console) steppedTo(done int) {
	c.t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	limit := time.After(20 * time.Second)
	for {
		if r := must[federation.RollingRestart](c.t)(c.store.Rolling(c.t.Context())); r.Done >= done {
			return
		}
		select {
		case <-look.C:
		case <-limit:
			c.t.Fatalf("it was not ordered on %d nodes", done)
		}
	}
}

func TestARollingRestartEndsBeforeANodeThatSomebodyStopped(t *testing.T) {
	t.Parallel()
	c, obey := rollableWith(t, noHops, "imp2.here.com", "imp3.here.com")
	c.config.RollingLimit = 20 * time.Second
	c.rebuild()
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
	c.steppedTo(1)
	c.post(fmt.Sprintf("/services/%d/control", c.snapshot().Node("imp2.here.com").ID), "service", "sip_proxy", "order", "stop").to("/services")
	obey("imp1.here.com")
	r, _ := c.ended()
	if s := c.snapshot(); r.Done != 1 || !strings.Contains(r.Failure, "On imp2.here.com sip_proxy was stopped by admin") || s.Runs("imp2.here.com", "sip_proxy") || s.Restarts("imp3.here.com", "sip_proxy") != 0 {
		t.Errorf("it ended as %+v, with %+v", r, s.ServiceStates)
	}
}

// Whoever stops the node that is waited for is named at once: nothing comes back there that could be waited for.
func TestARollingRestartDoesNotWaitForANodeThatSomebodyStopped(t *testing.T) {
	t.Parallel()
	c := rollable(t, "imp2.here.com", "imp3.here.com")
	c.config.RollingLimit = time.Hour
	c.rebuild()
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
	c.steppedTo(1)
	c.post(fmt.Sprintf("/services/%d/control", c.snapshot().Node("imp1.here.com").ID), "service", "sip_proxy", "order", "stop").to("/services")
	if r, _ := c.ended(); r.Done != 1 || !strings.Contains(r.Failure, "stopped on imp1.here.com by admin") {
		t.Errorf("it ended as %+v", r)
	}
}

func TestARollingRestartGoesOverTheNodesOnWhichTheServiceRuns(t *testing.T) {
	t.Parallel()
	c := rollable(t, "imp1.here.com", "imp2.here.com", "imp3.here.com")
	c.post(fmt.Sprintf("/services/%d/control", c.snapshot().Node("imp2.here.com").ID), "service", "sip_proxy", "order", "stop").to("/services")
	c.get("/services").page().Count(t, "form[action='/services/control'] button[value=rolling]", 2)
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
	if r, _ := c.ended(); r.Failure != "" || !slices.Equal(r.Nodes, []string{"imp1.here.com", "imp3.here.com"}) || c.snapshot().Runs("imp2.here.com", "sip_proxy") {
		t.Errorf("it ended as %+v", r)
	}
}

// A console that stood still for a minute finds another one gone on, and leaves it to that.
func TestARollingRestartThatAnotherConsoleWentOnWithIsLeftToIt(t *testing.T) {
	t.Parallel()
	c, obey := rollableWith(t, noHops)
	lines := make(chan string, 100)
	c.config.Log = slog.New(slog.NewTextHandler(told(lines), nil))
	c.config.RollingLimit = time.Hour
	c.rebuild()
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
	c.steppedTo(1)
	r := must[federation.RollingRestart](t)(c.store.Rolling(t.Context()))
	must[federation.RollingRestart](t)(c.store.StepRolling(t.Context(), r.ID, 1)) // by another
	obey("imp1.here.com")
	for {
		select {
		case line := <-lines:
			if !strings.Contains(line, "rolling restart") {
				continue
			}
		case <-time.After(soon):
			t.Fatal("the first console goes on waiting")
		}
		break
	}
	if r := must[federation.RollingRestart](t)(c.store.Rolling(t.Context())); r.EndedAt != nil || r.Done != 2 {
		t.Errorf("it is %+v", r)
	}
}

// told passes on what is written, line by line.
type told chan<- string

func (l told) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// To go on is answered before the next step is ordered, so what refuses every step has to refuse that as well.
func TestNobodyGoesOnWithARollingRestartWhileARestoredDatabaseWaits(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	if _, err := c.store.StartRolling(t.Context(), []string{"imp1.here.com", "imp2.here.com"}, "sip_proxy"); err != nil {
		t.Fatal(err)
	}
	s := c.snapshot()
	if err := c.store.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.here.com", AppliedEra: s.Era, AppliedRevision: s.Revision + 4}); err != nil {
		t.Fatal(err)
	}
	c.config.Now = func() time.Time { return time.Now().Add(61 * time.Second) }
	c.rebuild()
	c.post("/services/rolling", "order", "continue").status(http.StatusConflict).page().Says(t, "main", "Accept that on the page Pending actions first")
	if r := must[federation.RollingRestart](t)(c.store.Rolling(t.Context())); r.EndedAt != nil || r.Done != 0 {
		t.Errorf("it is %+v", r)
	}
}
