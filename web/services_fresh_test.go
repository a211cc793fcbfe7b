package web

import (
	"testing"
	"time"

	"isthmus/internal/federation"
)

// A node that was killed is not waited for a minute before it counts as down, whatever the console's own clock says.
func TestANodeThatFallsSilentWhileOthersReportIsNotReady(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 41, 0, 0, time.UTC)
	v := serviceSight{now: now.Add(5 * time.Second), statuses: []federation.NodeStatus{
		{Node: "imp1", ReportedAt: now}, {Node: "imp2", ReportedAt: now.Add(-9 * time.Second)}, {Node: "imp3", ReportedAt: now.Add(-11 * time.Second)},
	}}
	for _, n := range v.statuses {
		v.Nodes = append(v.Nodes, federation.Node{Name: n.Node, Services: federation.Services})
	}
	for node, want := range map[string]bool{"imp1": true, "imp2": true, "imp3": false, "imp4": false} {
		if got := v.ready(node, federation.ServiceSIPProxy); got != want {
			t.Errorf("%s is ready: %t", node, got)
		}
	}
	v.now = now.Add(time.Hour)
	if v.ready("imp1", federation.ServiceSIPProxy) {
		t.Error("nobody has reported for an hour, and a node is ready")
	}
	v.now, v.statuses[0].State = now, "draining"
	if v.ready("imp1", federation.ServiceSIPProxy) {
		t.Error("a node that ends is ready")
	}
	v.statuses[0].State = Stopped
	if v.ready("imp1", federation.ServiceSIPProxy) || !v.ready("imp1", federation.ServiceSIPFederation) {
		t.Error("without its SIP proxy a node's other service counts as down, or its SIP proxy as up")
	}
}

// Of a node that fell silent while others reported nobody can say that it is ready, now or when the database went away.
func TestANodeThatFallsSilentWhileOthersReportIsCalledThat(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 41, 0, 0, time.UTC)
	v := nodeSight{own: "imp1", serviceSight: serviceSight{now: now.Add(5 * time.Second), statuses: []federation.NodeStatus{
		{Node: "imp1", ReportedAt: now}, {Node: "imp2", ReportedAt: now.Add(-9 * time.Second)}, {Node: "imp3", ReportedAt: now.Add(-11 * time.Second)},
	}}}
	holds := func(node, word, note string) {
		t.Helper()
		if got := v.state(node); got.Word != word || got.Note != note {
			t.Errorf("%s is %q, %q; want %q, %q", node, got.Word, got.Note, word, note)
		}
	}
	holds("imp2", "Ready", "")
	holds("imp3", "Not heard", "last heard 16 seconds ago")
	v.asOf = now
	holds("imp1", "Ready", "")
	holds("imp2", "Not known", "ready at 09:41")
	holds("imp3", "Not known", "not heard at 09:41")
	holds("imp4", "Not known", "it has told the database nothing")
}
