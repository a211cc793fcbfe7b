package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"isthmus/internal/federation"
)

const imp1, imp2 = "imp1.synergy.com", "imp2.synergy.com" // of small: imp2 has no service activated

func TestAnOrderThatNoNodeCanFollowIsRefused(t *testing.T) {
	s := filled(t)
	for _, c := range []struct {
		nodes   []string
		service string
		order   federation.ServiceOrder
		words   []string
	}{
		{[]string{imp2}, federation.ServiceSIPProxy, federation.StopService, []string{"sip_proxy is not activated on imp2.synergy.com", "Activate it first"}},
		{[]string{imp1, imp2}, federation.ServiceSIPProxy, federation.RestartService, []string{"not activated on imp2.synergy.com", "nothing was ordered"}},
		{[]string{imp1, "none.synergy.com"}, federation.ServiceSIPProxy, federation.StopService, []string{"There is no node none.synergy.com"}},
		{nil, federation.ServiceSIPProxy, federation.StopService, []string{"Choose the nodes"}},
		{[]string{imp1}, "xcp_router", federation.StopService, []string{`no service "xcp_router"`}},
		{[]string{imp1}, federation.ServiceSIPProxy, "pause", []string{`no order "pause"`}},
	} {
		refused(t, unchanged(t, s, func() error { return s.OrderService(actor(t), c.nodes, c.service, c.order) }), c.words...)
	}
	if got := must(s.Snapshot(t.Context())).ServiceStates; len(got) != 0 {
		t.Errorf("refused orders left %+v", got)
	}
}

func TestServicesAreActivatedByWhatIsActivatedAndNothingElseOfTheNode(t *testing.T) {
	s := filled(t)
	n := first(t, s.ListNodes, "name", imp1)
	judged := n.Services
	n.Address = "127.0.0.99"
	must(s.SaveNode(actor(t), n)) // by somebody else
	proxy := []string{federation.ServiceSIPProxy}
	for _, other := range [][]string{{}, {"sip_federation"}} {
		err := unchanged(t, s, func() error { return s.ActivateServices(actor(t), n.ID, proxy, other) })
		if !errors.Is(err, ErrOvertaken) {
			t.Errorf("decided by %v: %v", other, err)
		}
	}
	ok(t, s.ActivateServices(actor(t), n.ID, proxy, judged))
	if got := first(t, s.ListNodes, "name", imp1); !slices.Equal(got.Services, proxy) || got.Address != "127.0.0.99" {
		t.Errorf("stored is %+v", got)
	}
	ok(t, s.ActivateServices(actor(t), n.ID, nil, nil))
	if err := s.ActivateServices(actor(t), n.ID, []string{"xcp_router"}, nil); !errors.As(err, new(federation.Invalid)) {
		t.Errorf("a service that is none: %v", err)
	}
	if err := s.ActivateServices(actor(t), 999, nil, nil); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("a node that is none: %v", err)
	}
}

func TestAnOrderIsOneChangeThatNodesFollow(t *testing.T) {
	s := filled(t)
	before := must(s.Snapshot(t.Context()))
	f := follow(t, s)
	f.snapshot()
	ok(t, s.OrderService(actor(t), []string{imp1, imp1}, federation.ServiceSIPProxy, federation.StopService))
	got := f.snapshot()
	if got.Revision != before.Revision+1 || got.Runs(imp1, federation.ServiceSIPProxy) || !got.Runs(imp1, federation.ServiceSIPFederation) {
		t.Errorf("revision %d with %+v", got.Revision, got.ServiceStates)
	}
	if o := got.ServiceState(imp1, federation.ServiceSIPProxy); o.OrderedBy != "ann" || time.Since(o.OrderedAt) > time.Minute {
		t.Errorf("ordered by %+v", o)
	}
	if row := last(t, s); row.Action != "stopped sip_proxy on imp1.synergy.com" || row.ChangeCount != 1 || row.Revision != got.Revision ||
		row.Changes[0].Fields[0] != (federation.FieldChange{Name: "stopped", Old: "false", New: "true"}) {
		t.Errorf("the audit log has %+v", row)
	}
	if d := federation.Diff(&before.Configuration, &got.Configuration); len(d) != 0 {
		t.Errorf("the document differs by %v", d)
	}
}

func TestWhatIsSoAlreadyIsNoChange(t *testing.T) {
	s := filled(t)
	order := func(o federation.ServiceOrder) func() error {
		return func() error { return s.OrderService(actor(t), []string{imp1}, federation.ServiceSIPProxy, o) }
	}
	ok(t, unchanged(t, s, order(federation.StartService)))
	ok(t, order(federation.StopService)())
	ok(t, unchanged(t, s, order(federation.StopService)))
	ok(t, order(federation.RestartService)())
	ok(t, order(federation.RestartService)())
	if got := must(s.Snapshot(t.Context())); !got.Runs(imp1, federation.ServiceSIPProxy) || got.Restarts(imp1, federation.ServiceSIPProxy) != 2 {
		t.Errorf("stopped, then restarted twice: %+v", got.ServiceStates)
	}
}

func TestOrdersAtOnceAreAllCounted(t *testing.T) {
	s := filled(t)
	results := make(chan error, 8)
	for i := range cap(results) {
		order := federation.RestartService
		if i%2 == 1 {
			order = federation.StopService
		}
		go func() {
			results <- s.OrderService(context.Background(), []string{imp1}, federation.ServiceSIPFederation, order)
		}()
	}
	for range cap(results) {
		ok(t, <-results)
	}
	if got := must(s.Snapshot(t.Context())); got.Restarts(imp1, federation.ServiceSIPFederation) != 4 || len(got.ServiceStates) != 1 {
		t.Errorf("four restarts among stops: %+v", got.ServiceStates)
	}
}

func TestADeactivatedServiceForgetsItsOrders(t *testing.T) {
	doors := map[string]func(*testing.T, *Store, []string){
		"the node's form": func(t *testing.T, s *Store, services []string) {
			n := first(t, s.ListNodes, "name", imp1)
			n.Services = services
			must(s.SaveNode(actor(t), n))
		},
		"a document": func(t *testing.T, s *Store, services []string) {
			c := small()
			c.Nodes[0].Services = services
			must(s.Apply(actor(t), "applied", becomes(c)))
		},
		"a hand at the database": func(t *testing.T, s *Store, services []string) {
			ok(t, raw(t, s, `UPDATE nodes SET services = $1 WHERE name = $2`, services, imp1))
		},
	}
	for door, save := range doors {
		s := filled(t)
		for _, service := range federation.Services {
			ok(t, s.OrderService(actor(t), []string{imp1}, service, federation.StopService))
		}
		save(t, s, []string{federation.ServiceSIPProxy})
		if got := must(s.Snapshot(t.Context())).ServiceStates; len(got) != 1 || got[0].Service != federation.ServiceSIPProxy {
			t.Errorf("%s: deactivated, left are %+v", door, got)
		}
		save(t, s, federation.Services)
		got := must(s.Snapshot(t.Context()))
		if !got.Runs(imp1, federation.ServiceSIPFederation) || got.Runs(imp1, federation.ServiceSIPProxy) {
			t.Errorf("%s: activated again: %+v", door, got.ServiceStates)
		}
	}
}

func TestOrdersFollowTheirNode(t *testing.T) {
	s := filled(t)
	n := must(s.SaveNode(actor(t), federation.Node{Name: "imp8.synergy.com", Address: "127.0.0.18", Services: federation.Services}))
	ok(t, s.OrderService(actor(t), []string{n.Name}, federation.ServiceSIPProxy, federation.StopService))
	n.Name = "imp9.synergy.com"
	must(s.SaveNode(actor(t), n))
	if got := must(s.Snapshot(t.Context())); got.Runs(n.Name, federation.ServiceSIPProxy) || len(got.ServiceStates) != 1 {
		t.Errorf("renamed: %+v", got.ServiceStates)
	}
	ok(t, s.DeleteNodes(actor(t), []int64{n.ID}))
	if got := must(s.Snapshot(t.Context())).ServiceStates; len(got) != 0 {
		t.Errorf("deleted: %+v", got)
	}
}

func TestARestartOfAllNodesLeavesAStoppedServiceStopped(t *testing.T) {
	s := filled(t)
	n := first(t, s.ListNodes, "name", imp2)
	n.Services = federation.Services
	must(s.SaveNode(actor(t), n))
	both := []string{imp1, imp2}
	ok(t, s.OrderService(actor(t), []string{imp2}, federation.ServiceSIPProxy, federation.StopService))
	if left := must(s.RestartRunning(actor(t), both, federation.ServiceSIPProxy)); !slices.Equal(left, []string{imp2}) {
		t.Errorf("left as they are: %v", left)
	}
	got := must(s.Snapshot(t.Context()))
	if got.Restarts(imp1, federation.ServiceSIPProxy) != 1 || got.Restarts(imp2, federation.ServiceSIPProxy) != 0 || got.Runs(imp2, federation.ServiceSIPProxy) {
		t.Errorf("ordered were %+v", got.ServiceStates)
	}
	restart := func(nodes ...string) error {
		return unchanged(t, s, func() error {
			_, err := s.RestartRunning(actor(t), nodes, federation.ServiceSIPProxy)
			return err
		})
	}
	refused(t, restart(imp2), "stopped sip_proxy on imp2.synergy.com", "Start it instead")
	refused(t, restart(), "Choose the nodes")
	refused(t, restart(imp1, "none.synergy.com"), "There is no node none.synergy.com")
}
