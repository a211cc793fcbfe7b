package transport

import (
	"os"
	"syscall"
	"testing"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// Listed peers may open as many connections as they like, and the console and the database still get descriptors.
func TestConnectionsLeaveTheLastDescriptorsAlone(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	addr := freePort(t)
	l.Fit([]Listener{{Name: "tcp", Transport: sip.TCP, Addr: addr}, {Name: "udp", Transport: sip.UDP, Addr: addr}})
	p, udp := connect(t, addr), senderTo(t, addr)
	until(t, "first connection", func() bool { return len(l.Connections()) == 1 })
	var waiting []int
	for range 40 {
		waiting = append(waiting, descriptor(t))
	}
	restore := siptest.LimitDescriptors(t, 30)
	for _, fd := range waiting {
		if err := syscall.Connect(fd, &syscall.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the reserve is reached", l.scarce.Load)
	_, reserve := beyond(0)
	for range 10 {
		p.write(t, message("MESSAGE", "served", 0))
		if got := p.status(t); got != "200" {
			t.Errorf("a connection there was is answered %s", got)
		}
	}
	for range 2 { // datagrams need no descriptor
		udp.write(t, packet("MESSAGE", "udp", 0))
		if got := udp.status(t); got != "200" {
			t.Errorf("a datagram is answered %s", got)
		}
	}
	var own []*os.File
	for range reserve - 2 { // one connection may have got the first of them, while others were being asked for
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatalf("after %d of %d: %v", len(own), reserve, err)
		}
		own = append(own, f)
	}
	for _, f := range own {
		f.Close()
	}
	before := len(l.Connections())
	if before > 30 {
		t.Errorf("%d connections", before)
	}
	restore()
	until(t, "those who wait are accepted", func() bool { return len(l.Connections()) == 41 })
}

func TestTheReserveIsAQuarterOfFewDescriptors(t *testing.T) {
	restore := siptest.LimitDescriptors(t, 0)
	limit := openLimit()
	if left, reserve := beyond(3); left != limit-4 || reserve != min(maxReserve, limit/4) {
		t.Errorf("of %d it leaves %d and keeps %d", limit, left, reserve)
	}
	restore()
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if !takes(file) || !plenty() {
		t.Error("few descriptors are in use, and none is left")
	}
	file.Close()
	if left, reserve := Descriptors(file); left < reserve {
		t.Errorf("of a closed file: %d, %d", left, reserve)
	}
}
