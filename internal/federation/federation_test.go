package federation

import (
	"slices"
	"strings"
	"testing"
)

func TestNamesAreHeldStrictly(t *testing.T) {
	long := strings.Repeat("a", 64) + ".com"
	for _, c := range []struct{ in, want, fault string }{
		{"Lync01.Synergy.com.", "lync01.synergy.com", ""},
		{" imp1.synergy.com ", "imp1.synergy.com", ""},
		{"bücher.example", "xn--bcher-kva.example", ""},
		{"हिन्दी.example", "xn--j2bd4cyah0f.example", ""},
		{"", "", "Enter a fully qualified name"},
		{"synergy", "", "single label"},
		{"10.1.20.21", "", "IP address"},
		{"2001:db8::1", "", "IP address"},
		{"-a.com", "", "hyphen"},
		{"a-.com", "", "hyphen"},
		{".synergy.com", "", "dot"},
		{"a..com", "", "dot"},
		{"a_b.com", "", "letters, digits"},
		{"a b.com", "", "letters, digits"},
		{"o'brien.com", "", "letters, digits"},
		{"o\u2019brien.com", "", "no domain name may hold"},
		{"a\n.com", "", "letters, digits"},
		{"a.123", "", "number"},
		{long, "", "63"},
	} {
		got, err := ParseFQDN(c.in)
		if got != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("ParseFQDN(%q) = %q, %v; want %q, %q", c.in, got, err, c.want, c.fault)
		}
	}
	if _, err := ParseDomain("synergy.com."); err == nil {
		t.Error("a presence domain with a trailing dot is refused")
	}
	if _, err := ParseDomain(strings.Repeat("abcdefgh.", 15) + "com"); err == nil {
		t.Error("a presence domain of more than 128 characters is refused")
	}
}

func TestADomainTypedForARouteBecomesItsPattern(t *testing.T) {
	for typed, want := range map[string]string{
		"domaina.com": ".com.domaina", "domaina.co.uk": ".uk.co.domaina", ".com.domaina": ".com.domaina",
		"LyncServer.DomainA.com": ".com.domaina.lyncserver",
	} {
		r := NewStaticRoute()
		r.Type, r.Destination, r.NextHop = RouteDomain, typed, "10.1.20.21"
		r.Normalize()
		if r.Destination != want || len(r.Problems()) > 0 {
			t.Errorf("%s: %s %v, want %s", typed, r.Destination, r.Problems(), want)
		}
		if back := r.Domain(); Reverse(back) != want {
			t.Errorf("%s does not lead back to its domain: %s", want, back)
		}
	}
}

// faults collects "path: text" of one object.
func faults(o Object) string {
	o.Normalize()
	return Invalid(o.Problems()).Error()
}

func TestFieldRulesHaveSentences(t *testing.T) {
	route := func(edit func(*StaticRoute)) Object {
		r := NewStaticRoute()
		r.Type, r.Destination, r.NextHop, r.Port, r.Transport = RouteDomain, "synergy.com", "10.1.20.21", 5061, TLS
		edit(&r)
		return &r
	}
	for name, c := range map[string]struct {
		o    Object
		want string
	}{
		"a route is fine":           {route(func(*StaticRoute) {}), ""},
		"port too high":             {route(func(r *StaticRoute) { r.Port = 70000 }), "port: Enter a port between 1 and 65535."},
		"port 0 with an address":    {route(func(r *StaticRoute) { r.Port = 0 }), "port: Port 0 asks DNS"},
		"port 0 with a name is SRV": {route(func(r *StaticRoute) { r.Port, r.NextHop = 0, "fe1.synergy.com" }), ""},
		"priority 0":                {route(func(r *StaticRoute) { r.Priority = 0 }), "priority: Enter a priority between"},
		"negative weight":           {route(func(r *StaticRoute) { r.Weight = -1 }), "weight: Enter a weight between"},
		"user type with a domain":   {route(func(r *StaticRoute) { r.Type = RouteUser }), "destination: A user pattern holds digits"},
		"no next hop":               {route(func(r *StaticRoute) { r.NextHop = "" }), "next_hop: Enter the next hop"},
		"odd next hop":              {route(func(r *StaticRoute) { r.NextHop = "a b" }), "next_hop: Enter an IP address such as"},
		"odd transport":             {route(func(r *StaticRoute) { r.Transport = "sctp" }), "transport: Choose one of tcp, tls, udp."},
		"line break in description": {route(func(r *StaticRoute) { r.Description = "a\nb" }), "description: Line breaks"},
		"two stars":                 {route(func(r *StaticRoute) { r.Destination = ".com.*" }), "destination: A destination pattern is the domain reversed"},
		"acl: all":                  {&ACLEntry{Pattern: "Allow from All"}, ""},
		"acl: wildcard":             {&ACLEntry{Pattern: "*.foo.com"}, "pattern: Enter the domain without a star: foo.com"},
		"acl: two words":            {&ACLEntry{Pattern: "foo com"}, "pattern: Enter an IP address, a domain such as foo.com, or All."},
		"acl: URL":                  {&ACLEntry{Pattern: "http://foo.com"}, "pattern: Enter an IP address"},
		"acl: empty":                {&ACLEntry{}, "pattern: Enter an IP address"},
		"subject: wildcard":         {&TLSPeerSubject{Name: "*.foo.com"}, "name: A peer subject is one whole name"},
		"subject: CN= is dropped":   {&TLSPeerSubject{Name: "CN=Pool.foo.com"}, ""},
		"subject: URL":              {&TLSPeerSubject{Name: "https://foo.com"}, "name: Enter the Common Name alone"},
		"node: backup is itself":    {&Node{Name: "a.b.com", Address: "10.0.0.1", Backup: "a.b.com"}, "backup: A node cannot be its own backup"},
		"node: unspecified address": {&Node{Name: "a.b.com", Address: "0.0.0.0"}, "address: Listeners need one address"},
		"node: unknown service":     {&Node{Name: "a.b.com", Address: "10.0.0.1", Services: []string{"presence"}}, "services[0]: Choose one of"},
		"context: EC only":          {&TLSContext{Name: "x", MinVersion: "1.2", Ciphers: []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}}, "ciphers: Lync offers no elliptic-curve"},
		"context: unknown cipher":   {&TLSContext{Name: "x", MinVersion: "1.2", Ciphers: []string{"NULL"}}, `ciphers[0]: "NULL" is no cipher suite`},
		"listener: UDP":             {&Listener{Name: "u", Transport: UDP, Port: 5060, Enabled: true}, ""},
		"listener: UDP, a context":  {&Listener{Name: "u", Transport: UDP, Port: 5060, TLSContext: PeerAuthContext}, "tls_context: Only a TLS listener has"},
		"listener: TLS, no context": {&Listener{Name: "u", Transport: TLS, Port: 5061}, "tls_context: A TLS listener needs"},
		"user: no home node":        {&User{UserID: "ann", Licensed: true}, "node: A licensed user needs a home node"},
		"user: sip: is dropped":     {&User{UserID: "ann", IMAddress: "sip:Ann@synergy.com"}, ""},
		"user: odd address":         {&User{UserID: "ann", IMAddress: "ann"}, "im_address: Enter an address such as"},
		"settings exclude another":  {settingsObject{&Settings{PartitionedFederation: true, EmailFederation: true, RoutingMode: "basic", NodeTransport: "tcp", IMAddressScheme: "user_id", DirectoryURISource: "mail"}}, "email_federation: Partitioned intradomain federation and"},
	} {
		if got := faults(c.o); c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

type settingsObject struct{ *Settings }

func (settingsObject) Key() string { return "" }

func TestACLPatternsAreStoredInCanonicalForm(t *testing.T) {
	for typed, want := range map[string]string{
		"ALL": "all", "allow from Foo.com": "foo.com", "10.1.20.99/24": "10.1.20.0/24", "::ffff:10.1.10.100": "10.1.10.100",
		"2001:DB8::1": "2001:db8::1", "10.1.1.1/32": "10.1.1.1", "OCS1.foo.com": "ocs1.foo.com", "::ffff:10.1.20.99/120": "10.1.20.0/24",
	} {
		if got, err := ParseACLPattern(typed); got != want || err != nil {
			t.Errorf("%s: %s %v, want %s", typed, got, err, want)
		}
	}
}

// valid is a small configuration without problems.
func valid() Configuration {
	c := DefaultConfiguration()
	c.Settings.DefaultDomain = "synergy.com"
	c.Domains = []Domain{{Name: "synergy.com"}}
	c.Nodes = []Node{{Name: "imp1.synergy.com", Address: "127.0.0.11", Services: Services}, {Name: "imp2.synergy.com", Address: "127.0.0.12"}}
	c.Users = []User{{UserID: "ann", Licensed: true, Node: "imp2.synergy.com"}}
	c.Normalize()
	return c
}

func TestRulesBetweenThingsAreHeld(t *testing.T) {
	start := valid()
	if list := start.Validate(Usage{}); len(list) > 0 {
		t.Fatalf("the base is not valid: %v", list)
	}
	for name, c := range map[string]struct {
		edit func(*Configuration)
		want string
	}{
		"two nodes with one address":      {func(c *Configuration) { c.Nodes[1].Address = "127.0.0.11" }, "nodes[1].address: imp1.synergy.com has this address"},
		"a route back to a node":          {func(c *Configuration) { c.StaticRoutes = []StaticRoute{route("127.0.0.12")} }, "static_routes[0].next_hop: 127.0.0.12 belongs to the node"},
		"a duplicate route":               {func(c *Configuration) { c.StaticRoutes = []StaticRoute{route("127.0.0.21"), route("127.0.0.21")} }, "static_routes[1]: .com.synergy 127.0.0.21:5061/tls is listed twice"},
		"an unknown backup":               {func(c *Configuration) { c.Nodes[0].Backup = "imp9.synergy.com" }, "nodes[0].backup: There is no node"},
		"a routing node with users":       {func(c *Configuration) { c.Nodes[1].Routing = true }, "nodes[1].routing: Users are homed on"},
		"an unmapped peer subject":        {func(c *Configuration) { c.TLSContexts[0].PeerSubjects = []string{"x.synergy.com"} }, "tls_contexts[0].peer_subjects[0]: x.synergy.com is not in TLS peer subjects"},
		"a port taken, TLS and TCP alike": {func(c *Configuration) { c.Listeners[0].Port = 5061 }, "listeners[3].port: Port 5061 is taken by the listener"},
		"an unknown TLS context":          {func(c *Configuration) { c.Listeners[2].TLSContext = "x" }, "listeners[2].tls_context: There is no TLS context x"},
		"an unknown default domain":       {func(c *Configuration) { c.Settings.DefaultDomain = "x.com" }, "settings.default_domain: x.com is not among the domains"},
		"a remote domain of ours":         {func(c *Configuration) { c.FederatedDomains = []FederatedDomain{{Name: "synergy.com"}} }, "federated_domains[0].name: synergy.com is a domain of this side"},
		"a domain that users need": {func(c *Configuration) {
			c.Domains, c.Settings.DefaultDomain = nil, ""
			c.Users[0].IMAddress = "ann@synergy.com"
		}, "users[0].im_address: synergy.com is not among"},
		"two licensed users with one address": {func(c *Configuration) {
			c.Users = append(c.Users, User{UserID: "bob", IMAddress: "ann@synergy.com", Licensed: true, Node: "imp2.synergy.com"})
		}, "users[1].im_address: ann has the address"},
		"the peer-auth context removed":  {func(c *Configuration) { c.TLSContexts, c.Listeners = c.TLSContexts[1:], nil }, "tls_contexts: The context sip-proxy-peer-auth holds"},
		"connector on a listener's port": {func(c *Configuration) { c.Nodes[0].Connector = "127.0.0.11:5061" }, "nodes[0].connector: The listener"},
	} {
		config := valid()
		c.edit(&config)
		got := Invalid(config.Validate(Usage{})).Error()
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestWhoIsNotLicensedHereTakesNobodysAddress(t *testing.T) {
	c := valid()
	c.Users = append(c.Users, User{UserID: "bob", IMAddress: "ann@synergy.com"})
	if list := c.Validate(Usage{}); len(list) > 0 {
		t.Error(list)
	}
}

func route(hop string) StaticRoute {
	r := NewStaticRoute()
	r.Type, r.Destination, r.NextHop, r.Port, r.Transport = RouteDomain, ".com.synergy", hop, 5061, TLS
	return r
}

func TestDiffNamesWhatIsAddedChangedAndRemoved(t *testing.T) {
	old, new := valid(), valid()
	if d := Diff(&old, &new); len(d) > 0 {
		t.Fatalf("equal configurations differ: %v", d)
	}
	new.Settings.RoutingMode = RoutingAdvanced
	new.Listeners[0].Port = 5070
	new.Domains = append(slices.Clone(new.Domains), Domain{Name: "synergy.co.uk"})
	new.Users = nil
	var lines []string
	for _, d := range Diff(&old, &new) {
		lines = append(lines, d.String())
	}
	want := []string{"changed setting routing_mode: routing_mode basic -> advanced", "added domain synergy.co.uk",
		"changed listener Default SIP Proxy TCP Listener: port 5060 -> 5070", "removed user ann"}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q", lines)
	}
}

func TestAPlanLineQuotesWhatScriptsWouldSplit(t *testing.T) {
	c := Change{Verdict: VerdictNew, Kind: "listener", Fields: []KeyValue{{"name", `Lab "TLS"`}, {"port", "5061"}, {"text", ""}}}
	if got := c.String(); got != `new listener name="Lab \"TLS\"" port=5061 text=""` {
		t.Errorf("got %s", got)
	}
}

func TestANextHopIsOneHost(t *testing.T) {
	for _, address := range []string{"0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"} {
		r := NewStaticRoute()
		r.Type, r.Destination, r.NextHop = RouteDomain, "synergy.com", address
		r.Normalize()
		if got := Invalid(r.Problems()).Of("next_hop"); len(got) != 1 {
			t.Errorf("%s: %q", address, got)
		}
	}
}

func TestOneFaultIsToldOnce(t *testing.T) {
	n := Node{Name: "imp1.synergy.com", Address: "here"}
	n.Normalize()
	if list := n.Problems(); len(list) != 1 || list[0].Path != "address" {
		t.Errorf("a node without an address: %v", list)
	}
	r := NewStaticRoute()
	r.Type, r.Destination, r.NextHop = RouteDomain, strings.Repeat("a", 300), "10.1.20.21"
	r.Normalize()
	if list := r.Problems(); len(list) != 1 || list[0].Path != "destination" {
		t.Errorf("a destination that is too long: %v", list)
	}
	c := DefaultConfiguration()
	c.Domains = []Domain{{Name: "synergy"}, {Name: "synergy"}}
	if list := c.Validate(Usage{}); len(list) != 2 {
		t.Errorf("two wrong names that are alike: %v", list)
	}
}
