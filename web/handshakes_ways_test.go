package web

import (
	"strings"
	"testing"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
)

// To import the CA of a forged certificate would let its forger in.
func TestOnlyAnUnknownCAIsOfferedForImport(t *testing.T) {
	for _, reason := range []string{certs.ReasonUnknownCA, certs.ReasonIssuer, certs.ReasonSignature, certs.ReasonChain, certs.ReasonUsage, certs.ReasonSubject} {
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
