package store

import (
	"context"
	"fmt"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

const readUsers = `SELECT id, user_id, im_address, mail, licensed, coalesce(node, '') AS node, microsoft_address FROM users`

var userTable = &table[federation.User, *federation.User]{
	section: federation.SectionUsers, kind: "user",
	read:  readUsers,
	byID:  readUsers + ` WHERE id = $1`,
	byIDs: readUsers + ` WHERE id = ANY($1)`,
	insert: `INSERT INTO users (key, user_id, im_address, address, mail, licensed, node, microsoft_address)
		VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''), $8) RETURNING id`,
	update: `UPDATE users SET key = $1, user_id = $2, im_address = $3, address = $4, mail = $5, licensed = $6,
		node = nullif($7, ''), microsoft_address = $8 WHERE id = $9`,
	remove: `DELETE FROM users WHERE id = ANY($1)`,
	id:     func(u *federation.User) *int64 { return &u.ID },
	values: func(w *work, u *federation.User) []any {
		return []any{u.Key(), u.UserID, u.IMAddress, u.Address(w.settings), u.Mail, u.Licensed, u.Node, u.MicrosoftAddress}
	},
	taken: func(u *federation.User) federation.Problem { return takenName("id", u.UserID, "user id") },
	list: list{from: "users", sort: "id", columns: map[string]column{
		"id": plain("key"), "im_address": plain("address"), "mail": plain("mail"), "licensed": yesNo("licensed"),
		"node": plain("coalesce(node, '')"), "microsoft_address": plain("microsoft_address"),
	}},
	allow: allowUser,
}

// allowUser holds a user against the rest of the configuration, of which a snapshot has only the counts.
func allowUser(ctx context.Context, w *work, _, u *federation.User) error {
	if problems := w.before.UserProblems(*u); len(problems) > 0 {
		return federation.Invalid(problems)
	}
	address := u.Address(w.settings)
	if address == "" || !u.Licensed {
		return nil
	}
	holders, err := value[[]string](ctx, w.tx, `SELECT coalesce(array_agg(user_id), '{}') FROM users
		WHERE licensed AND address = $1 AND id <> $2 AND key <> $3`, address, u.ID, u.Key())
	if err == nil && len(holders) > 0 {
		err = federation.Invalid{{Path: "im_address",
			Text: fmt.Sprintf("%s has the address %s already. Every address belongs to one user; enter another.", holders[0], address)}}
	}
	return err
}

// ListUsers finds and lists users. The field im_address is the address in force, derived or written by hand.
func (s *Store) ListUsers(ctx context.Context, q listing.Query) (listing.Page[federation.User], error) {
	return userTable.page(ctx, s, q)
}

// User reads one user.
func (s *Store) User(ctx context.Context, id int64) (federation.User, error) {
	return userTable.get(ctx, s, id)
}

// SaveUser adds a user without an id and changes one with it.
func (s *Store) SaveUser(ctx context.Context, u federation.User) (federation.User, error) {
	return userTable.save(ctx, s, u)
}

// DeleteUsers deletes all of the users or none.
func (s *Store) DeleteUsers(ctx context.Context, ids []int64) error {
	return userTable.delete(ctx, s, ids)
}
