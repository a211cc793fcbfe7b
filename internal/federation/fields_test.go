package federation

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestTheLimitsOfFieldsAreExact(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	domain := strings.Repeat(x(31)+".", 4) // 128 octets
	route := func(edit func(*StaticRoute)) Object {
		r := NewStaticRoute()
		r.Type, r.Destination, r.NextHop = RouteDomain, "synergy.com", "10.1.20.21"
		edit(&r)
		return &r
	}
	user := func(u User) Object { u.Node = "imp1.synergy.com"; return &u }
	node := func(connector string) Object {
		return &Node{Name: "a.b.com", Address: "10.0.0.1", Connector: connector}
	}
	for name, c := range map[string]struct {
		fits, breaks Object
		field        string
	}{
		"a label":             {&TLSPeerSubject{Name: x(63) + ".com"}, &TLSPeerSubject{Name: x(64) + ".com"}, "name"},
		"a presence domain":   {&Domain{Name: domain[:124] + ".com"}, &Domain{Name: domain[:125] + ".com"}, "name"},
		"a federated domain":  {&FederatedDomain{Name: domain[:124] + ".com"}, &FederatedDomain{Name: domain[:125] + ".com"}, "name"},
		"a host name":         {route(func(r *StaticRoute) { r.NextHop = domain + domain[:121] + ".com" }), route(func(r *StaticRoute) { r.NextHop = domain + domain[:122] + ".com" }), "next_hop"},
		"a description":       {route(func(r *StaticRoute) { r.Description = strings.Repeat("å", 255) }), route(func(r *StaticRoute) { r.Description = x(256) }), "description"},
		"a port":              {route(func(r *StaticRoute) { r.Port = 65535 }), route(func(r *StaticRoute) { r.Port = 65536 }), "port"},
		"the lowest port":     {route(func(r *StaticRoute) { r.Port = 1 }), route(func(r *StaticRoute) { r.Port = -1 }), "port"},
		"a listener's port":   {&Listener{Name: "a", Transport: TCP, Port: 1}, &Listener{Name: "a", Transport: TCP, Port: 0}, "port"},
		"a priority":          {route(func(r *StaticRoute) { r.Priority = 65535 }), route(func(r *StaticRoute) { r.Priority = 65536 }), "priority"},
		"a weight":            {route(func(r *StaticRoute) { r.Weight = 65535 }), route(func(r *StaticRoute) { r.Weight = 0 }), "weight"},
		"a user id":           {user(User{UserID: x(132)}), user(User{UserID: x(133)}), "id"},
		"an empty user id":    {user(User{UserID: "a"}), user(User{UserID: " "}), "id"},
		"a user id's blanks":  {user(User{UserID: "a.b'c"}), user(User{UserID: "a b"}), "id"},
		"a user id's control": {user(User{UserID: "a"}), user(User{UserID: "a\x7fb"}), "id"},
		"a user id's comma":   {user(User{UserID: "a"}), user(User{UserID: "a,b"}), "id"},
		"an address's user":   {user(User{UserID: "a", Mail: "a@b.com"}), user(User{UserID: "a", Mail: "@b.com"}), "mail"},
		"an address's at":     {user(User{UserID: "a", Mail: "a@b.com"}), user(User{UserID: "a", Mail: "a@b@b.com"}), "mail"},
		"an address's blank":  {user(User{UserID: "a", Mail: "a@b.com"}), user(User{UserID: "a", Mail: "a c@b.com"}), "mail"},
		"an address's domain": {user(User{UserID: "a", MicrosoftAddress: "a@b.com"}), user(User{UserID: "a", MicrosoftAddress: "a@b"}), "microsoft_address"},
		"a connector's port":  {node("10.0.0.1:65535"), node("10.0.0.1:65536"), "connector"},
		"a connector's least": {node("10.0.0.1:1"), node("10.0.0.1:0"), "connector"},
		"a connector's host":  {node("[2001:db8::1]:5080"), node("imp1.synergy.com:5080"), "connector"},
		"a connector has one": {node(""), node("10.0.0.1"), "connector"},
		"a zone":              {&Node{Name: "a.b.com", Address: "fe80::1"}, &Node{Name: "a.b.com", Address: "fe80::1%eth0"}, "address"},
		"a control character": {&ACLEntry{Pattern: "all", Description: "tab"}, &ACLEntry{Pattern: "all", Description: "a\tb"}, "description"},
		"what is no letter":   {&ACLEntry{Pattern: "all", Description: "é"}, &ACLEntry{Pattern: "all", Description: "a\xffb"}, "description"},
		"a last label":        {&Domain{Name: "a.x1"}, &Domain{Name: "a.09"}, "name"},
		"letters and digits":  {&Domain{Name: "az-09.zz"}, &Domain{Name: "a{.zz"}, "name"},
		"before the letters":  {&Domain{Name: "az-09.zz"}, &Domain{Name: "a`.zz"}, "name"},
		"after the digits":    {&Domain{Name: "az-09.zz"}, &Domain{Name: "a:9.zz"}, "name"},
		"before the digits":   {&Domain{Name: "az-09.zz"}, &Domain{Name: "a/9.zz"}, "name"},
	} {
		if got := faults(c.fits); got != "" {
			t.Errorf("%s: what fits is refused: %s", name, got)
		}
		if got := faults(c.breaks); !strings.HasPrefix(got, c.field+": ") {
			t.Errorf("%s: got %q, want a fault of %s", name, got, c.field)
		}
	}
}

func TestAUserPatternHasItsGrammar(t *testing.T) {
	for pattern, want := range map[string]string{
		"4420.": "", "4420*": "", "+49-30.": "", "*": "", "": "Enter the destination", "44*20": "A user pattern holds", "ann": "A user pattern holds", "44**": "A user pattern holds",
	} {
		r := NewStaticRoute()
		r.Destination, r.NextHop = pattern, "10.1.20.21"
		r.Normalize()
		if got := Invalid(r.Problems()).Of("destination"); len(got) > 1 || strings.Join(got, "") != "" != (want != "") || !strings.HasPrefix(strings.Join(got, ""), want) {
			t.Errorf("%q: got %q, want %q", pattern, got, want)
		}
		if r.Domain() != "" {
			t.Errorf("a user route has the domain %q", r.Domain())
		}
	}
}

func TestADomainPatternIsADomain(t *testing.T) {
	for typed, want := range map[string]string{"": "Enter the destination", ".": "Enter a domain such as", "synergy": "Enter a domain such as", ".com": "A destination pattern is", ".com..a": "A destination pattern is"} {
		r := NewStaticRoute()
		r.Type, r.Destination, r.NextHop = RouteDomain, typed, "10.1.20.21"
		r.Normalize()
		if got := Invalid(r.Problems()).Of("destination"); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%q: got %q, want %q", typed, got, want)
		}
	}
	if got := PatternDomain("synergy.com"); got != "" {
		t.Errorf("what is no pattern stands for %q", got)
	}
}

func TestWhatIsTypedIsBroughtIntoCanonicalForm(t *testing.T) {
	for name, c := range map[string]struct{ got, want Object }{
		"a domain":                             {&Domain{Name: " Synergy.COM "}, &Domain{Name: "synergy.com"}},
		"a domain that is none stays as typed": {&Domain{Name: " Synergy "}, &Domain{Name: "Synergy"}},
		"a federated domain":                   {&FederatedDomain{Name: " Remote.COM "}, &FederatedDomain{Name: "remote.com"}},
		"a federated domain that is none":      {&FederatedDomain{Name: " Remote "}, &FederatedDomain{Name: "Remote"}},
		"a listener":                           {&Listener{Name: " L ", Transport: " TLS ", TLSContext: " c "}, &Listener{Name: "L", Transport: "tls", TLSContext: "c"}},
		"an ACL entry":                         {&ACLEntry{Pattern: " Foo.com ", Description: " d "}, &ACLEntry{Pattern: "foo.com", Description: "d"}},
		"an ACL entry that is none":            {&ACLEntry{Pattern: " Foo bar "}, &ACLEntry{Pattern: "Foo bar"}},
		"a peer subject":                       {&TLSPeerSubject{Name: " CN= Pool.Foo.com. ", Description: " d "}, &TLSPeerSubject{Name: "pool.foo.com", Description: "d"}},
		"a user": {&User{UserID: " Ann ", Node: " IMP1.synergy.com", IMAddress: " SIP:Ann@Synergy.com", Mail: "Ann@Synergy.com ", MicrosoftAddress: "sip:ANN@synergy.com"},
			&User{UserID: "Ann", Node: "imp1.synergy.com", IMAddress: "ann@synergy.com", Mail: "ann@synergy.com", MicrosoftAddress: "ann@synergy.com"}},
		"a route by domain": {&StaticRoute{Type: " Domain", Destination: " .COM.Foo ", NextHop: " FE1.Foo.com. ", Transport: "TLS ", Description: " d "},
			&StaticRoute{Type: "domain", Destination: ".com.foo", NextHop: "fe1.foo.com", Transport: "tls", Description: "d"}},
		"a route by user":         {&StaticRoute{Type: "user", Destination: " 44* ", NextHop: "::ffff:10.0.0.1"}, &StaticRoute{Type: "user", Destination: "44*", NextHop: "10.0.0.1"}},
		"a next hop that is none": {&StaticRoute{Type: "user", NextHop: " A B "}, &StaticRoute{Type: "user", NextHop: "A B"}},
		"a node": {&Node{Name: " IMP1.foo.com", Address: " ::ffff:10.0.0.1", Backup: "IMP2.foo.com ", Services: []string{"sip_proxy", "sip_federation", "sip_proxy"}},
			&Node{Name: "imp1.foo.com", Address: "10.0.0.1", Backup: "imp2.foo.com", Connector: "10.0.0.1:5080", Services: []string{"sip_federation", "sip_proxy"}}},
		"a node's connector":               {&Node{Name: "a.b.com", Address: "10.0.0.1", Connector: " [::ffff:10.0.0.1]:5090 "}, &Node{Name: "a.b.com", Address: "10.0.0.1", Connector: "10.0.0.1:5090", Services: []string{}}},
		"a connector that is none":         {&Node{Name: "a.b.com", Address: "here", Connector: " there "}, &Node{Name: "a.b.com", Address: "here", Connector: "there", Services: []string{}}},
		"a default domain that is none":    {settingsObject{&Settings{DefaultDomain: " Synergy "}}, settingsObject{&Settings{DefaultDomain: "synergy"}}},
		"a peer subject that is none":      {&TLSPeerSubject{Name: " CN=Pool "}, &TLSPeerSubject{Name: "pool"}},
		"a user's addresses that are none": {&User{UserID: "a", Node: " B ", Mail: " SIP:X "}, &User{UserID: "a", Node: "B", Mail: "x"}},
		"an IPv6 node":                     {&Node{Name: "a.b.com", Address: "2001:DB8::1"}, &Node{Name: "a.b.com", Address: "2001:db8::1", Connector: "[2001:db8::1]:5080", Services: []string{}}},
		"a TLS context": {&TLSContext{Name: " x ", MinVersion: " 1.2 ", PeerSubjects: []string{"B.foo.com", "a.foo.com", "cn=b.foo.com"}},
			&TLSContext{Name: "x", MinVersion: "1.2", Ciphers: []string{}, PeerSubjects: []string{"a.foo.com", "b.foo.com"}}},
		"settings": {settingsObject{&Settings{RoutingMode: " Basic", NodeTransport: "TLS ", IMAddressScheme: "User_ID", DirectoryURISource: "MAIL", DefaultDomain: " bücher.Example "}},
			settingsObject{&Settings{RoutingMode: "basic", NodeTransport: "tls", IMAddressScheme: "user_id", DirectoryURISource: "mail", DefaultDomain: "xn--bcher-kva.example"}}},
	} {
		if c.got.Normalize(); !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, c.got, c.want)
		}
	}
}

func TestALimitIsANumberOrUnlimited(t *testing.T) {
	for text, want := range map[string]Limit{"1": 1, "1000000": 1_000_000, " Unlimited ": Unlimited} {
		var got Limit = 7
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
	for _, text := range []string{"0", "-1", "1000001", "many", "", "1.5"} {
		got := Limit(7)
		if err := got.UnmarshalText([]byte(text)); err == nil || got != 7 {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
	if Unlimited.String() != "unlimited" || Limit(200).String() != "200" {
		t.Errorf("%s, %s", Unlimited, Limit(200))
	}
}

func TestTheSchemeGivesAUserTheAddress(t *testing.T) {
	ann := User{UserID: "Ann", Mail: "ann.lee@synergy.com", MicrosoftAddress: "a.lee@synergy.com"}
	at, byHand := ann, ann
	at.UserID, byHand.IMAddress = "ann@corp", "lee@synergy.com"
	id := Settings{IMAddressScheme: SchemeUserID, DefaultDomain: "synergy.com"}
	for name, c := range map[string]struct {
		s    Settings
		u    User
		want string
	}{
		"by id":                      {id, ann, "ann@synergy.com"},
		"by id, no default domain":   {Settings{IMAddressScheme: SchemeUserID}, ann, ""},
		"by id, the id holds an @":   {id, at, ""},
		"by mail":                    {Settings{IMAddressScheme: SchemeDirectoryURI, DirectoryURISource: SourceMail}, at, "ann.lee@synergy.com"},
		"by Microsoft address":       {Settings{IMAddressScheme: SchemeDirectoryURI, DirectoryURISource: SourceMicrosoft}, ann, "a.lee@synergy.com"},
		"by hand, whatever a scheme": {id, byHand, "lee@synergy.com"},
	} {
		if got := c.u.Address(c.s); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestACLNamesAreToldFromAddresses(t *testing.T) {
	for pattern, want := range map[string]bool{"all": false, "10.1.20.21": false, "10.1.20.0/24": false, "2001:db8::/32": false, "foo.com": true} {
		if got := (&ACLEntry{Pattern: pattern}).IsName(); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}

func TestAnAddressHasNoZoneAndNoMapping(t *testing.T) {
	if a, err := ParseAddress(" ::ffff:10.0.0.1 "); err != nil || a != netip.MustParseAddr("10.0.0.1") {
		t.Errorf("%v %v", a, err)
	}
	if IsAddress("fe80::1%eth0") || IsAddress("") || !IsAddress("10.0.0.1") {
		t.Error("an address is told wrongly from what is none")
	}
}

func TestOnlySuitesThatCanBeOfferedAreCiphers(t *testing.T) {
	for name, want := range map[string]bool{"TLS_RSA_WITH_AES_128_CBC_SHA": true, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": true, "TLS_RSA_WITH_RC4_128_SHA": false, "TLS_AES_128_GCM_SHA256": false} {
		c := NewTLSContext()
		c.Name, c.Ciphers = "x", []string{name, "TLS_RSA_WITH_AES_256_CBC_SHA"}
		if got := faults(&c); (got == "") != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
