package node

import (
	"testing"

	"go.uber.org/goleak"
)

// A node that ended leaves nothing running.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
