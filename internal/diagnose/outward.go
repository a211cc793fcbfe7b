package diagnose

import (
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
)

// Outward asks the SIP core's own decision what becomes of requests from inside to the Microsoft side.
type Outward struct {
	policy *routing.Policy
	routes []federation.StaticRoute
}

// NewOutward makes the part of a configuration ready that such requests are decided by. Federation counts as on: whether
// it is, is a question of its own. Every node decides alike about them, so that one that stands for all is asked.
func NewOutward(s federation.Snapshot) Outward {
	part := federation.Snapshot{Configuration: federation.DefaultConfiguration()}
	part.Settings.PartitionedFederation = true
	part.Nodes = []federation.Node{{Name: "node.invalid", Address: "127.0.0.1", Connector: "127.0.0.1:5080", Services: federation.Services}}
	part.Domains, part.StaticRoutes = s.Domains, s.StaticRoutes
	policy, err := routing.Compile(part, part.Nodes[0].Name)
	if err != nil {
		panic(err) // neither the defaults nor that node can be wrong
	}
	return Outward{policy, s.StaticRoutes}
}

// Explain is what becomes of a request to somebody of a domain who is known on the Microsoft side and not licensed here.
func (o Outward) Explain(domain string) routing.Decision {
	uri, err := sip.ParseURI([]byte("sip:" + domain))
	if err != nil {
		return routing.Decision{Status: 400, Reason: err.Error()}
	}
	r := routing.NewRequest("MESSAGE", uri, routing.Inside)
	d, _ := o.policy.Explain(&r, nobody{})
	return d
}

// nobody is homed here.
type nobody struct{}

func (nobody) ByAddress(string) (f federation.UserFact, ok bool) { return f, false }

func (nobody) ByMicrosoftAddress(string) (f federation.UserFact, ok bool) { return f, false }

// Routes are the static routes that such a request takes, in the order in which they are tried: none where it is refused.
func (o Outward) Routes(domain string) []federation.StaticRoute {
	var list []federation.StaticRoute
	for _, group := range o.Explain(domain).Groups {
		for _, hop := range group {
			list = append(list, o.routeTo(hop))
		}
	}
	return list
}

// routeTo is the route that a hop was made of; two routes to one place are alike here.
func (o Outward) routeTo(hop *routing.Hop) federation.StaticRoute {
	for _, r := range o.routes {
		if r.InService && !r.Blocked && r.NextHop == hop.Host && r.Port == hop.Port && routing.TransportOf(r.Transport) == hop.Transport {
			return r
		}
	}
	return federation.StaticRoute{NextHop: hop.Host, Port: hop.Port, Transport: hop.Transport.Param()}
}

// routes: a request to the Microsoft side of each domain has a way.
func routes(f Facts) []Finding {
	r := report{check: "routes", page: "/static-routes"}
	outward := NewOutward(f.Snapshot)
	for _, d := range f.Snapshot.Domains {
		if decision := outward.Explain(d.Name); decision.Action != routing.Forward {
			fact, advice, _ := strings.Cut(decision.Reason, ". ")
			r.add(Red, advice, "Requests to the Microsoft side of %s are refused with %d: %s.", d.Name, decision.Status, strings.TrimSuffix(fact, "."))
		}
	}
	return r.orGreen("Every presence domain has a static route.")
}
