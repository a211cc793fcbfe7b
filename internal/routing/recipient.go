package routing

import (
	"strings"

	"isthmus/internal/federation"
)

func (w *walk) unreachable() int {
	if w.request.Passed {
		return 503
	}
	return 480
}

func (w *walk) local() bool { return w.policy.domains[w.host()] }

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

func (w *walk) nobodyHere() bool {
	return w.local() && w.request.Side == Outside &&
		w.refuse(404, "The recipient is not licensed here.", "A request from outside for somebody unknown is never sent back; license the user here, or correct the address.")
}

func (w *walk) federationOff() bool {
	return w.local() && !w.policy.federation &&
		w.refuse(404, "The recipient is not licensed here, and partitioned federation is off.", "Turn it on on the page Settings to reach users of the Microsoft side.")
}

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

func (w *walk) outward() bool {
	if w.request.Passed {
		return w.refuse(404, "The request has passed another node and is not licensed here.", "Each node sends to the Microsoft side itself; look whether the nodes have applied the same revision.")
	}
	return w.toLadder(w.policy.routes.ladder(w.userPart(), w.host()), w.host())
}

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
