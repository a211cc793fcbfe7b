package e2e

import (
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"
)

// underWay is a node with a request that its front end does not answer.
func underWay(t *testing.T) (*world, *process) {
	t.Helper()
	w, p := running(t)
	w.inside(t).Sends(hello(ann, carl))
	w.fe1.expect(t, "MESSAGE")
	return w, p
}

func TestAStopIsSeenAtOnceAndASecondOneDoesNotWait(t *testing.T) {
	t.Parallel()
	w, p := underWay(t)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Second, "the console says that the node leaves", func() bool {
		r := w.node.ready()
		return r.State == "draining" && r.Status == 503
	})
	eventually(t, time.Second, "nobody can connect", func() bool {
		c, err := net.Dial("tcp", w.net+nodeHost+":5060")
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	select {
	case <-p.ended:
		t.Fatalf("it ended with a request under way: %s", p.err)
	default:
	}
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("the second signal was waited upon")
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s", took)
	}
	if how := fmt.Sprint(p.cmd.ProcessState); how != "signal: terminated" {
		t.Errorf("it ended with %s", how)
	}
}
