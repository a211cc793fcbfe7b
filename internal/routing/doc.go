// Package routing decides where a request goes: who may send one, from which side it comes, whether it has been here
// before, and which next hops it is tried at, in which order. A decision is a function of values and comes with a
// sentence for the reader.
//
// It knows no sockets, no database, no clock and no random numbers: what is up or down, and who among equals is chosen,
// is the proxy's to know.
package routing
