package routing

import (
	"testing"

	"isthmus/internal/federation"
)

// Each request fits two rows or more of the decision: the first of them decides.
func TestTheRowsOfTheDecisionHaveTheirOrder(t *testing.T) {
	federationOff := func(s *federation.Snapshot) { s.Settings.PartitionedFederation = false }
	const fe2 = "sip:x@fe2.synergy.com:5061"
	decides(t, []decided{
		{"CANCEL before Max-Forwards and loop", "CANCEL sip:imp1.synergy.com outside forwards=0 loop", "cancel", unchanged},
		{"CANCEL before a dialog's host", "CANCEL sip:ann@imp1.synergy.com outside dialog", "cancel", unchanged},
		{"CANCEL before schemes and extensions", "CANCEL tel:+4420 inside requires=x", "cancel", unchanged},
		{"NEGOTIATE before the loop", "NEGOTIATE sip:imp1.synergy.com outside loop forwards=0", "answer 405", unchanged},
		{"NEGOTIATE before Route", "NEGOTIATE sip:pool.synergy.com inside route=sip:pool.synergy.com:5061;lr", "answer 405", unchanged},
		{"NEGOTIATE before a dialog's host", "NEGOTIATE sip:imp1.synergy.com outside dialog", "answer 405", unchanged},
		{"NEGOTIATE before extensions", "NEGOTIATE sip:imp1.synergy.com outside requires=x", "answer 405", unchanged},
		{"OPTIONS to the node before the loop", "OPTIONS sip:imp1.synergy.com outside loop", "answer 200", unchanged},
		{"OPTIONS to the node before Route", "OPTIONS sip:imp1.synergy.com outside route=sip:evil.com;lr", "answer 200", unchanged},
		{"OPTIONS to the node before a dialog's host", "OPTIONS sip:imp1.synergy.com outside dialog", "answer 200", unchanged},
		{"OPTIONS to the node before extensions", "OPTIONS sip:imp1.synergy.com outside requires=x", "answer 200", unchanged},
		{"Max-Forwards before the loop", "BYE sip:ann@imp1.synergy.com outside dialog loop forwards=0", "answer 483", unchanged},
		{"Max-Forwards before Route", "MESSAGE sip:ann@synergy.com outside forwards=0 route=sip:evil.com;lr", "answer 483", unchanged},
		{"Max-Forwards before a dialog's host", "BYE sip:ann@imp1.synergy.com outside dialog forwards=0", "answer 483", unchanged},
		{"Max-Forwards before REGISTER", "REGISTER sip:synergy.com outside forwards=0", "answer 483", unchanged},
		{"Max-Forwards before schemes", "MESSAGE tel:+4420 inside forwards=0", "answer 483", unchanged},
		{"Max-Forwards before extensions", "MESSAGE sip:ann@synergy.com outside forwards=0 requires=x", "answer 483", unchanged},
		{"the loop before Route", "MESSAGE sip:ann@synergy.com outside loop route=sip:evil.com;lr", "answer 482", unchanged},
		{"the loop before a dialog's host", "BYE sip:ann@imp1.synergy.com outside dialog loop", "answer 482", unchanged},
		{"the loop before REGISTER", "REGISTER sip:synergy.com outside loop", "answer 482", unchanged},
		{"the loop before extensions", "MESSAGE sip:nobody@synergy.com outside loop requires=x", "answer 482", unchanged},
		{"Route before a dialog's node", "BYE sip:ann@imp1.synergy.com inside dialog route=sip:fe2.synergy.com:5061;lr", "route hop 127.0.0.22:5061", unchanged},
		{"Route before a dialog's host", "BYE " + fe2 + " inside dialog route=sip:fe1.synergy.com:5061;lr", fe1, unchanged},
		{"Route before REGISTER", "REGISTER sip:synergy.com inside route=sip:fe1.synergy.com:5061;lr", fe1, unchanged},
		{"Route before schemes", "MESSAGE tel:+4420 inside route=sip:fe1.synergy.com:5061;lr", fe1, unchanged},
		{"Route before extensions", "MESSAGE sip:bob@synergy.com inside requires=x route=sip:fe1.synergy.com:5061;lr", fe1, unchanged},
		{"Route before who is licensed", "MESSAGE sip:ann@synergy.com inside route=sip:fe1.synergy.com:5061;lr", fe1, unchanged},
		{"Route before federation off", "MESSAGE sip:bob@synergy.com inside route=sip:fe1.synergy.com:5061;lr", fe1, federationOff},
		{"a dialog's node before REGISTER", "REGISTER sip:imp1.synergy.com outside dialog", deliver, unchanged},
		{"a dialog's node before extensions", "BYE sip:ann@imp1.synergy.com outside dialog requires=x", deliver, unchanged},
		{"a dialog's host before REGISTER", "REGISTER " + fe2 + " inside dialog", "route hop 127.0.0.22:5061", unchanged},
		{"a dialog's host before extensions", "BYE " + fe2 + " inside dialog requires=x", "route hop 127.0.0.22:5061", unchanged},
		{"a stray ACK before extensions and recipients", "ACK sip:ann@synergy.com inside requires=x", "drop", unchanged},
		{"REGISTER before schemes", "REGISTER tel:+4420 outside", "answer 405", unchanged},
		{"REGISTER before extensions", "REGISTER sip:ann@synergy.com outside requires=x", "answer 405", unchanged},
		{"schemes before extensions", "MESSAGE tel:+4420 inside requires=x", "answer 416", unchanged},
		{"extensions before who is unknown", "SUBSCRIBE sip:nobody@synergy.com outside requires=x", "answer 420", unchanged},
		{"extensions before other domains", "SUBSCRIBE sip:x@example.com outside requires=x", "answer 420", unchanged},
		{"a licence before federation off", "SUBSCRIBE sip:ann@synergy.com inside", toImp2, federationOff},
		{"a licence before advanced routing", "SUBSCRIBE sip:ann@synergy.com inside", toImp2, advanced},
	})
}

// What a Request-URI may carry beside user and host leads nowhere else: RFC 3261 section 19.1.1 has maddr, ttl and
// transport change where a request goes, which here only the configuration does.
func TestWhatAnAddressCarriesLeadsNowhereElse(t *testing.T) {
	decides(t, []decided{
		{"a port", "SUBSCRIBE sip:ann@synergy.com:9999 outside", toImp2, unchanged},
		{"maddr, to an own user", "SUBSCRIBE sip:ann@synergy.com;maddr=192.0.2.66 outside", toImp2, unchanged},
		{"maddr and ttl, to the Microsoft side", "SUBSCRIBE sip:bob@synergy.com;maddr=192.0.2.66;ttl=255 inside", microsoft, unchanged},
		{"maddr of the node", "SUBSCRIBE sip:x@example.com;maddr=imp1.synergy.com outside", "answer 403", unchanged},
		{"maddr of the node, to nobody", "OPTIONS sip:example.com;maddr=127.0.0.11 outside", "answer 403", unchanged},
		{"maddr of a front end in a dialog", "BYE sip:x@example.com;maddr=127.0.0.21 inside dialog", "answer 403", unchanged},
		{"transport", "SUBSCRIBE sip:bob@synergy.com;transport=udp inside", microsoft, unchanged},
		{"an unknown transport", "SUBSCRIBE sip:bob@synergy.com;transport=carrier-pigeon inside", microsoft, unchanged},
		{"received, user and method", "SUBSCRIBE sip:bob@synergy.com;received=192.0.2.66;user=ip;method=BYE inside", microsoft, unchanged},
		{"a password", "SUBSCRIBE sip:ann:secret@synergy.com outside", toImp2, unchanged},
		{"a scheme in another case", "SUBSCRIBE SiP:ann@synergy.com outside", toImp2, unchanged},
		{"pres", "SUBSCRIBE pres:ann@synergy.com outside", "answer 416", unchanged},
		{"im", "MESSAGE im:ann@synergy.com inside", "answer 416", unchanged},
		{"http", "MESSAGE http://imp1.synergy.com/ outside", "answer 416", unchanged},
		{"urn", "MESSAGE urn:service:sos inside", "answer 416", unchanged},
		{"a scheme that nobody knows", "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent outside", "answer 416", unchanged},
		{"a Route's maddr", "BYE sip:x@y.com inside dialog route=sip:evil.com;maddr=127.0.0.21;lr", "answer 403", unchanged},
		{"a Route's maddr, outside", "BYE sip:x@y.com outside dialog route=sip:evil.com;maddr=127.0.0.11;lr", "answer 403", unchanged},
		{"a Route's maddr, to a known host", "BYE sip:x@y.com inside dialog route=sip:fe1.synergy.com:5061;maddr=192.0.2.66;ttl=1;lr", fe1, unchanged},
	})
	p := compile(t, "imp1.synergy.com")
	r := read(t, p, fromFrontEnd, message(t, "MESSAGE", "sip:ann@synergy.com", "Route: <sip:imp1.synergy.com;maddr=192.0.2.66;lr>"))
	if d := p.Decide(&r, people); d.String() != toImp2 {
		t.Errorf("our own Route with maddr of others: %s", d)
	}
}
