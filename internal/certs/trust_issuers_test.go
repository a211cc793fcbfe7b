package certs

import (
	"slices"
	"testing"

	"isthmus/internal/federation"
)

func TestTheRootAboveAnIssuerIsFoundByName(t *testing.T) {
	k, root, other := testKey(t), newAuthority(t, "Root"), newAuthority(t, "Other")
	issuing := root.below(t, "Issuing")
	leaf, private := issuing.issue(t, node)
	own, err := ImportOwn(k, node, now, pemOf(leaf, private, issuing.certificate), nil)
	if err != nil {
		t.Fatal(err)
	}
	for promise, c := range map[string]struct {
		stored []federation.Certificate
		issuer string
		names  []string
		whole  bool
	}{
		"a trusted root":                            {trusts(t, root), "Root", []string{"Root"}, true},
		"below a trusted root, by the own chain":    {append(trusts(t, root, other), own), "Issuing", []string{"Issuing", "Root"}, true},
		"an intermediate that is trusted by itself": {trusts(t, issuing), "Issuing", []string{"Issuing", "Root"}, false},
		"a stranger": {trusts(t, root), "Elsewhere", []string{"Elsewhere"}, false},
		"nothing":    {nil, "Root", []string{"Root"}, false},
	} {
		if names, whole := IssuersIn(c.stored).Above(c.issuer); !slices.Equal(names, c.names) || whole != c.whole {
			t.Errorf("%s: %q, whole %v", promise, names, whole)
		}
	}
	if names, whole := (Issuers{"a": "b", "b": "a"}).Above("a"); whole || len(names) != 3 {
		t.Errorf("names that lead round: %q", names)
	}
}
