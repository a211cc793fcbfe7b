// Package auth owns who may do what in the console: roles and their rights, password rules and hashes, and the actor in
// whose name a change is made. It knows no database, no cookies and no pages.
package auth
