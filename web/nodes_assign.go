package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"isthmus/internal/federation"
	"isthmus/templates"
)

const assignPath = "/nodes/assign"

// assignShown is how many of the users that move are named for each pair of nodes.
const assignShown = 10

// showAssign is the preview of a user assignment: who would move where. It changes nothing.
func (s *Server) showAssign(w http.ResponseWriter, r *http.Request) error {
	mode := r.URL.Query().Get("mode")
	if mode == "" {
		mode = federation.AssignBalanced
	}
	return s.drawAssign(w, r, http.StatusOK, mode, "")
}

func (s *Server) drawAssign(w http.ResponseWriter, r *http.Request, status int, mode, problem string) error {
	c, err := s.store.Configuration(r.Context())
	if err != nil {
		return err
	}
	view := templates.AssignView{Mode: mode, Modes: assignModes, Problem: problem}
	moves, err := c.Assign(mode)
	if err != nil {
		view.Problem = err.Error()
		return s.render(w, r, status, templates.AssignPage(s.frame(r, "Assign users", "/nodes"), view))
	}
	view.Moves, view.Possible = len(moves), true
	view.Nodes, view.Groups = assigned(c, moves), grouped(moves)
	return s.render(w, r, status, templates.AssignPage(s.frame(r, "Assign users", "/nodes"), view))
}

// assignModes are the choices in the guide's words. None is what happens as long as nobody comes to this page.
var assignModes = []templates.Option{
	{Value: federation.AssignBalanced, Label: "Balanced", Note: "Every home node has as many users as any other, or one more."},
	{Value: federation.AssignActiveStandby, Label: "Active-Standby", Note: "Of two nodes of which one is the other's backup, the first has all users and the second none."},
}

// assigned counts the users of each node before and after.
func assigned(c federation.Configuration, moves []federation.Move) []templates.AssignNode {
	now, change := map[string]int{}, map[string]int{}
	for _, u := range c.Users {
		if u.Licensed {
			now[u.Node]++
		}
	}
	for _, m := range moves {
		change[m.From]--
		change[m.To]++
	}
	list := make([]templates.AssignNode, len(c.Nodes))
	for i, n := range c.Nodes {
		list[i] = templates.AssignNode{Name: n.Name, Backup: n.Backup, Routing: n.Routing, Now: now[n.Name], Then: now[n.Name] + change[n.Name]}
	}
	return list
}

// grouped are the moves by the nodes between which they go.
func grouped(moves []federation.Move) []templates.AssignGroup {
	var list []templates.AssignGroup
	place := map[[2]string]int{}
	for _, m := range moves {
		pair := [2]string{m.From, m.To}
		i, known := place[pair]
		if !known {
			i, place[pair] = len(list), len(list)
			list = append(list, templates.AssignGroup{From: m.From, To: m.To})
		}
		if list[i].Count++; list[i].Count <= assignShown {
			list[i].Users = append(list[i].Users, m.User)
		}
	}
	return list
}

// assign moves the users in one change, if they are as many as the reader was told.
func (s *Server) assign(w http.ResponseWriter, r *http.Request) error {
	mode, told := r.PostForm.Get("mode"), r.PostForm.Get("moves")
	moved := 0
	_, err := s.store.Apply(r.Context(), "assign users, "+mode, func(c federation.Configuration) (federation.Configuration, error) {
		moves, err := c.Assign(mode)
		if moved = len(moves); err == nil && told != "" && told != strconv.Itoa(moved) {
			err = errOtherMoves
		}
		return moveUsers(c, moves), err
	})
	if errors.Is(err, errOtherMoves) {
		return s.drawAssign(w, r, http.StatusConflict, mode, "Users or nodes were changed meanwhile, so nobody was moved. This is how it would be now.")
	}
	return s.done(w, r, err, "/nodes", fmt.Sprintf("Saved. %s.", counted(moved, "user has another home node", "users have another home node")))
}

var errOtherMoves = federation.Refuse("The users changed meanwhile.")

func moveUsers(c federation.Configuration, moves []federation.Move) federation.Configuration {
	to := make(map[string]string, len(moves))
	for _, m := range moves {
		to[m.User] = m.To
	}
	for i, u := range c.Users {
		if node, moves := to[u.UserID]; moves {
			c.Users[i].Node = node
		}
	}
	return c
}

// canAssign reports whether there is a choice of home nodes.
func (s *Server) canAssign(ctx context.Context) bool {
	names, err := s.nodeNames(ctx, func(n federation.Node) bool { return !n.Routing })
	return err == nil && len(names) > 1
}
