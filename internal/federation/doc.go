// Package federation is the ground that every other package stands on: each configured thing as plain data, the rules
// of its fields, the rules between things, and the snapshot that nodes follow. It knows no database, no sockets and no
// pages.
//
// A struct's yaml tags are its only names: the configuration document, the console's forms and the problems reported
// about it all use them.
package federation
