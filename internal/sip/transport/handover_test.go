package transport

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"isthmus/internal/sip"
)

// An heir keeps the sockets of one layer for another.
type heir struct{ files []*os.File }

func (h *heir) keep(fd uintptr) error {
	own, err := syscall.Dup(int(fd))
	if err == nil {
		err = syscall.SetNonblock(own, true)
		h.files = append(h.files, os.NewFile(uintptr(own), "kept"))
	}
	return err
}

// inherited gives the one socket away.
func (h *heir) inherited(string, netip.AddrPort) *os.File {
	if len(h.files) == 0 {
		return nil
	}
	file := h.files[0]
	h.files = h.files[1:]
	return file
}

func TestWhoConnectsBetweenTwoProcessesIsServedByTheSecond(t *testing.T) {
	var h heir
	first := newLayer(t, newRecorder(), Limits{})
	addr := listenTCP(t, first)
	before := connect(t, addr)
	before.write(t, message("MESSAGE", "a", 0))
	if got := before.status(t); got != "200" {
		t.Fatalf("answered %s", got)
	}
	first.HandOver(h.keep)
	between := connect(t, addr)
	between.write(t, message("MESSAGE", "b", 0))
	before.write(t, message("MESSAGE", "c", 0)) // its connection lives on
	if got := before.status(t); got != "200" {
		t.Errorf("on an open connection it answers %s", got)
	}

	second := newLayer(t, newRecorder(), Limits{})
	second.config.Inherited = h.inherited
	fitOne(t, second, Listener{Name: "tcp", Transport: sip.TCP, Addr: addr})
	if got := between.status(t); got != "200" {
		t.Errorf("who connected between the two was answered %s", got)
	}
	if n := len(second.Connections()); n != 1 {
		t.Errorf("the second has %d connections, not one", n)
	}
}

func TestADatagramBetweenTwoProcessesIsReadByTheSecond(t *testing.T) {
	var h heir
	first := newLayer(t, newRecorder(), Limits{})
	addr := fitOne(t, first, Listener{Name: "udp", Transport: sip.UDP, Addr: loopback})
	first.HandOver(h.keep)
	c, err := net.Dial("udp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(message("MESSAGE", "between", 0))); err != nil {
		t.Fatal(err)
	}
	r := newRecorder()
	second := newLayer(t, r, Limits{})
	second.config.Inherited = h.inherited
	fitOne(t, second, Listener{Name: "udp", Transport: sip.UDP, Addr: addr})
	if got := next(t, r.got); got != "between" {
		t.Errorf("it read %q", got)
	}
}

func TestASocketThatNobodyKeepsIsClosed(t *testing.T) {
	l := newLayer(t, newRecorder(), Limits{})
	addr := listenTCP(t, l)
	l.HandOver(func(uintptr) error { return errors.New("nobody is there") })
	if c, err := net.Dial("tcp", addr.String()); err == nil {
		c.Close()
		t.Error("it listens on")
	}
}

func TestASocketThatIsNoneDoesNotKeepAListenerClosed(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	h := heir{files: []*os.File{file}}
	l := newLayer(t, newRecorder(), Limits{})
	l.config.Inherited = h.inherited
	connect(t, listenTCP(t, l))
}
