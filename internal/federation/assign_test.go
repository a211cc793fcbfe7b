package federation

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// assignable has users on its nodes at random; some are not licensed.
func assignable(r *rand.Rand, nodes []Node, users int) *Configuration {
	c := &Configuration{Nodes: nodes}
	for i := range users {
		u := User{UserID: fmt.Sprintf("u%d", i), Licensed: r.IntN(10) > 0}
		if u.Licensed {
			u.Node = nodes[r.IntN(len(nodes))].Name // also on a routing node, as after a change by hand
		}
		c.Users = append(c.Users, u)
	}
	return c
}

// assign makes the moves and counts the licensed users by node.
func assign(t *testing.T, c *Configuration, mode string) (moved int, count map[string]int) {
	t.Helper()
	moves, err := c.Assign(mode)
	if err != nil {
		t.Fatal(err)
	}
	to := map[string]Move{}
	for _, m := range moves {
		to[m.User] = m
	}
	count = map[string]int{}
	for i, u := range c.Users {
		if m, moves := to[u.UserID]; moves {
			if m.From != u.Node || m.To == u.Node || !u.Licensed {
				t.Fatalf("%+v moves by %+v", u, m)
			}
			c.Users[i].Node = m.To
		}
		if u.Licensed {
			count[c.Users[i].Node]++
		}
	}
	return len(moves), count
}

func TestBalancedAssignmentDiffersByOneAtMostAndMovesNobodyTwice(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var nodes []Node
		for i := range 1 + r.IntN(6) {
			nodes = append(nodes, Node{Name: fmt.Sprintf("imp%d", i), Routing: i > 0 && r.IntN(4) == 0})
		}
		c := assignable(r, nodes, r.IntN(60))
		before := map[string]int{}
		for _, u := range c.Users {
			if u.Licensed {
				before[u.Node]++
			}
		}
		moved, count := assign(t, c, AssignBalanced)
		least, most, surplus, total := 1<<30, 0, 0, 0
		for _, n := range nodes {
			if n.Routing {
				if count[n.Name] > 0 {
					t.Fatalf("%d users on the routing node %s", count[n.Name], n.Name)
				}
				surplus += before[n.Name]
				continue
			}
			least, most, total = min(least, count[n.Name]), max(most, count[n.Name]), total+count[n.Name]
			surplus += max(0, before[n.Name]-count[n.Name])
		}
		if most-least > 1 || moved != surplus {
			t.Fatalf("%v became %v with %d moves, %d were needed", before, count, moved, surplus)
		}
		if again, _ := assign(t, c, AssignBalanced); again != 0 {
			t.Fatalf("a second run moves %d of %d", again, total)
		}
	}
}

func TestActiveStandbyLeavesTheSecondNodeOfEachPairEmpty(t *testing.T) {
	nodes := []Node{{Name: "imp1", Routing: true}, {Name: "imp2", Backup: "imp3"}, {Name: "imp3", Backup: "imp2"}, {Name: "imp4", Backup: "imp5"}, {Name: "imp5"}}
	c := assignable(rand.New(rand.NewPCG(3, 4)), nodes, 41)
	_, count := assign(t, c, AssignActiveStandby)
	if count["imp1"]+count["imp3"]+count["imp5"] > 0 || count["imp2"] == 0 || count["imp2"]-count["imp4"] > 1 || count["imp4"]-count["imp2"] > 1 {
		t.Errorf("users are on %v", count)
	}
	if again, _ := assign(t, c, AssignActiveStandby); again != 0 {
		t.Errorf("a second run moves %d", again)
	}
}

func TestAnAssignmentThatCannotBeIsRefused(t *testing.T) {
	for promise, test := range map[string]struct {
		nodes []Node
		mode  string
	}{
		"a mode that is none":      {[]Node{{Name: "imp1"}}, "none"},
		"no backup, so no standby": {[]Node{{Name: "imp1"}, {Name: "imp2"}}, AssignActiveStandby},
		"routing nodes alone":      {[]Node{{Name: "imp1", Routing: true}}, AssignBalanced},
	} {
		c := &Configuration{Nodes: test.nodes, Users: []User{{UserID: "u", Licensed: true, Node: "imp1"}}}
		var refusal Refusal
		if moves, err := c.Assign(test.mode); !errors.As(err, &refusal) || moves != nil {
			t.Errorf("%s: %v, %v", promise, moves, err)
		}
	}
}
