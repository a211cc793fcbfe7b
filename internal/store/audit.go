package store

import (
	"context"
	"encoding/json"
	"reflect"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

// An AuditChange is one object that a change touched, with its fields before and after.
type AuditChange struct {
	Kind   string                   `json:"kind"` // such as static_route, setting, administrator
	How    string                   `json:"how"`  // added, changed or removed
	Key    string                   `json:"key"`
	Fields []federation.FieldChange `json:"fields"`
}

// An AuditRow is one change: who, when, from where, and what.
type AuditRow struct {
	ID          int64
	At          time.Time
	Actor       string
	Role        auth.Role
	Address     string // of the browser; "" for the command line and nodes
	Request     string // id of the request, as in the log
	Action      string // such as "changed listener Lab TLS"
	Revision    int64  // after the change
	Changes     []AuditChange
	ChangeCount int // Changes holds the first 50 of them
}

const readAudit = `SELECT id, at, actor, role, address, request, action, revision,
	jsonb_path_query_array(changes, '$[0 to 49]') AS changes, jsonb_array_length(changes) AS change_count FROM audit`

const insertAudit = `INSERT INTO audit (actor, role, address, request, action, revision, changes)
	VALUES ($1, $2, $3, $4, $5, $6, $7)`

var auditList = list{
	from: "audit",
	columns: map[string]column{
		"at": {text: "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')", sort: "at"}, "actor": text("actor"),
		"address": text("address"), "request": text("request"), "action": text("action"), "revision": number("revision"),
		"changes": text("changes::text"),
	},
	sort: "at", desc: true,
}

// Audit lists the audit log, the newest row first.
func (s *Store) Audit(ctx context.Context, q listing.Query) (listing.Page[AuditRow], error) {
	return readPage[AuditRow](ctx, s, auditList, readAudit, q)
}

// note keeps what was changed for the audit log.
func (w *work) note(kind, how, key string, fields []federation.FieldChange) {
	w.log = append(w.log, AuditChange{Kind: kind, How: how, Key: key, Fields: fields})
}

// summary says what the change did: the caller's words, else those of its first entry.
func (w *work) summary() string {
	if w.action != "" {
		return w.action
	}
	first := w.log[0]
	line := first.How + " " + words(first.Kind) + " " + first.Key
	if len(w.log) > 1 {
		line += " and more"
	}
	return line
}

// writeAudit writes the one audit row of a change, in its transaction.
func (w *work) writeAudit(ctx context.Context, revision int64) error {
	a := auth.ActorFrom(ctx)
	_, err := w.tx.Exec(ctx, insertAudit, a.Name, string(a.Role), a.Address, a.Request, w.summary(), revision, w.log)
	return err
}

// blank is an object of the same type with nothing in it.
func blank(o federation.Object) any { return reflect.New(reflect.TypeOf(o).Elem()).Interface() }

// asJSON is a value of plain fields as the audit log shows it.
func asJSON(v any) string {
	b, _ := json.Marshal(v) // plain fields always marshal
	return string(b)
}
