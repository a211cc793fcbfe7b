package node

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// A node that ended leaves nothing running.
func TestMain(m *testing.M) {
	if dir := os.Getenv(deadlockIn); dir != "" {
		deadlock(dir)
	}
	if dir := os.Getenv(standsStillIn); dir != "" {
		atWork(dir)
	}
	goleak.VerifyTestMain(m)
}
