package powershell

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/pstest"
)

const (
	routing   = "MSFT_SIPRoutingTableData"
	authority = "MSFT_SIPRemoteAddressData"
	listening = "MSFT_SIPListeningAddressData"
)

// eachOCS runs a check for every deployment with OCS, on a server that listens as the checklist wants it and has a route
// and a host of others. The arguments name the pool's database.
func eachOCS(t *testing.T, check func(t *testing.T, d federation.Deployment, m *pstest.Microsoft, backend []string)) {
	t.Helper()
	all := deployments()
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		d := all[kind]
		if d.Answers.Platform != federation.OCS2007R2 {
			continue
		}
		backend := []string{"-Backend", `sql1.synergy.com\rtc`}
		t.Run(kind, func(t *testing.T) { check(t, d, freshOCS(d, backend[1]), backend) })
	}
}

func freshOCS(d federation.Deployment, backend string) *pstest.Microsoft {
	transport, port := "MTLS", 5061
	if d.Answers.Transport == federation.TCP {
		transport, port = "TCP", 5060
	}
	m := pstest.NewMicrosoft(pstest.State{WMI: map[string][]map[string]any{
		listening: {
			{"Enabled": true, "InstanceID": "{1}", "IPAddress": "*", "Port": 5099, "TransportType": transport},
			{"Enabled": true, "InstanceID": "{2}", "IPAddress": "*", "Port": port, "TransportType": transport, "TLSCertIssuer": []any{48, 1}, "TLSCertSN": []any{7}},
		},
		routing: {{"Backend": backend, "InstanceID": "{3}", "Enabled": true, "MatchURI": "video.example.com", "NextHop": "vcs.example.com", "NextHopPort": 5061,
			"NextHopTransport": "TLS", "ReplaceHostInRequestURI": false}},
		authority: {{"Backend": backend, "InstanceID": "{4}", "Server": "vcs.example.com", "OutboundOnly": false, "ThrottleAsServer": true, "TreatAsAuthenticated": true}},
	}}, "")
	m.Names = addresses(d)
	return m
}

// wantedOCS are the changes that configure.ps1 has to make on a fresh server.
func wantedOCS(d federation.Deployment) []string {
	var list []string
	for _, domain := range d.Answers.Domains {
		list = append(list, "add "+routing+" "+domain)
		if d.Answers.ChildDomains {
			list = append(list, "add "+routing+" *."+domain)
		}
	}
	for _, node := range d.Nodes {
		if d.Answers.Transport == federation.TLS {
			list = append(list, "add "+authority+" "+node)
		}
		if known := addresses(d)[node]; len(known) > 0 {
			list = append(list, "add "+authority+" "+known[0])
		}
	}
	return list
}

func TestOCSIsConfiguredOnce(t *testing.T) {
	eachOCS(t, func(t *testing.T, d federation.Deployment, m *pstest.Microsoft, backend []string) {
		first := ran(t, m, d, 0, "configure.ps1", backend...)
		if want := wantedOCS(d); !slices.Equal(first.Changes, want) || len(first.Asked) != len(want) {
			t.Errorf("it changed\n%s\nwant\n%s", strings.Join(first.Changes, "\n"), strings.Join(want, "\n"))
		}
		done := m.State.Clone()
		if second := ran(t, m, d, 0, "configure.ps1", backend...); len(second.Changes) > 0 || len(second.Asked) > 0 {
			t.Errorf("the second run changed %v and asked %v", second.Changes, second.Asked)
		}
		sameState(t, "the second run", m.State, done)
	})
}

// The route presents the certificate of the address on which the server listens for the nodes.
func TestOCSRoutesPresentTheListenersCertificate(t *testing.T) {
	eachOCS(t, func(t *testing.T, d federation.Deployment, m *pstest.Microsoft, backend []string) {
		ran(t, m, d, 0, "configure.ps1", backend...)
		for _, route := range m.State.WMI[routing][1:] {
			tls := d.Answers.Transport == federation.TLS
			if tls != (fmt.Sprint(route["TLSCertSN"]) == "[7]") || tls != (route["NextHop"] == d.Answers.RoutingNode) || route["Backend"] != backend[1] {
				t.Errorf("the route is %v", route)
			}
		}
	})
}

func TestOCSWhatIfChangesNothing(t *testing.T) {
	eachOCS(t, func(t *testing.T, d federation.Deployment, m *pstest.Microsoft, backend []string) {
		start := m.State.Clone()
		announces(t, ran(t, m, d, 0, "configure.ps1", append(backend, "-WhatIf")...), len(wantedOCS(d)))
		sameState(t, "-WhatIf", m.State, start)
		if len(m.Machine.Files) > 0 {
			t.Error("files were written")
		}
	})
}

func TestOCSStopsBeforeTheFirstChange(t *testing.T) {
	eachOCS(t, func(t *testing.T, d federation.Deployment, _ *pstest.Microsoft, backend []string) {
		ours := func(name string, value any) map[string]any {
			port := 5061
			if d.Answers.Transport == federation.TCP {
				port = 5060
			}
			entry := map[string]any{"Backend": backend[1], "InstanceID": "{5}", "Enabled": true, "MatchURI": d.Answers.Domains[0], "NextHop": "elsewhere.example.com",
				"NextHopPort": port, "NextHopTransport": strings.ToUpper(d.Answers.Transport), "ReplaceHostInRequestURI": false}
			entry[name] = value
			return entry
		}
		for name, place := range map[string]func(s *pstest.State){
			"a route that leads elsewhere": func(s *pstest.State) { s.WMI[routing] = append(s.WMI[routing], ours("Enabled", true)) },
			"a route with another port":    func(s *pstest.State) { s.WMI[routing] = append(s.WMI[routing], ours("NextHopPort", 5070)) },
			"a host that is outbound only": func(s *pstest.State) {
				s.WMI[authority] = append(s.WMI[authority], map[string]any{"Backend": backend[1], "InstanceID": "{6}", "Server": addresses(d)[d.Answers.RoutingNode][0],
					"OutboundOnly": true, "ThrottleAsServer": true, "TreatAsAuthenticated": true})
			},
			"no listening address for the nodes": func(s *pstest.State) { s.WMI[listening] = s.WMI[listening][:1] },
		} {
			m := freshOCS(d, backend[1])
			place(&m.State)
			start := m.State.Clone()
			if result := ran(t, m, d, 1, "configure.ps1", backend...); len(result.Changes) > 0 || len(result.Asked) > 0 {
				t.Errorf("%s: it asked %v and changed %v", name, result.Asked, result.Changes)
			}
			sameState(t, name, m.State, start)
		}
	})
}

func TestOCSOfAnEnterpriseNeedsItsDatabase(t *testing.T) {
	d := deployments()["ocs-enterprise"]
	m := freshOCS(d, `sql1.synergy.com\rtc`)
	result := ran(t, m, d, 1, "configure.ps1")
	if said := strings.Join(result.Host, "\n"); len(result.Changes) > 0 || !strings.Contains(said, `-Backend SERVER\INSTANCE`) || !strings.Contains(said, `sql1.synergy.com\rtc`) {
		t.Errorf("it says\n%s", said)
	}
}

func TestOCSThatIsHalfDoneIsCompleted(t *testing.T) {
	eachOCS(t, func(t *testing.T, d federation.Deployment, m *pstest.Microsoft, backend []string) {
		ran(t, m, d, 0, "configure.ps1", backend...)
		done := len(m.State.WMI[routing]) + len(m.State.WMI[authority])
		for i := range wantedOCS(d) {
			for _, broken := range []func(m *pstest.Microsoft){
				func(m *pstest.Microsoft) { decline(m, i) },
				func(m *pstest.Microsoft) { m.Fails, m.FailAt = "Set-WmiInstance", i+1 },
			} {
				m := freshOCS(d, backend[1])
				broken(m)
				ran(t, m, d, 1, "configure.ps1", backend...)
				m.Machine.Ask, m.Fails = nil, ""
				ran(t, m, d, 0, "configure.ps1", backend...)
				if got := len(m.State.WMI[routing]) + len(m.State.WMI[authority]); got != done {
					t.Errorf("broken off at %d, there are %d entries at the end, want %d", i, got, done)
				}
			}
		}
	})
}
