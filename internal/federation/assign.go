package federation

import "slices"

// Ways of assigning users to their home nodes (Cisco's user assignment modes; the third, None, moves nobody).
const (
	AssignBalanced      = "balanced"       // every home node has as many as any other, or one more
	AssignActiveStandby = "active_standby" // the second node of each pair has none, and takes over when the first is down
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

// active are the nodes that are not the standby of one before them.
func active(nodes []Node) []Node {
	var list []Node
	standby := map[string]bool{}
	for _, n := range nodes {
		if standby[n.Name] {
			continue
		}
		list = append(list, n)
		if !slices.ContainsFunc(list, func(a Node) bool { return a.Name == n.Backup }) {
			standby[n.Backup] = true
		}
	}
	return list
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
