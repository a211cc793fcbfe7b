package federation

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestWhatUsersStandOnStays(t *testing.T) {
	for name, c := range map[string]struct {
		edit  func(*Configuration)
		usage Usage
		want  string
	}{
		"nobody is homed on a routing node": {func(c *Configuration) { c.Nodes[1].Routing = true }, Usage{ByNode: map[string]int{"imp2.synergy.com": 1}}, "nodes[1].routing: Users are homed on imp2.synergy.com (1)"},
		"a routing node without users":      {func(c *Configuration) { c.Nodes[1].Routing = true }, Usage{ByNode: map[string]int{"imp1.synergy.com": 1}}, ""},
		"a node with users is removed":      {func(c *Configuration) { c.Nodes = c.Nodes[:1] }, Usage{ByNode: map[string]int{"imp2.synergy.com": 3}}, "nodes: Users are homed on imp2.synergy.com (3)"},
		"a node without users is removed":   {func(c *Configuration) { c.Nodes = c.Nodes[:1] }, Usage{ByNode: map[string]int{"imp2.synergy.com": 0}}, ""},
		"a domain with users is removed":    {func(c *Configuration) { c.Domains, c.Settings.DefaultDomain = nil, "" }, Usage{ByDomain: map[string]int{"synergy.com": 1}}, "domains: Users have addresses in synergy.com (1)"},
		"a domain without users is removed": {func(c *Configuration) { c.Domains, c.Settings.DefaultDomain = nil, "" }, Usage{ByDomain: map[string]int{"synergy.com": 0}}, ""},
	} {
		config := valid()
		config.Users = nil
		c.edit(&config)
		snapshot := Snapshot{Configuration: config, Usage: c.usage}
		if got := Invalid(snapshot.Validate()).Error(); got != c.want && (c.want == "" || !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n")) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestMoreRulesBetweenThingsAreHeld(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*Configuration)
		want string
	}{
		"a node named as a domain":      {func(c *Configuration) { c.Domains = append(c.Domains, Domain{Name: c.Nodes[0].Name}) }, "nodes[0].name: imp1.synergy.com is one of the domains"},
		"an existing backup":            {func(c *Configuration) { c.Nodes[0].Backup = c.Nodes[1].Name }, ""},
		"a route back to a node's name": {func(c *Configuration) { c.StaticRoutes = []StaticRoute{route("imp1.synergy.com")} }, "static_routes[0].next_hop: imp1.synergy.com belongs to the node"},
		"a route over UDP": {func(c *Configuration) {
			c.StaticRoutes = []StaticRoute{route("127.0.0.21")}
			c.StaticRoutes[0].Transport = UDP
		}, ""},
		"a hundred routes of a pattern":   {func(c *Configuration) { c.StaticRoutes = routes(MaxRoutesPerPattern) }, ""},
		"one route of a pattern too many": {func(c *Configuration) { c.StaticRoutes = routes(MaxRoutesPerPattern + 2) }, "static_routes[100].destination: .com.synergy has 100 routes already"},
		"a mapped peer subject": {func(c *Configuration) {
			c.TLSPeerSubjects = []TLSPeerSubject{{Name: "x.synergy.com"}}
			c.TLSContexts[0].PeerSubjects = []string{"x.synergy.com"}
		}, ""},
		"UDP and TCP on one port": {func(c *Configuration) {
			c.Listeners = []Listener{{Name: "a", Transport: TCP, Port: 5060, Enabled: true}, {Name: "b", Transport: UDP, Port: 5060, Enabled: true}}
		}, ""},
		"two UDP listeners on one port": {func(c *Configuration) {
			c.Listeners = []Listener{{Name: "a", Transport: UDP, Port: 5060}, {Name: "b", Transport: UDP, Port: 5060}}
		}, `listeners[1].port: Port 5060 is taken by the listener "a".`},
		"a connector on a UDP port":          {func(c *Configuration) { c.Listeners = []Listener{{Name: "b", Transport: UDP, Port: 5080}} }, ""},
		"a connector on another host's port": {func(c *Configuration) { c.Nodes[0].Connector = "127.0.0.99:5061" }, ""},
		"a context left out is told once":    {func(c *Configuration) { c.Listeners[2].TLSContext = "" }, "listeners[2].tls_context: A TLS listener needs"},
		"a context without TLS":              {func(c *Configuration) { c.Listeners[0].TLSContext = PeerAuthContext }, "listeners[0].tls_context: Only a TLS listener has"},
		"a user's unknown node":              {func(c *Configuration) { c.Users[0].Node = "imp9.synergy.com" }, "users[0].node: There is no node imp9.synergy.com"},
		"a user's routing node": {func(c *Configuration) {
			c.Nodes[0].Routing = true
			c.Users = append(c.Users, User{UserID: "bob", Node: c.Nodes[0].Name})
		}, ""},
		"a licensed user without an address": {func(c *Configuration) { c.Settings.DefaultDomain = "" }, "users[0].im_address: The IM address scheme gives this user no address"},
		"who is elsewhere needs no domain":   {func(c *Configuration) { c.Users = append(c.Users, User{UserID: "bob", IMAddress: "bob@elsewhere.com"}) }, ""},
		"ids that differ in case alone":      {func(c *Configuration) { c.Users = append(c.Users, User{UserID: "ANN"}) }, "users[1]: ann is listed twice in users"},
	} {
		config := valid()
		c.edit(&config)
		if got := Invalid(config.Validate(Usage{})).Error(); got != c.want && (c.want == "" || !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n")) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	c := valid()
	c.Nodes[0].Routing = true
	if got := Invalid(c.UserProblems(User{UserID: "eve", IMAddress: "eve@synergy.com", Licensed: true, Node: c.Nodes[0].Name})).Of("node"); len(got) != 1 {
		t.Errorf("a licensed user on a routing node: %q", got)
	}
}

// routes are routes of one pattern to as many next hops.
func routes(n int) []StaticRoute {
	list := make([]StaticRoute, n)
	for i := range list {
		list[i] = route(fmt.Sprintf("127.0.1.%d", i+1))
	}
	return list
}

func TestAnExportIsOrderedByKeyAndLeavesTheConfigurationAlone(t *testing.T) {
	c := Configuration{
		Domains: []Domain{{Name: "b.com"}, {Name: "a.com"}}, Nodes: []Node{{Name: "b.com"}, {Name: "a.com"}},
		StaticRoutes: []StaticRoute{{Destination: "2"}, {Destination: "1"}}, ACL: []ACLEntry{{Pattern: "b.com"}, {Pattern: "a.com"}},
		TLSPeerSubjects: []TLSPeerSubject{{Name: "b"}, {Name: "a"}}, TLSContexts: []TLSContext{{Name: "b"}, {Name: "a"}},
		Listeners: []Listener{{Name: "b"}, {Name: "a"}}, FederatedDomains: []FederatedDomain{{Name: "b.com"}, {Name: "a.com"}},
		Users: []User{{UserID: "b"}, {UserID: "A"}},
	}
	sorted := c.Sorted()
	before := c.Sections()
	for i, section := range sorted.Sections() {
		if keys(section)[0] != keys(before[i])[1] || keys(section)[1] != keys(before[i])[0] {
			t.Errorf("%s: %q sorted is %q", section.Name, keys(before[i]), keys(section))
		}
	}
	if empty := (Configuration{}).Sorted(); empty.Users == nil || empty.Domains == nil {
		t.Error("an empty section is missing from the export")
	}
}

func keys(s Section) []string {
	list := make([]string, len(s.Objects))
	for i, o := range s.Objects {
		list[i] = o.Key()
	}
	return list
}

func TestAPlanKnowsItsConflicts(t *testing.T) {
	c := Changes{List: []Change{{Verdict: VerdictNew, Kind: "a"}, {Verdict: VerdictConflict, Kind: "b"}, {Verdict: VerdictExists, Kind: "c"}, {Verdict: VerdictNew, Kind: "d"}}}
	if got := c.Conflicts(); len(got) != 1 || got[0].Kind != "b" {
		t.Errorf("conflicts %v", got)
	}
	if c.Count(VerdictNew) != 2 || c.Count(VerdictExists) != 1 || c.Count(VerdictConflict) != 1 {
		t.Errorf("%d new, %d there, %d in conflict", c.Count(VerdictNew), c.Count(VerdictExists), c.Count(VerdictConflict))
	}
}

func TestADifferenceShowsListsAndEmptyTextsAndNoIDs(t *testing.T) {
	old := Node{ID: 1, Name: "a.b.com", Backup: "c.b.com", Services: []string{"sip_federation", "sip_proxy"}}
	new := Node{ID: 2, Name: "a.b.com", Services: []string{}}
	want := []FieldChange{{"backup", "c.b.com", `""`}, {"services", "[sip_federation, sip_proxy]", "[]"}}
	if got := FieldChanges(&old, &new); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheImportedCertificateIsTheNodesOwn(t *testing.T) {
	made := Certificate{ID: 1, Purpose: PurposeOwn, Node: "a.b.com", SelfSigned: true}
	imported := Certificate{ID: 2, Purpose: PurposeOwn, Node: "a.b.com"}
	others := []Certificate{{ID: 3, Purpose: PurposeOwn, Node: "c.b.com"}, {ID: 4, Purpose: PurposeTrust, Node: "a.b.com"}}
	for name, c := range map[string]struct {
		list []Certificate
		want int64
	}{
		"imported last": {append(slices.Clone(others), made, imported), 2}, "imported first": {append(slices.Clone(others), imported, made), 2},
		"made only": {append(slices.Clone(others), made), 1},
	} {
		if got := (&Snapshot{Certificates: c.list}).Own("a.b.com"); got == nil || got.ID != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := (&Snapshot{Certificates: others}).Own("a.b.com"); got != nil {
		t.Errorf("a node without a certificate has %+v", got)
	}
}
