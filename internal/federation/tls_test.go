package federation

import (
	"slices"
	"strings"
	"testing"
)

func TestOfAWholeSubjectTheOneCommonNameIsTaken(t *testing.T) {
	for typed, want := range map[string]string{
		"CN=fe8.synergy.com, O=Foo":                               "fe8.synergy.com",
		"C = US, O = \"Foo, CN=evil.com\", CN = FE8.synergy.com.": "fe8.synergy.com",
		`O=Foo\, CN\=evil.com,CN=fe8.synergy.com`:                 "fe8.synergy.com",
		`O=Foo\\,CN=fe8.synergy.com`:                              "fe8.synergy.com",
		"OU=SIP+CN=fe8.synergy.com; DC=synergy":                   "fe8.synergy.com",
		"2.5.4.3=fe8.synergy.com,O=Foo":                           "fe8.synergy.com",
		"subject=CN = fe8.synergy.com, O = Foo":                   "fe8.synergy.com",
		"Subject: C=US, CN=\"fe8.synergy.com\"":                   "fe8.synergy.com",
		"fe8.synergy.com":                                         "fe8.synergy.com",
		"subject.synergy.com":                                     "subject.synergy.com",
	} {
		s := TLSPeerSubject{Name: typed}
		s.Normalize()
		if s.Name != want || len(s.Problems()) > 0 {
			t.Errorf("%s is taken as %q, %v", typed, s.Name, s.Problems())
		}
	}
}

func TestASubjectWithoutOneCommonNameHasASentenceOfItsOwn(t *testing.T) {
	for typed, want := range map[string]string{
		"CN=fe1.synergy.com, CN=evil.com": "has two Common Names or more",
		"O=Foo, C=US":                     "has no CN=",
		"CN=, O=Foo":                      "Enter the Subject Common Name",
		"fe8.synergy.com, O=Foo":          "Enter the Common Name alone",
		"https://fe8.synergy.com/?cn=fe8": "not an URL",
	} {
		s := TLSPeerSubject{Name: typed}
		s.Normalize()
		if list := s.Problems(); len(list) != 1 || !strings.Contains(list[0].Text, want) {
			t.Errorf("%s: %v, want %q", typed, list, want)
		}
	}
}

func TestEllipticCurvesAloneAreFineWhereTLS13IsDemandedAsTheListHasNoEffect(t *testing.T) {
	c := TLSContext{Name: "x", MinVersion: "1.3", Ciphers: []string{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}}
	if list := c.Problems(); len(list) > 0 {
		t.Error(list)
	}
}

func TestOldVersionsAreInUseThroughEnabledListenersAndTowardsNextHops(t *testing.T) {
	context := func(name, version string) TLSContext { return TLSContext{Name: name, MinVersion: version} }
	listener := func(context string, enabled bool) Listener {
		return Listener{Transport: TLS, TLSContext: context, Enabled: enabled}
	}
	for promise, test := range map[string]struct {
		contexts  []TLSContext
		listeners []Listener
		want      []string
	}{
		"no listener uses it":              {[]TLSContext{context("old", "1.0")}, nil, nil},
		"its listener is off":              {[]TLSContext{context("old", "1.0")}, []Listener{listener("old", false)}, nil},
		"one of its two listeners is on":   {[]TLSContext{context("old", "1.1")}, []Listener{listener("old", true), listener("old", false)}, []string{"old"}},
		"next hops need no listener":       {[]TLSContext{context(PeerAuthContext, "1.0")}, nil, []string{PeerAuthContext}},
		"1.2 and 1.3 are none":             {[]TLSContext{context("a", "1.2"), context("b", "1.3")}, []Listener{listener("a", true), listener("b", true)}, nil},
		"a TCP listener stands for no one": {[]TLSContext{context("old", "1.0")}, []Listener{{Transport: TCP, Enabled: true}}, nil},
	} {
		c := Configuration{TLSContexts: test.contexts, Listeners: test.listeners}
		var names []string
		for _, found := range c.LegacyContexts() {
			names = append(names, found.Name)
		}
		if !slices.Equal(names, test.want) {
			t.Errorf("%s: %v", promise, names)
		}
	}
}
