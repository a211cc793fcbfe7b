package siptest

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

func TestADescriptorLimitLeavesNoMoreThanWereAskedForAndIsLifted(t *testing.T) {
	for _, left := range []int{0, 3} {
		restore := LimitDescriptors(t, left)
		var opened int
		var err error
		for opened = range left + 2 {
			var f *os.File
			if f, err = os.Open(os.DevNull); err != nil {
				break
			}
			defer f.Close()
		}
		if opened > left || left > 0 && opened == 0 || !errors.Is(err, syscall.EMFILE) {
			t.Errorf("with a limit of %d, %d files were opened, and then: %v", left, opened, err)
		}
		restore()
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatalf("when the limit of %d was lifted: %v", left, err)
		}
		f.Close()
	}
}
