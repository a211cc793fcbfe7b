package routing

import (
	"slices"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
)

// A row is one case of the decision. The first that applies decides.
type row struct {
	question string
	ack      bool // an ACK for a 2xx goes through it
	decides  func(*walk) bool
}

// rows is the decision, in its order. The last row always applies.
var rows = []row{
	{"Is it a CANCEL?", false, (*walk).cancel},
	{"Is it a NEGOTIATE?", false, (*walk).negotiate},
	{"Is it an OPTIONS to this node itself?", false, (*walk).optionsHere},
	{"May it go no further, by Max-Forwards?", true, (*walk).exhausted},
	{"Has it been here before?", true, (*walk).looped},
	{"Does a Route header say where it goes?", true, (*walk).routed},
	{"Is it in a dialog, and to a node?", true, (*walk).dialogToNode},
	{"Is it in a dialog, from inside, and to a host of the Microsoft side?", true, (*walk).dialogToHost},
	{"Is it an ACK for nobody here?", true, (*walk).strayACK},
	{"Is it a REGISTER?", false, (*walk).register},
	{"Has the address a scheme other than sip and sips?", false, (*walk).scheme},
	{"Does it demand an extension of proxies that is not understood?", false, (*walk).extension},
	{"Is the recipient licensed here?", false, (*walk).ownUser},
	{"Is the domain held here, and the request from outside?", false, (*walk).nobodyHere},
	{"Is the domain held here, and partitioned federation off?", false, (*walk).federationOff},
	{"Is routing advanced, and the recipient unknown as a Microsoft address?", false, (*walk).notSynchronised},
	{"Is the domain held here?", false, (*walk).toMicrosoft},
	{"Is the domain a federated one, and the request from inside?", false, (*walk).toFederated},
	{"Does nothing else apply?", false, (*walk).noRelay},
}

// Allow lists the methods that are forwarded or answered here.
const Allow = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, SUBSCRIBE, NOTIFY, BENOTIFY, MESSAGE, INFO, REFER, UPDATE, PRACK, PUBLISH"

func (w *walk) cancel() bool {
	if w.request.Method != "CANCEL" {
		return false
	}
	w.decision = Decision{Action: Cancel, Reason: "A CANCEL ends the INVITE that it names; it is never routed."}
	return true
}

// negotiate refuses compression hop by hop, before Max-Forwards, which is 0 in it (MS-SIPCOMP).
func (w *walk) negotiate() bool {
	if w.request.Method != "NEGOTIATE" {
		return false
	}
	w.refuse(405, "Messages are not compressed here.", "")
	w.decision.Headers = []string{Allow}
	return true
}

func (w *walk) optionsHere() bool {
	r := w.request
	if r.Method != "OPTIONS" || r.URI.HasUser {
		return false
	}
	if n, what := w.policy.named(r.URI); n != w.policy.self || what != theNode {
		return false
	}
	w.decision = Decision{Action: Answer, Status: 200, Headers: []string{Allow}, Reason: "The node answers for itself."}
	return true
}

func (w *walk) exhausted() bool {
	return w.request.MaxForwards <= 0 && w.refuse(483, "The request has come to the end of its Max-Forwards.", "")
}

func (w *walk) looped() bool {
	if !w.request.Loop {
		return false
	}
	w.refuse(482, LogLoop, "The request has been here with the same address already: the other side sent it back. Provision the recipient on one of the sides.")
	w.decision.Log = LogLoop
	return true
}

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
		if n == w.policy.self || what == strangePort {
			w.toConnector(n, what, "The Route names")
		} else {
			w.toNode(n, "The Route names %s.")
		}
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
		return w.refuse(480, "The SIP Federation Connection Manager of "+n.Name+" is off.", "Activate it on the page Services.")
	}
	return w.forward([]Group{{n.delivery}}, because+" %s.", n.Name)
}

func (w *walk) toNode(n *node, format string) bool {
	if !n.Runs(federation.ServiceSIPProxy) {
		return w.refuse(480, "The SIP proxy of "+n.Name+" is off.", "Activate it on the page Services.")
	}
	return w.forward([]Group{{n.link}}, format, n.Name)
}

// unreachable is the answer when nobody could be reached who delivers to an own user. To another node it is 503, at which that node
// moves on to the backup.
func (w *walk) unreachable() int {
	if w.request.Passed {
		return 503
	}
	return 480
}

// dialogToHost: a dialog that passed another node came here by its Route; nothing else of it is decided toward the
// Microsoft side.
func (w *walk) dialogToHost() bool {
	r := w.request
	if !r.ToTag || r.Side != Inside || r.Passed && r.Own == 0 {
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

func (w *walk) register() bool {
	if w.request.Method != "REGISTER" {
		return false
	}
	w.refuse(405, "There is no registrar here.", "")
	w.decision.Headers = []string{Allow}
	return true
}

func (w *walk) scheme() bool {
	return !w.request.URI.IsSIP() && w.refuse(416, "Only sip and sips addresses are routed.", "")
}

// understood are the extensions that Proxy-Require may name: ms-benotify changes nothing for a proxy that never waits
// for the answer to a BENOTIFY.
var understood = []string{"ms-benotify"}

func (w *walk) extension() bool {
	var list []string
	for _, option := range w.request.ProxyRequire {
		if !slices.Contains(understood, strings.ToLower(option)) {
			list = append(list, option)
		}
	}
	if list == nil {
		return false
	}
	w.refuse(420, "The request demands an extension that is not understood.", "")
	w.decision.Headers = []string{"Unsupported: " + strings.Join(list, ", ")}
	return true
}

func (w *walk) local() bool { return w.policy.domains[w.host()] }

// ownUser delivers to the recipient's home node, else to its backup, there to the connector.
func (w *walk) ownUser() bool {
	if !w.local() {
		return false
	}
	user, ok := w.directory.ByAddress(w.request.URI.Address())
	if !ok || !user.Licensed {
		return false
	}
	groups := w.homeOf(user)
	if len(groups) == 0 {
		w.refuse(480, "No node can deliver to the recipient now.", "Activate the services of the home node "+user.Node+" or give it a backup.")
		w.decision.Status = w.unreachable()
		return true
	}
	w.forward(groups, "The recipient is licensed here and homed on %s.", user.Node)
	w.decision.Unreached = w.unreachable()
	return true
}

// homeOf lists the ways to a user, the home node's first. A request from another node ends at this node's connector if
// this node is one of the two: the other node tries the next itself.
func (w *walk) homeOf(user federation.UserFact) []Group {
	home := w.policy.nodes[user.Node]
	if home == nil {
		return nil
	}
	backup := w.policy.nodes[home.Backup]
	self := w.policy.self
	if w.request.Passed && (home == self || backup == self) {
		home, backup = self, nil
	}
	var groups []Group
	for _, n := range []*node{home, backup} {
		if h := w.deliverer(n); h != nil {
			groups = append(groups, Group{h})
		}
	}
	return groups
}

// deliverer is the hop by which a node's connector is reached, nil while it is not in service.
func (w *walk) deliverer(n *node) *Hop {
	switch {
	case n == nil || !n.Runs(federation.ServiceSIPFederation):
		return nil
	case n == w.policy.self:
		return n.delivery
	case !n.Runs(federation.ServiceSIPProxy):
		return nil
	}
	return n.link
}

// nobodyHere: what the Microsoft side does not know it sends here, and it never goes back there.
func (w *walk) nobodyHere() bool {
	return w.local() && w.request.Side == Outside &&
		w.refuse(404, "The recipient is not licensed here.", "A request from outside for somebody unknown is never sent back; license the user here, or correct the address.")
}

func (w *walk) federationOff() bool {
	return w.local() && !w.policy.federation &&
		w.refuse(404, "The recipient is not licensed here, and partitioned federation is off.", "Turn it on on the page Settings to reach users of the Microsoft side.")
}

// notSynchronised: advanced routing sends only what is known as somebody's Microsoft address.
func (w *walk) notSynchronised() bool {
	if !w.local() || !w.policy.advanced {
		return false
	}
	if _, ok := w.directory.ByMicrosoftAddress(w.request.URI.Address()); ok {
		return false
	}
	return w.refuse(404, "Nobody has that Microsoft address.", "Advanced routing sends only to addresses that a user row holds as microsoft_address; import them, or choose basic routing.")
}

func (w *walk) toMicrosoft() bool { return w.local() && w.outward() }

func (w *walk) toFederated() bool {
	direct, ok := w.policy.federated[w.host()]
	if !ok || w.request.Side != Inside {
		return false
	}
	if !direct {
		return w.refuse(403, "Direct Federation is off for "+w.host()+".", "Turn it on on the page Federated domains.")
	}
	return w.outward()
}

// outward sends to the Microsoft side by static route: only at the node where the request began, so that two nodes
// that know different things of a user never pass it on through each other.
func (w *walk) outward() bool {
	if w.request.Passed {
		return w.refuse(404, "The request has passed another node and is not licensed here.", "Each node sends to the Microsoft side itself; look whether the nodes have applied the same revision.")
	}
	return w.toLadder(w.policy.routes.ladder(w.userPart(), w.host()), w.host())
}

// userPart is the recipient's user part, read only while there are user routes.
func (w *walk) userPart() string {
	if len(w.policy.routes.users) == 0 || !w.request.URI.HasUser {
		return ""
	}
	address := w.request.URI.Address()
	user, _, _ := strings.Cut(address[:strings.LastIndexByte(address, '@')], ";")
	return user
}

func (w *walk) noRelay() bool {
	return w.refuse(403, "This node does not relay to "+w.host()+".", "Add it to the domains, or to the federated domains if the Microsoft side reaches it.")
}
