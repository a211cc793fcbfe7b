package names

import (
	"testing"

	"go.uber.org/goleak"
)

// Nothing of this package goes on after what it was for.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
