package federation

import (
	"slices"
	"strings"
	"testing"
)

func TestABackupThatCannotTakeUsersIsKnownWithItsReason(t *testing.T) {
	for promise, test := range map[string]struct {
		edit func(home, backup *Node, s *Snapshot)
		want string
	}{
		"it runs both services":                   {func(_, _ *Node, _ *Snapshot) {}, ""},
		"no backup is chosen":                     {func(home, backup *Node, _ *Snapshot) { home.Backup, backup.Services = "", nil }, ""},
		"a routing node has no users":             {func(home, backup *Node, _ *Snapshot) { home.Routing, backup.Services = true, nil }, ""},
		"a routing node that runs both":           {func(_, backup *Node, _ *Snapshot) { backup.Routing = true }, ""},
		"a routing node with the proxy alone":     {func(_, backup *Node, _ *Snapshot) { backup.Routing, backup.Services = true, []string{ServiceSIPProxy} }, "is a routing node and does not run the SIP Federation"},
		"the connection manager is not activated": {func(_, backup *Node, _ *Snapshot) { backup.Services = []string{ServiceSIPProxy} }, "does not run the SIP Federation Connection Manager"},
		"the connection manager is stopped": {func(_, backup *Node, s *Snapshot) {
			s.ServiceStates = []ServiceState{{Node: backup.Name, Service: ServiceSIPFederation, Stopped: true}}
		}, "does not run the SIP Federation Connection Manager"},
		"the proxy is not activated": {func(_, backup *Node, _ *Snapshot) { backup.Services = []string{ServiceSIPFederation} }, "does not run the SIP proxy"},
	} {
		s := &Snapshot{}
		s.Nodes = []Node{{Name: "imp1", Backup: "imp2", Services: Services}, {Name: "imp2", Services: Services}}
		test.edit(&s.Nodes[0], &s.Nodes[1], s)
		if got := s.CannotBackUp(s.Nodes[0]); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", promise, got)
		}
	}
}

func TestANodeIsTheBackupOfHomeNodesAlone(t *testing.T) {
	c := &Configuration{Nodes: []Node{{Name: "imp1", Backup: "imp4"}, {Name: "imp2", Backup: "imp4", Routing: true}, {Name: "imp3"}, {Name: "imp4"}}}
	if got := c.BackedUpBy("imp4"); !slices.Equal(got, []string{"imp1"}) {
		t.Errorf("it is the backup of %v", got)
	}
}
