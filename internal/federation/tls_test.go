package federation

import (
	"slices"
	"testing"
)

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
