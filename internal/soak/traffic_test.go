package soak

import (
	"strings"

	"isthmus/internal/siptest"
)

// A stream is a share of the load: requests of one sort.
type stream struct {
	name   string
	share  int // of hundred
	send   func(l *load)
	double bool // it makes two transactions
}

// outward is what becomes of a request from inside to somebody of the Microsoft side.
func outward(w *world, s *state) outcome {
	switch {
	case !s.partitioned, s.gone:
		return outcome{status: 404}
	case s.blocked:
		return outcome{status: 403}
	}
	return outcome{status: 200, hops: [][]string{{"fe1", "fe2"}, {"fe1"}, {"fe2"}}[s.prefer]}
}

// unknown is the same to somebody whom no user row holds.
func unknown(w *world, s *state) outcome {
	if s.advanced {
		return outcome{status: 404}
	}
	return outward(w, s)
}

func answeredBy(hop string) expectation {
	return func(*world, *state) outcome { return outcome{status: 200, hops: []string{hop}} }
}

func toSecond(_ *world, s *state) outcome {
	if !s.imp2Proxy || !s.imp2Federation {
		return outcome{status: 480}
	}
	return outcome{status: 200, hops: []string{"imp2"}}
}

// toDora comes from outside.
func toDora(w *world, s *state) outcome {
	switch s.dora {
	case imp1:
		return outcome{status: 200, hops: []string{"connector"}}
	case imp2:
		return toSecond(w, s)
	}
	return outcome{status: 404}
}

func toDirect(_ *world, s *state) outcome {
	switch {
	case !s.federated, !s.direct:
		return outcome{status: 403}
	case !s.hopSubject:
		return outcome{status: 504, cut: true}
	}
	return outcome{status: 200, hops: []string{"fe3"}}
}

func toRoam(_ *world, s *state) outcome {
	return outcome{status: 200, hops: []string{roamName(s.roam)}}
}

func toPartner(_ *world, s *state) outcome {
	if s.partner {
		return outcome{status: 404} // held here, and there is no route for it
	}
	return outcome{status: 403}
}

// fromVisitor is what a visitor with a certificate meets, toAnn when it is let in.
func fromVisitor(_ *world, s *state) outcome {
	if !s.visitorACL || !s.visitorSubject || !s.visitorCA {
		return outcome{status: refused, cut: true}
	}
	return outcome{status: 200, hops: []string{"connector"}}
}

// fromPlain is a visitor over TCP.
func fromPlain(_ *world, s *state) outcome {
	if s.demand {
		return outcome{status: refused, cut: true}
	}
	return outcome{status: 200, hops: []string{"connector"}}
}

const (
	ann, bob, dora        = "ann@synergy.com", "bob@synergy.com", "dora@synergy.com"
	carl, nobody          = "carl@synergy.com", "nobody@synergy.com"
	far, roaming, partner = "eve@direct.example", "eve@roam.example", "eve@partner.example"
)

var streams = []stream{
	{"a MESSAGE outward", 20, message((*load).fromInside, ann, carl, outward), false},
	{"a MESSAGE to somebody unknown", 3, message((*load).fromInside, ann, nobody, unknown), false},
	{"a MESSAGE inward", 22, message((*load).fromOutside, carl, ann, answeredBy("connector")), false},
	{"a MESSAGE to the second node", 6, message((*load).fromOutside, carl, bob, toSecond), false},
	{"a MESSAGE to the second node from inside", 3, message((*load).fromInside, ann, bob, toSecond), false},
	{"a MESSAGE to who moves", 5, message((*load).fromOutside, carl, dora, toDora), false},
	{"a MESSAGE to a roaming hop", 4, message((*load).fromInside, ann, roaming, toRoam), false},
	{"a MESSAGE to a domain that comes and goes", 2, message((*load).fromInside, ann, partner, toPartner), false},
	{"a SUBSCRIBE to a federated domain", 4, (*load).subscribeFar, false},
	{"a SUBSCRIBE inward", 7, (*load).subscribe, true},
	{"an INVITE outward", 4, (*load).inviteOutward, true},
	{"an INVITE inward", 4, (*load).inviteInward, true},
	{"a MESSAGE over a new connection", 1, (*load).newcomer, false},
	{"a visitor's MESSAGE", 1, (*load).visit, false},
	{"a plain visitor's MESSAGE", 1, (*load).visitPlainly, false},
	{"an OPTIONS to the extra listener", 1, (*load).visitExtra, false},
}

func message(over func(*load) *lane, from, to string, expect expectation) func(*load) {
	return func(l *load) { over(l).ask("MESSAGE to "+to, siptest.Message(from, to, "hello"), expect) }
}

func (l *load) subscribeFar() {
	l.fromInside().ask("SUBSCRIBE to "+far, siptest.Subscribe(ann, far), toDirect)
}

// subscribe has a NOTIFY follow, which the connector sends.
func (l *load) subscribe() {
	l.fromOutside().ask("SUBSCRIBE inward", reachable(siptest.Subscribe(carl, ann), "sip:carl@fe1.synergy.com:5061;transport=tls"), answeredBy("connector"))
}

func (l *load) inviteInward() {
	l.fromOutside().ask("INVITE inward", reachable(siptest.Invite(carl, ann), "sip:carl@fe1.synergy.com:5061;transport=tls"), answeredBy("connector"))
}

func (l *load) inviteOutward() {
	l.fromInside().ask("INVITE outward", reachable(siptest.Invite(ann, carl), "sip:ann@"+l.world.connectorAt()+";transport=tcp"), outward)
}

// reachable gives a request a Contact by which who sent it is found.
func reachable(r siptest.Request, uri string) siptest.Request {
	for i, line := range r.Lines {
		if strings.HasPrefix(line, "Contact:") {
			r.Lines[i] = "Contact: <" + uri + ">"
		}
	}
	return r
}
