// Package names is what DNS says, kept in memory: the addresses of names that the incoming ACL and the next hops are
// written by, and the names of peers, each confirmed forward. It looks names up when it is told of them and again before
// the answers expire, so that no request waits for DNS.
//
// It knows no policy: whom a name lets in, and which next hop is tried, is said elsewhere.
package names
