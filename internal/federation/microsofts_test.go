package federation

import (
	"strings"
	"testing"
)

func TestANodeIsNoServerOfADeployment(t *testing.T) {
	d := Deployment{Name: "pool.synergy.com", Answers: Answers{Pool: "pool.synergy.com", FrontEnds: []Host{{FQDN: "fe1.synergy.com", Address: "10.1.20.21"}}}}
	for _, test := range []struct {
		promise string
		node    Node
		want    string // path and the beginning of the sentence
	}{
		{"a name of its own", Node{Name: "imp1.synergy.com", Address: "10.1.10.11"}, ""},
		{"the name of a front end", Node{Name: "fe1.synergy.com", Address: "10.1.10.11"}, "nodes[0].name fe1.synergy.com is a server of the Microsoft side"},
		{"the name of the pool", Node{Name: "pool.synergy.com", Address: "10.1.10.11"}, "nodes[0].name pool.synergy.com is a server of the Microsoft side"},
		{"the address of a front end", Node{Name: "imp1.synergy.com", Address: "10.1.20.21"}, "nodes[0].address 10.1.20.21 is a server of the Microsoft side"},
	} {
		s := Snapshot{Configuration: Configuration{Nodes: []Node{test.node}}, Deployments: []Deployment{d}}
		got := ""
		for _, p := range s.Validate() {
			if strings.Contains(p.Text, "Microsoft side") {
				got += p.Path + " " + p.Text
			}
		}
		if test.want == "" && got != "" || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %q, want %q", test.promise, got, test.want)
		}
	}
}
