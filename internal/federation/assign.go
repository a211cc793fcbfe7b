package federation

import "slices"

// Ways of assigning users to their home nodes (Cisco's user assignment modes; the third, None, moves nobody).
const (
	AssignBalanced      = "balanced"       // every home node has as many as any other, or one more
	AssignActiveStandby = "active_standby" // the backup of each pair has none, and takes over when the other is down
)

// A Move gives a licensed user another home node.
type Move struct {
	User string // the user id
	From string
	To   string
}

// Assign are the moves that bring all licensed users onto the home nodes in one of the two ways. It moves as few as
// possible, so that a second run moves nobody, and nobody onto a routing node. The configuration has to hold its users.
func (c *Configuration) Assign(mode string) ([]Move, error) {
	nodes := c.homeNodes()
	switch mode {
	case AssignBalanced:
	case AssignActiveStandby:
		all := len(nodes)
		if nodes = active(nodes); len(nodes) == all {
			return nil, Refuse("No home node is the backup of another, so there is no standby node. Choose backups on the pages of the nodes first.")
		}
	default:
		return nil, Refuse("There is no user assignment %q; choose balanced or active-standby.", mode)
	}
	if len(nodes) == 0 {
		return nil, Refuse("There is no node that could home users: every node is a routing node.")
	}
	return c.moves(nodes), nil
}

func (c *Configuration) homeNodes() []Node {
	return slices.DeleteFunc(slices.Clone(c.Nodes), func(n Node) bool { return n.Routing })
}

// active are the nodes that are the standby of none. The standby of an active node is its backup, whichever of the two
// comes first, unless that is active itself.
func active(nodes []Node) []Node {
	standby := map[string]bool{} // by name of each node that is judged
	for left := nodes; len(left) > 0; left = unjudged(nodes, standby) {
		n := nextOf(left)
		standby[n.Name] = slices.ContainsFunc(nodes, func(o Node) bool {
			below, judged := standby[o.Name]
			return o.Backup == n.Name && judged && !below
		})
	}
	return slices.DeleteFunc(slices.Clone(nodes), func(n Node) bool { return standby[n.Name] })
}

func unjudged(nodes []Node, standby map[string]bool) []Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n Node) bool { _, judged := standby[n.Name]; return judged })
}

// nextOf is the first node that is the backup of no other that is left; where each is, as in a pair that backs each other
// up, the first of all.
func nextOf(left []Node) Node {
	for _, n := range left {
		if !slices.ContainsFunc(left, func(o Node) bool { return o.Backup == n.Name }) {
			return n
		}
	}
	return left[0]
}

// moves spread the users evenly over some nodes. Each node keeps as many of its own as its share allows.
func (c *Configuration) moves(nodes []Node) []Move {
	share := c.shares(nodes)
	var leaving []User
	for _, u := range c.Users {
		switch {
		case !u.Licensed:
		case share[u.Node] > 0:
			share[u.Node]--
		default:
			leaving = append(leaving, u)
		}
	}
	var list []Move
	for _, n := range nodes {
		for ; share[n.Name] > 0; share[n.Name]-- {
			list = append(list, Move{User: leaving[0].UserID, From: leaving[0].Node, To: n.Name})
			leaving = leaving[1:]
		}
	}
	return list
}

// shares say how many users each node is to have. Those that have most already get the one more that does not divide.
func (c *Configuration) shares(nodes []Node) map[string]int {
	count, total := map[string]int{}, 0
	for _, u := range c.Users {
		if u.Licensed {
			count[u.Node]++
			total++
		}
	}
	ordered := slices.Clone(nodes)
	slices.SortStableFunc(ordered, func(a, b Node) int { return count[b.Name] - count[a.Name] })
	share := map[string]int{}
	for i, n := range ordered {
		share[n.Name] = total / len(nodes)
		if i < total%len(nodes) {
			share[n.Name]++
		}
	}
	return share
}
