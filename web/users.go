package web

import (
	"context"
	"fmt"

	"github.com/a-h/templ"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/templates"
)

func (s *Server) users() pages {
	return resource[federation.User, *federation.User]{
		s: s, path: "/users", one: "user", many: "users", title: "Users", change: auth.Change,
		lede:  "Who is licensed here, and who has an account on the Microsoft side. Whoever has both may read messages in the wrong client.",
		empty: "No user is known, so every recipient is looked for on the Microsoft side. Add the users that are licensed here.",
		cols: []templates.Column{{Name: "id", Label: "User id"}, {Name: "im_address", Label: "IM address"}, {Name: "mail", Label: "Mail id"},
			{Name: "microsoft_address", Label: "Microsoft SIP address"}, {Name: "node", Label: "Home node"}, {Label: "Where"},
			{Name: "licensed", Label: "Licensed here (yes or no)", FindOnly: true}},
		list: s.store.ListUsers, get: s.store.User, save: s.store.SaveUser, remove: s.store.DeleteUsers,
		id:   func(u federation.User) int64 { return u.ID },
		rows: s.userRows,
		form: s.userForm,
		effects: func(context.Context, []federation.User) ([]string, bool, error) {
			return []string{"Requests for them are looked for on the Microsoft side from then on."}, false, nil
		},
	}
}

func (s *Server) userRows(ctx context.Context, users []federation.User) ([]templates.Row, error) {
	settings, err := s.store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]templates.Row, len(users))
	for i, u := range users {
		state := whereIs(u)
		rows[i] = templates.Row{ID: u.ID, Href: fmt.Sprintf("/users/%d", u.ID), Label: u.UserID, Cells: []templates.Cell{
			{Text: u.UserID}, {Text: u.Address(settings), Mono: true}, {Text: u.Mail, Mono: true},
			{Text: u.MicrosoftAddress, Mono: true}, {Text: u.Node}, {State: &state},
		}}
	}
	return rows, nil
}

// whereIs tells on which side a user has an account; both is a fault (guide p.1, 107).
func whereIs(u federation.User) templates.State {
	switch {
	case u.Licensed && u.MicrosoftAddress != "":
		return templates.State{Mark: templates.Down, Word: "On both sides", Note: "disable one of the two"}
	case u.Licensed:
		return templates.State{Mark: templates.Up, Word: "Here"}
	case u.MicrosoftAddress != "":
		return templates.State{Mark: templates.Up, Word: "There"}
	}
	return templates.State{Mark: templates.Unknown, Word: "On neither side"}
}

func (s *Server) userForm(ctx context.Context, f templates.Frame, form templates.Form) (templ.Component, error) {
	names, err := s.nodeNames(ctx, func(n federation.Node) bool { return !n.Routing })
	if err != nil {
		return nil, err
	}
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	derived, settings := "", snapshot.Settings
	u := federation.User{UserID: form.Value("id"), Mail: form.Value("mail"), MicrosoftAddress: form.Value("microsoft_address")}
	if u.Normalize(); u.UserID != "" && settings.IMAddressOf(u) != "" {
		derived = " Here: " + settings.IMAddressOf(u) + "."
	}
	return templates.UserForm(f, form, names, derived), nil
}
