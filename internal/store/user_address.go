package store

import (
	"context"
	"strings"

	"isthmus/internal/federation"
)

const setAddresses = `UPDATE users SET address = fresh.address
	FROM unnest($1::bigint[], $2::text[]) AS fresh (id, address) WHERE users.id = fresh.id`

const readDerived = `SELECT id, user_id, im_address, mail, licensed, coalesce(node, '') AS node, microsoft_address, address
	FROM users WHERE im_address = ''`

type derivedUser struct {
	federation.User
	Address string `db:"address"` // as stored; hides the method of the embedded user
}

// deriveAddresses brings the stored addresses of users in line with the settings that the change leaves, and refuses what
// would leave two licensed users with one address, or one without any. The rule itself is the ground's.
func (w *work) deriveAddresses(ctx context.Context) error {
	rows, err := all[derivedUser](ctx, w.tx, readDerived)
	if err != nil {
		return err
	}
	var ids []int64
	var addresses, without []string
	for _, u := range rows {
		address := u.User.Address(w.settings)
		if address == "" && u.Licensed {
			without = append(without, u.UserID)
		}
		if address != u.Address {
			ids, addresses = append(ids, u.ID), append(addresses, address)
		}
	}
	if len(without) > 0 {
		return federation.Refuse("%s would have no IM address, %s among them. Enter what the address is made of, or keep the scheme.",
			users(len(without)), without[0])
	}
	if len(ids) == 0 {
		return nil
	}
	if _, err := w.tx.Exec(ctx, setAddresses, ids, addresses); err != nil {
		return err
	}
	return w.refuseSharedAddress(ctx)
}

// refuseSharedAddress names two licensed users whose address would be the same.
func (w *work) refuseSharedAddress(ctx context.Context) error {
	shared, err := value[[]string](ctx, w.tx, `SELECT coalesce((SELECT array_agg(user_id ORDER BY key) || address FROM users
		WHERE licensed AND address <> '' GROUP BY address HAVING count(*) > 1 ORDER BY address LIMIT 1), '{}')`)
	if err == nil && len(shared) > 0 {
		last := len(shared) - 1
		err = federation.Refuse("%s would all have the address %s. Every address belongs to one user; change all but one of them first.",
			strings.Join(shared[:min(last, 3)], ", "), shared[last])
	}
	return err
}
