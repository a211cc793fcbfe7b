package routing

import (
	"isthmus/internal/federation"
	"isthmus/internal/sip"
)

// A Request is what a decision needs to know of one. It refers to the message that it was read from.
type Request struct {
	Method       string
	URI          sip.URI // Request-URI
	NewURI       []byte  // what the Request-URI has to become, nil: it stays; it is the last Route value, which goes
	Side         Side
	Passed       bool // came from another node
	ToTag        bool
	MaxForwards  int
	MaxBreadth   int
	Own          int       // leading Route values that name this node, and are removed
	Routes       []sip.URI // Route values left
	Loop         bool      // has been here with the same Request-URI and Route
	Hash         uint64    // of Request-URI and Route, for the branch and for Loop
	ProxyRequire []string
}

// What a request may still go that does not say so (RFC 3261 section 16.6 step 3, RFC 5393 section 5.3.3.1).
const (
	maxForwards = 70
	maxBreadth  = 60
)

// NewRequest is a request outside a dialog, as people ask about it.
func NewRequest(method string, uri sip.URI, side Side) Request {
	return Request{Method: method, URI: uri, Side: side, MaxForwards: maxForwards, MaxBreadth: maxBreadth}
}

// Read takes from a message what a decision needs. The verdict is that of the connection it came over. The error is a
// *sip.Error.
func (p *Policy) Read(m *sip.Message, v Verdict, key BranchKey) (Request, error) {
	r := Request{Method: m.Method(), ToTag: m.To().Tag() != nil, MaxForwards: maxForwards, MaxBreadth: maxBreadth}
	if n, ok := m.MaxForwards(); ok {
		r.MaxForwards = n
	}
	if n, ok := m.MaxBreadth(); ok {
		r.MaxBreadth = n
	}
	r.URI = m.Target() // a message without a Request-URI that can be read is none
	if err := p.readRoutes(m, &r); err != nil {
		return r, err
	}
	if m.HasProxyRequire() {
		r.ProxyRequire = demanded(m)
	}
	r.Side, r.Passed = p.sideOf(m.Via(0), v, key)
	r.Hash = LoopHash(r.URI, r.Routes)
	r.Loop = p.looped(m, r.Hash, v.Internal)
	return r, nil
}

// demanded are the extensions that a proxy has to understand.
func demanded(m *sip.Message) (list []string) {
	for option := range m.List("Proxy-Require") {
		list = append(list, string(option))
	}
	return list
}

// sideOf: a request that another node sends keeps the side that it had there. A node's Via on top can only lower what
// the connection already gives. A connector that names itself by its node's FQDN is known by its port.
func (p *Policy) sideOf(top sip.Via, v Verdict, key BranchKey) (side Side, passed bool) {
	if !v.Internal {
		return Outside, false
	}
	n, ok := lookUp(p.nodes, top.Host)
	if !ok || top.Port == int(n.connector.Port()) {
		return Inside, false
	}
	return key.Side(top.Branch), n != p.self
}

// readRoutes counts the leading Route values that name this node and keeps the others (RFC 3261 section 16.4).
func (p *Policy) readRoutes(m *sip.Message, r *Request) error {
	for i := range m.RouteCount() {
		u, err := sip.ParseURI(m.Route(i).URI)
		if err != nil {
			return err
		}
		if len(r.Routes) == 0 && p.namesSelf(u) {
			r.Own++
		} else {
			r.Routes = append(r.Routes, u)
		}
	}
	if last := len(r.Routes) - 1; last >= 0 && p.strictlyRouted(r.URI) {
		r.URI, r.NewURI = r.Routes[last], m.Route(m.RouteCount()-1).URI
		r.Routes = r.Routes[:last]
	}
	return nil
}

// strictlyRouted: a strict router before us put our Record-Route value into the Request-URI and the target behind the
// Route (RFC 3261 section 16.4).
func (p *Policy) strictlyRouted(u sip.URI) bool {
	_, loose := u.Param("lr")
	return loose && !u.HasUser && p.namesSelf(u)
}

// looped looks for a Via of ours that was made for the same Request-URI and Route. A request from a node or connector
// may have passed other nodes on its way, so this node's Vias alone count there (RFC 3261 section 16.3, RFC 5393).
func (p *Policy) looped(m *sip.Message, hash uint64, internal bool) bool {
	for i := range m.ViaCount() {
		v := m.Via(i)
		if !madeFor(v.Branch, hash) {
			continue
		}
		if n, ok := lookUp(p.nodes, v.Host); ok && (n == p.self || !internal) {
			return true
		}
	}
	return false
}

// A Directory knows the users. It answers from memory.
type Directory interface {
	// ByAddress finds a user by IM address, lower case. The facts of nobody are empty.
	ByAddress(address string) (federation.UserFact, bool)
	// ByMicrosoftAddress finds a user by Microsoft address, lower case.
	ByMicrosoftAddress(address string) (federation.UserFact, bool)
}
