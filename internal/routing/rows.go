package routing

import (
	"slices"
	"strings"
)

// A row is one case of the decision. The first that applies decides.
type row struct {
	question string
	decides  func(*walk) bool
}

// rows is the decision, in its order. The last row always applies.
var rows = []row{
	{"Is it a CANCEL?", (*walk).cancel},
	{"Is it a NEGOTIATE?", (*walk).negotiate},
	{"Is it an OPTIONS to this node itself?", (*walk).optionsHere},
	{"May it go no further, by Max-Forwards?", (*walk).exhausted},
	{"Has it been here before?", (*walk).looped},
	{"Does a Route header say where it goes?", (*walk).routed},
	{"Is it in a dialog, and to a node?", (*walk).dialogToNode},
	{"Is it in a dialog, from inside, and to a host of the Microsoft side?", (*walk).dialogToHost},
	{"Is it an ACK for nobody here?", (*walk).strayACK},
	{"Is it a REGISTER?", (*walk).register},
	{"Has the address a scheme other than sip and sips?", (*walk).scheme},
	{"Does it demand an extension of proxies that is not understood?", (*walk).extension},
	{"Is the recipient licensed here?", (*walk).ownUser},
	{"Is the domain held here, and the request from outside?", (*walk).nobodyHere},
	{"Is the domain held here, and partitioned federation off?", (*walk).federationOff},
	{"Is routing advanced, and the recipient unknown as a Microsoft address?", (*walk).notSynchronised},
	{"Is the domain held here?", (*walk).toMicrosoft},
	{"Is the domain a federated one, and the request from inside?", (*walk).toFederated},
	{"Does nothing else apply?", (*walk).noRelay},
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
