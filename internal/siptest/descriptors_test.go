package siptest

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

func TestADescriptorLimitLeavesAsManyAsWereAskedForAndIsLifted(t *testing.T) {
	const left = 3
	var opened []*os.File
	defer func() {
		for _, f := range opened {
			f.Close()
		}
	}()
	take := func() error {
		f, err := os.Open(os.DevNull)
		if err == nil {
			opened = append(opened, f)
		}
		return err
	}
	if err := take(); err != nil { // what the runtime opens for itself at the first file is open now
		t.Fatal(err)
	}
	restore := LimitDescriptors(t, left)
	var err error
	for range left + 1 {
		err = take()
	}
	if n := len(opened) - 1; n != left || !errors.Is(err, syscall.EMFILE) {
		t.Errorf("with a limit of %d, %d files were opened, and then: %v", left, n, err)
	}
	restore()
	if err := take(); err != nil {
		t.Errorf("when the limit was lifted: %v", err)
	}
}
