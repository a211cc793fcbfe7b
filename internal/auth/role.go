package auth

import "slices"

// A Role is what an administrator of the console may do. The names are those of the command line and the database.
type Role string

// The three roles, each with the rights of the one before it.
const (
	Viewer   Role = "viewer"   // reads everything but secrets
	Operator Role = "operator" // also changes everything but what Administer covers
	Admin    Role = "admin"    // everything
)

// Roles are all roles, the weakest first.
var Roles = []Role{Viewer, Operator, Admin}

// A Right is one kind of thing that a role allows.
type Right int

// The rights, each asked for by the pages that need it.
const (
	Read       Right = iota + 1 // see pages
	Change                      // change everything but what Administer covers
	Administer                  // change administrators, nodes, TLS contexts, certificates and settings
)

var rights = map[Role][]Right{
	Viewer:   {Read},
	Operator: {Read, Change},
	Admin:    {Read, Change, Administer},
}

// May reports whether the role has a right. A role that does not exist has none.
func (r Role) May(right Right) bool { return slices.Contains(rights[r], right) }

// Valid reports whether the role exists.
func (r Role) Valid() bool { return slices.Contains(Roles, r) }
