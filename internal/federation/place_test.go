package federation

import (
	"fmt"
	"slices"
	"testing"
)

func TestPlacesAreWhatTheConfigurationNamesWithThePortsOfThoseEntries(t *testing.T) {
	pool := Answers{
		Pool: "pool.synergy.com", LoadBalancer: "10.0.0.9", Transport: TLS,
		FrontEnds:  []Host{{FQDN: "fe1.synergy.com", Address: "10.0.0.1"}, {FQDN: "fe2.synergy.com", Address: "10.0.0.2"}},
		Expressway: &Host{FQDN: "exp.synergy.com", Address: "10.0.0.3", Port: 65072},
	}
	ocs := Answers{FrontEnds: []Host{{FQDN: "ocs.synergy.com", Address: "10.0.1.1"}}, Transport: TCP, Expressway: &Host{FQDN: "old.synergy.com", Address: "10.0.1.2"}}
	for promise, test := range map[string]struct {
		answers []Answers
		routes  []StaticRoute
		want    []string
	}{
		"nothing is configured": {nil, nil, nil},
		"all servers of a pool, each by name and by address": {[]Answers{pool}, nil, []string{
			"fe1.synergy.com:5061 [10.0.0.1]", "10.0.0.1:5061 []", "fe2.synergy.com:5061 [10.0.0.2]", "10.0.0.2:5061 []",
			"pool.synergy.com:5061 [10.0.0.9 10.0.0.1 10.0.0.2]", "10.0.0.9:5061 []", "exp.synergy.com:65072 [10.0.0.3]", "10.0.0.3:65072 []"}},
		"one front end over TCP and the usual port of an Expressway": {[]Answers{ocs}, nil, []string{
			"ocs.synergy.com:5060 [10.0.1.1]", "10.0.1.1:5060 []", "old.synergy.com:5061 [10.0.1.2]", "10.0.1.2:5061 []"}},
		"next hops, each once, without UDP": {[]Answers{ocs}, []StaticRoute{
			{NextHop: "fe.foo.com", Port: 5061, Transport: TLS}, {NextHop: "fe.foo.com", Port: 5061, Transport: TCP}, {NextHop: "udp.foo.com", Port: 5060, Transport: UDP},
			{NextHop: "srv.foo.com", Transport: TLS}, {NextHop: "srv.foo.com", Transport: TCP}, {NextHop: "10.0.1.1", Port: 5060, Transport: TCP}, {NextHop: "2001:db8::1", Port: 5061, Transport: TLS}}, []string{
			"ocs.synergy.com:5060 [10.0.1.1]", "10.0.1.1:5060 []", "old.synergy.com:5061 [10.0.1.2]", "10.0.1.2:5061 []",
			"fe.foo.com:5061 []", "srv.foo.com:5061 []", "srv.foo.com:5060 []", "[2001:db8::1]:5061 []"}},
	} {
		s := Snapshot{Configuration: Configuration{StaticRoutes: test.routes}}
		for _, a := range test.answers {
			s.Deployments = append(s.Deployments, NewDeployment(a, nil))
		}
		var got []string
		for _, p := range s.Places() {
			got = append(got, fmt.Sprintf("%s %v", p, p.Addresses))
			if p.Role == "" {
				t.Errorf("%s: %s has no role", promise, p)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s:\n%q, want\n%q", promise, got, test.want)
		}
	}
}
