package federation

import "testing"

func TestADeploymentHoldsItsServersByNameAndByAddress(t *testing.T) {
	full := Answers{Pool: "pool.synergy.com", LoadBalancer: "10.1.20.20", FrontEnds: make([]Host, 0, 4), Expressway: &Host{"exp.synergy.com", "10.1.20.31", 65072}}
	full.FrontEnds = append(full.FrontEnds, Host{FQDN: "fe1.synergy.com", Address: "10.1.20.21"})
	alone := Answers{FrontEnds: full.FrontEnds, Registrar: "fe9.synergy.com", RoutingNode: "imp1.synergy.com", Domains: []string{"synergy.com"}}
	for _, test := range []struct {
		host        string
		full, alone bool
	}{
		{"fe1.synergy.com", true, true}, {"10.1.20.21", true, true},
		{"pool.synergy.com", true, false}, {"10.1.20.20", true, false}, {"exp.synergy.com", true, false}, {"10.1.20.31", true, false},
		{"", false, false}, {"synergy.com", false, false}, {"imp1.synergy.com", false, false}, {"fe9.synergy.com", false, false},
	} {
		if full.Holds(test.host) != test.full || alone.Holds(test.host) != test.alone {
			t.Errorf("%q: held %v by the full deployment and %v by the single server", test.host, full.Holds(test.host), alone.Holds(test.host))
		}
	}
	if n := len(full.Servers()); n != 2 || full.FrontEnds[:2][1] != (Host{}) {
		t.Errorf("%d servers, and behind the front ends stands %v", n, full.FrontEnds[:2][1])
	}
}
