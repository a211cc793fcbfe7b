package web

import (
	"strings"
	"testing"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
)

// A listener's port and protocol are the right ones where a handshake has begun.
func TestASlowHandshakeLeadsToNoPage(t *testing.T) {
	s := &federation.Snapshot{Configuration: federation.DefaultConfiguration()}
	for _, reason := range []string{certs.ReasonSlow, certs.ReasonHandshake, certs.ReasonTLSOnTCP} {
		way := waysOut{snapshot: s, change: true}.out(reportedHandshake{
			RefusedHandshake: federation.RefusedHandshake{Reason: reason, Listener: s.Listeners[0].Name}, node: &federation.NodeStatus{},
		})
		if leads := way.href != ""; leads != (reason != certs.ReasonSlow) || way.text == "" {
			t.Errorf("%s: the way out is %+v", reason, way)
		}
	}
}

// To import the CA of a forged certificate would let its forger in.
func TestOnlyAnUnknownCAIsOfferedForImport(t *testing.T) {
	for _, reason := range []string{certs.ReasonUnknownCA, certs.ReasonIssuer, certs.ReasonSignature, certs.ReasonChain, certs.ReasonUnreadable, certs.ReasonUsage, certs.ReasonSubject} {
		way := waysOut{snapshot: &federation.Snapshot{}, change: true}.out(reportedHandshake{
			RefusedHandshake: federation.RefusedHandshake{Reason: reason}, node: &federation.NodeStatus{Node: "imp1.synergy.com"},
		})
		if imports := strings.Contains(way.text, "Import the CA"); imports != (reason == certs.ReasonUnknownCA) {
			t.Errorf("%s: the way out is %+v", reason, way)
		}
		if way.href == "" && !strings.HasSuffix(way.text, "Nothing here would let it in.") {
			t.Errorf("%s: the way out is %+v", reason, way)
		}
	}
}
