package soak

import (
	"math/rand/v2"
	"slices"
)

// A kind is one way of changing the configuration. turn changes a state; hurts tells that some traffic is refused until
// it is turned again, which therefore comes soon.
type kind struct {
	name  string
	turn  func(s *state, r *rand.Rand)
	hurts func(s *state) bool
}

func toggle(name string, good bool, of func(s *state) *bool) kind {
	return kind{name, func(s *state, _ *rand.Rand) { p := of(s); *p = !*p }, func(s *state) bool { return *of(s) != good }}
}

func never(*state) bool { return false }

// spareKinds are the kinds of objects that are added, edited and removed without anybody noticing.
var spareKinds = []string{"route", "user route", "ACL entry", "peer subject", "TLS context", "offer", "listener", "node", "domain", "federated domain", "settings"}

// once are the spare objects of which there is one, which is only edited.
var once = []string{"offer", "settings"}

var kinds = append([]kind{
	toggle("the visitor's ACL entry", true, func(s *state) *bool { return &s.visitorACL }),
	toggle("the visitor's peer subject", true, func(s *state) *bool { return &s.visitorSubject }),
	toggle("the visitor's CA", true, func(s *state) *bool { return &s.visitorCA }),
	toggle("a certificate is demanded", false, func(s *state) *bool { return &s.demand }),
	toggle("the third front end's peer subject", true, func(s *state) *bool { return &s.hopSubject }),
	toggle("the best route is blocked", false, func(s *state) *bool { return &s.blocked }),
	toggle("the domain's routes are gone", false, func(s *state) *bool { return &s.gone }),
	toggle("the second node's SIP proxy", true, func(s *state) *bool { return &s.imp2Proxy }),
	toggle("the second node's connector", true, func(s *state) *bool { return &s.imp2Federation }),
	toggle("partitioned federation", true, func(s *state) *bool { return &s.partitioned }),
	toggle("Direct Federation", true, func(s *state) *bool { return &s.direct }),
	toggle("the federated domain", true, func(s *state) *bool { return &s.federated }),
	{"the domain partner.example", func(s *state, _ *rand.Rand) { s.partner = !s.partner }, never},
	{"the routing mode", func(s *state, _ *rand.Rand) { s.advanced = !s.advanced }, never},
	{"the transport between nodes", func(s *state, _ *rand.Rand) { s.nodeTLS = !s.nodeTLS }, never},
	{"the routes' priorities", func(s *state, r *rand.Rand) { s.prefer = (s.prefer + 1 + r.IntN(2)) % 3 }, never},
	{"the roaming route's next hop", func(s *state, _ *rand.Rand) { s.roam++ }, never},
	{"the port of the TCP listener", func(s *state, _ *rand.Rand) { s.tcpPort = 5060 + 5070 - s.tcpPort }, never},
	{"the port of the TLS listener", func(s *state, _ *rand.Rand) { s.tlsPort = 5061 + 5071 - s.tlsPort }, never},
	{"the extra listener", turnExtra, func(s *state) bool { return s.extraPort == 0 }},
	{"a user", func(s *state, r *rand.Rand) { s.dora = []string{imp1, imp2, ""}[r.IntN(3)] }, never},
	{"the node's certificate", func(s *state, _ *rand.Rand) { s.certificate = (s.certificate + 1) % certificates }, never},
}, spareChanges()...)

func turnExtra(s *state, r *rand.Rand) {
	switch {
	case s.extraPort == 0:
		s.extraPort, s.extraTLS = 6000, r.IntN(2) == 0
	case r.IntN(3) == 0:
		s.extraPort = 0
	case r.IntN(2) == 0:
		s.extraTLS = !s.extraTLS // in place
	default:
		s.extraPort = 6000 + (s.extraPort+1)%20
	}
}

// spareChanges add, edit and remove spare objects; there are never many.
func spareChanges() []kind {
	var list []kind
	for _, name := range spareKinds {
		list = append(list, kind{"a spare " + name, func(s *state, r *rand.Rand) { s.spare = turnSpare(s.spare, name, int(s.revision), r) }, never})
	}
	return list
}

const mostSpare = 6 // of a kind

func turnSpare(list []spare, name string, number int, r *rand.Rand) []spare {
	list = slices.Clone(list)
	var own []int
	for i, x := range list {
		if x.kind == name {
			own = append(own, i)
		}
	}
	single := slices.Contains(once, name)
	switch full := len(own) >= mostSpare; {
	case len(own) == 0 || !single && !full && r.IntN(3) == 0:
		return append(list, spare{name, number, 0})
	case !single && (full || r.IntN(2) == 0):
		i := own[r.IntN(len(own))]
		return slices.Delete(list, i, i+1)
	}
	list[own[r.IntN(len(own))]].detail++
	return list
}

// changeSomething puts a random valid change in force. What hurts somebody does not stay long. Now and then something
// comes before it that no node can put in force.
func (w *world) changeSomething(r *rand.Rand) {
	if r.IntN(20) == 0 {
		w.slip()
	}
	s := w.now()
	var hurting []kind
	for _, k := range kinds {
		if k.hurts(&s) {
			hurting = append(hurting, k)
		}
	}
	k := kinds[r.IntN(len(kinds))]
	if len(hurting) > 0 && r.IntN(5) < 3 {
		k = hurting[r.IntN(len(hurting))]
	}
	w.change(k.name, func(s *state) { k.turn(s, r) })
}

// putRight ends with the first configuration, so that what is measured before and after is the same.
func (w *world) putRight() {
	w.change("the first configuration again", func(s *state) {
		revision, roam, certificate := s.revision, s.roam, s.certificate
		*s = firstState()
		s.revision, s.roam, s.certificate = revision, roam, certificate
	})
}
