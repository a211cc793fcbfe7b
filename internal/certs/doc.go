// Package certs owns what proves who is who: the key file that seals private keys, the checks on certificates that come
// in, the store of trusted CAs, and the TLS configurations made from them. It decides whether a handshake stands. It
// knows no database, no SIP, and no sockets but those of a Probe.
package certs
