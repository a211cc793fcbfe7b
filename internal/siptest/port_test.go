package siptest

import (
	"net"
	"strconv"
	"testing"
)

func TestAPortThatIsFoundCanBeOpenedByTheWildcardAndNoneIsFoundTwice(t *testing.T) {
	seen := map[uint16]bool{}
	for _, port := range FreePorts(t, 20) {
		if seen[port] {
			t.Errorf("%d twice", port)
		}
		seen[port] = true
		l, err := net.Listen("tcp4", ":"+strconv.Itoa(int(port)))
		if err != nil {
			t.Error(err)
			continue
		}
		l.Close()
	}
}

func TestAPortThatSomebodyHasIsNotTaken(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		port := FreePorts(t, 1)[0]
		address := "127.0.0.1:" + strconv.Itoa(int(port))
		var held interface{ Close() error }
		var err error
		if network == "tcp" {
			held, err = net.Listen("tcp", address)
		} else {
			held, err = net.ListenPacket("udp", address)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := take(port); ok {
			t.Errorf("%s %s is taken while somebody has it", network, address)
		}
		held.Close()
		release, ok := take(port)
		if !ok {
			t.Fatalf("%s is not taken when it is free", address)
		}
		release()
	}
}
