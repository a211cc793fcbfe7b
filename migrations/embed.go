// Package migrations holds the database's schema as numbered SQL files. It knows nobody who uses it.
package migrations

import "embed"

// FS holds the numbered files at its root.
//
//go:embed *.sql
var FS embed.FS
