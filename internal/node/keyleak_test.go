package node

import (
	"strings"
	"testing"

	"isthmus/internal/keyleak"
	"isthmus/internal/siptest"
)

// guard looks at every line that the nodes of all tests here log.
var guard keyleak.Guard

func TestAKeyInANodesLogFailsItsTest(t *testing.T) {
	r := start(t)
	key := siptest.KeyPEM(siptest.NewAuthority("Synergy CA").Leaf(self))
	caught := guard.Planted("the log of "+self+" in "+t.Name(), func() { r.node.log.Info("planted", "reason", string(key)) })
	if len(caught) != 1 || !strings.Contains(caught[0], t.Name()) {
		t.Errorf("caught %q", caught)
	}
}
