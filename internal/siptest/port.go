package siptest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// The ports that FreePorts chooses from. They end below those which systems give to outgoing connections (32768 on Linux,
// 49152 elsewhere), as such a connection of any program keeps the wildcard from its port.
const (
	firstPort = 12000
	lastPort  = 32000
)

// FreePorts returns n different ports that nothing uses over TCP or UDP at any IPv4 address of this machine. They are
// chosen at random, so that tests of other processes, which run at the same time, hardly ever get the same ones.
func FreePorts(t testing.TB, n int) []uint16 {
	t.Helper()
	var free []uint16
	for tries := 0; len(free) < n; tries++ {
		if tries == 1000 {
			t.Fatalf("Of 1000 ports between %d and %d, %d are free; %d are wanted.", firstPort, lastPort, len(free), n)
		}
		port := uint16(firstPort + rand.IntN(lastPort-firstPort))
		if release, ok := take(port); ok {
			defer release() // when all are found, so that none is found twice
			free = append(free, port)
		}
	}
	return free
}

// take opens the port at the wildcard, when nothing else has it.
func take(port uint16) (release func(), ok bool) {
	address := net.JoinHostPort("0.0.0.0", strconv.Itoa(int(port)))
	tcp, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, false
	}
	udp, err := net.ListenPacket("udp4", address)
	if err != nil {
		tcp.Close()
		return nil, false
	}
	return func() { tcp.Close(); udp.Close() }, true
}
