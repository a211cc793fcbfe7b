package federation

import "testing"

func TestAStoppedServiceIsLikeOneThatIsNotActivated(t *testing.T) {
	s := Snapshot{
		Configuration: Configuration{Nodes: []Node{{Name: "imp1.synergy.com", Services: Services}, {Name: "imp2.synergy.com", Services: []string{ServiceSIPFederation}}}},
		ServiceStates: []ServiceState{
			{Node: "imp1.synergy.com", Service: ServiceSIPFederation, Stopped: true, Restarts: 3},
			{Node: "imp2.synergy.com", Service: ServiceSIPFederation, Restarts: 1},
		},
	}
	for _, c := range []struct {
		node, service string
		runs          bool
		restarts      int64
	}{
		{"imp1.synergy.com", ServiceSIPProxy, true, 0},
		{"imp1.synergy.com", ServiceSIPFederation, false, 3},
		{"imp2.synergy.com", ServiceSIPProxy, false, 0},
		{"imp2.synergy.com", ServiceSIPFederation, true, 1},
		{"none.synergy.com", ServiceSIPProxy, false, 0},
	} {
		if runs, restarts := s.Runs(c.node, c.service), s.Restarts(c.node, c.service); runs != c.runs || restarts != c.restarts {
			t.Errorf("%s on %s: runs %v with %d restarts, want %v with %d", c.service, c.node, runs, restarts, c.runs, c.restarts)
		}
	}
}

func TestTheEraGoesBeforeTheRevision(t *testing.T) {
	for _, c := range []struct {
		p, q   Point
		before bool
	}{
		{Point{1, 97}, Point{1, 123}, true},
		{Point{1, 123}, Point{1, 97}, false},
		{Point{1, 123}, Point{1, 123}, false},
		{Point{1, 123}, Point{2, 97}, true},
		{Point{2, 97}, Point{1, 123}, false},
		{Point{0, 500}, Point{1, 1}, true},
	} {
		if c.p.Before(c.q) != c.before {
			t.Errorf("%v before %v: %v", c.p, c.q, !c.before)
		}
	}
}
