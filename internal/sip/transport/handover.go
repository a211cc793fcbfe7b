package transport

import (
	"net"
	"os"

	"isthmus/internal/sip"
)

// inherit makes a door of a socket that listened before this process; nil when there is none for that address, or none
// that is any good.
func (l *Layer) inherit(want Listener) door {
	if l.config.Inherited == nil {
		return nil
	}
	name := "tcp"
	if want.Transport == sip.UDP {
		name = "udp"
	}
	file := l.config.Inherited(name, want.Addr)
	if file == nil {
		return nil
	}
	defer file.Close() // the door has a descriptor of its own
	d, err := doorOf(file, want.Transport)
	if err != nil {
		l.log.Warn("a socket of the process before is no good; opening another", "listener", want.Name, "reason", err)
		return nil
	}
	return d
}

func doorOf(file *os.File, t sip.Transport) (door, error) {
	if t == sip.UDP {
		pc, err := net.FilePacketConn(file)
		if err != nil {
			return nil, err
		}
		return newUDPDoor(pc)
	}
	ln, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	return tcpDoor{ln.(*net.TCPListener)}, nil
}

// HandOver closes the listeners as Fit(nil) does, but gives each socket to keep before: as long as somebody has it, who
// connects waits in its queue and is not refused. What keep refuses is closed all the same. keep must not wait.
func (l *Layer) HandOver(keep func(fd uintptr) error) {
	l.fitting.Lock()
	defer l.fitting.Unlock()
	for _, a := range l.current() {
		a.heir = keep
	}
	l.fit(nil)
}

// bequeath gives the socket to the heir, if there is one.
func (a *listening) bequeath() {
	<-a.stopping
	if a.heir == nil {
		return
	}
	raw, err := a.door.SyscallConn()
	if err == nil {
		if closed := raw.Control(func(fd uintptr) { err = a.heir(fd) }); closed != nil {
			err = closed
		}
	}
	if err != nil {
		a.layer.log.Warn("a socket was not handed over; who connects before the next start is refused", "listener", a.settings.Load().Name, "reason", err)
	}
}
