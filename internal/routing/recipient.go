package routing

import "strings"

// unreachable is the answer when nobody could be reached who delivers to an own user. To another node it is 503, at which that node
// moves on to the backup.
func (w *walk) unreachable() int {
	if w.request.Passed {
		return 503
	}
	return 480
}

func (w *walk) local() bool { return w.policy.domains[w.host()] }

// ownUser delivers to the recipient's home node, else to its backup, there to the connector.
func (w *walk) ownUser() bool {
	if !w.local() {
		return false
	}
	user, _ := w.directory.ByAddress(w.address())
	if !user.Licensed {
		return false
	}
	groups := w.policy.ways(user.Node, w.request.Passed)
	if len(groups) == 0 {
		w.refuse(480, "No node can deliver to the recipient now.", "Activate or start the services of the home node "+user.Node+" or give it a backup.")
		w.decision.Status = w.unreachable()
		return true
	}
	w.forward(groups, "The recipient is licensed here and homed on %s.", user.Node)
	w.decision.Unreached = w.unreachable()
	return true
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
	if _, ok := w.directory.ByMicrosoftAddress(w.address()); ok {
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
	address := w.address()
	user, _, _ := strings.Cut(address[:strings.LastIndexByte(address, '@')], ";")
	return user
}

func (w *walk) noRelay() bool {
	return w.refuse(403, "This node does not relay to "+w.host()+".", "Add it to the domains, or to the federated domains if the Microsoft side reaches it.")
}
