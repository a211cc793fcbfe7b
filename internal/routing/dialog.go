package routing

import (
	"slices"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
)

// routed follows a Route set: from inside to hosts of the Microsoft side, from outside only to our own nodes, so that
// nobody outside uses this node to reach a third party.
func (w *walk) routed() bool {
	r := w.request
	if len(r.Routes) == 0 {
		return false
	}
	if r.Side == Outside && slices.ContainsFunc(r.Routes, func(u sip.URI) bool { return !w.ours(u) }) {
		return w.refuse(403, "A Route from outside may name nodes of this side only.", "")
	}
	top := r.Routes[0]
	if n, what := w.policy.named(top); what != nothing {
		w.toConnector(n, what, "The Route names")
	} else if l, ok := w.policy.knownHost(top); ok {
		w.toLadder(l, top.HostString())
	} else {
		w.refuse(403, "The Route names "+top.HostString()+", which is no configured host.", "Add a static route for it if it belongs to the Microsoft side.")
	}
	_, loose := top.Param("lr")
	w.decision.Strict = !loose
	return true
}

func (w *walk) ours(u sip.URI) bool {
	_, what := w.policy.named(u)
	return what == theNode || what == itConnector
}

func (w *walk) dialogToNode() bool {
	if !w.request.ToTag {
		return false
	}
	n, what := w.policy.named(w.request.URI)
	return what != nothing && w.toConnector(n, what, "The dialog's address names")
}

// toConnector goes to a node's connector, by way of that node.
func (w *walk) toConnector(n *node, what part, because string) bool {
	if what == strangePort {
		return w.refuse(403, because+" a port of "+n.Name+" that is none of its listeners.", "")
	}
	if n != w.policy.self {
		return w.toNode(n, because+" %s.")
	}
	if !n.Runs(federation.ServiceSIPFederation) {
		return w.refuse(480, "The SIP Federation Connection Manager of "+n.Name+" is off.", "Activate or start it on the page Services.")
	}
	return w.forward([]Group{{n.delivery}}, because+" %s.", n.Name)
}

func (w *walk) toNode(n *node, format string) bool {
	if !n.Runs(federation.ServiceSIPProxy) {
		return w.refuse(480, "The SIP proxy of "+n.Name+" is off.", "Activate or start it on the page Services.")
	}
	return w.forward([]Group{{n.link}}, format, n.Name)
}

// dialogToHost: a dialog that passed another node came here by its Route; nothing else of it is decided toward the
// Microsoft side.
func (w *walk) dialogToHost() bool {
	r := w.request
	if !r.ToTag || r.Side != Inside || r.Passed && r.Own == 0 && r.NewURI == nil {
		return false
	}
	l, ok := w.policy.knownHost(r.URI)
	return ok && w.toLadder(l, w.host())
}

func (w *walk) strayACK() bool {
	if w.request.Method != "ACK" {
		return false
	}
	w.decision = Decision{Action: Drop, Reason: "The ACK belongs to no dialog that leads through this node; it ends here."}
	return true
}
