// Package proxy takes one request its way through the node: it asks routing who may send it and where it goes, tries one
// next hop after another, and passes the answers back. It knows which next hops are up.
//
// It is stateful per RFC 3261 section 16, with RFC 4320, 5393 and 6026. The rules themselves are routing's, the
// connections are sip/transport's, retransmission and matching are sip/transaction's. It knows no certificates and no
// database.
package proxy
