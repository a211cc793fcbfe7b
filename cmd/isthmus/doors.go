package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/sip/transport"
	"isthmus/web"
)

// A door is one address on which the console is served.
type door struct {
	tcp      *net.TCPListener
	listener net.Listener // over TLS, or tcp itself
	server   *http.Server
}

// A socket is one of the console's, open but not served yet: who connects waits in its queue.
type socket struct {
	tcp    *net.TCPListener
	secure bool // for TLS
}

// sockets opens the console's addresses before anything is written, so that a taken port is an error of the command that
// leaves nothing behind.
func (s *server) sockets() ([]socket, error) {
	var list []socket
	for _, way := range []struct {
		flag, address string
		secure        bool
	}{
		{"--http", s.HTTP, false},
		{"--https", s.HTTPS, true},
	} {
		if way.address == "" {
			continue
		}
		opened, err := s.openSocket(way.address)
		if err != nil {
			closeSockets(list)
			return nil, fmt.Errorf("The console cannot open %s: %s %s.", way.address, whyClosed(way.address, err), way.flag)
		}
		list = append(list, socket{opened.(*net.TCPListener), way.secure})
	}
	return list, nil
}

// whyClosed says why an address does not open, with the way out but for the flag.
func whyClosed(address string, err error) string {
	switch at, unknown := listensAt(address); {
	case errors.Is(err, syscall.EADDRINUSE) && unknown == nil:
		return "the port is in use by " + transport.Holder(at) + ". Stop that, or start with another"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine has no such address. Start with another"
	case errors.Is(err, syscall.EACCES):
		return "the system does not let this program have that port. Choose one above 1023 with"
	}
	return err.Error() + ". Remove that cause, or start with another"
}

func closeSockets(list []socket) {
	for _, open := range list {
		_ = open.tcp.Close() // closed already where it was served
	}
}

// copies are the same sockets under descriptors of their own, so that closing them leaves the others open.
func copies(list []socket) (made []socket, err error) {
	for _, open := range list {
		opened, err := copied(open.tcp)
		if err != nil {
			closeSockets(made)
			return nil, fmt.Errorf("The console cannot be shown while the node waits for its database: %w.", err)
		}
		made = append(made, socket{opened.(*net.TCPListener), open.secure})
	}
	return made, nil
}

func copied(tcp *net.TCPListener) (net.Listener, error) {
	file, err := tcp.File()
	if err != nil {
		return nil, err
	}
	defer file.Close() // the listener has a descriptor of its own
	return net.FileListener(file)
}

// doors are the sockets with what is served on them; own is the certificate of those for TLS.
func (s *server) doors(list []socket, site http.Handler, own func() (*tls.Certificate, error)) []door {
	var doors []door
	for _, open := range list {
		var listener net.Listener = sparing{open.tcp}
		if open.secure {
			listener = tls.NewListener(listener, certs.Console(own))
		}
		doors = append(doors, door{open.tcp, listener, web.HTTPServer(site, s.log)})
	}
	return doors
}

// sparing leaves the last half of the reserve of file descriptors to the database and to files. SIP's connections leave the
// whole of it, so the console has the first half when they have taken everything else.
type sparing struct{ *net.TCPListener }

// Accept closes whoever comes too many, as a browser asks again; an error would hold up those after it.
func (l sparing) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		if left, reserve := transport.Descriptors(c); left >= reserve/2 {
			return c, nil
		}
		_ = c.Close() // nothing was said yet
	}
}

// openSocket takes the socket of the process before this one, or opens one.
func (s *server) openSocket(address string) (net.Listener, error) {
	if at, err := listensAt(address); err == nil {
		if file := s.manager.Take("tcp", at); file != nil {
			defer file.Close() // the listener has a descriptor of its own
			return net.FileListener(file)
		}
	}
	return net.Listen("tcp", address)
}

// listensAt is the socket address that listening on host:port ends at.
func listensAt(address string) (netip.AddrPort, error) {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ip, ok := netip.AddrFromSlice(at.IP)
	if !ok { // no host, as in :8443
		ip = netip.IPv6Unspecified()
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(at.Port)), nil
}

// handOver has the service manager keep the doors for the next process.
func (s *server) handOver(list []door) {
	if !s.manager.Keeps() {
		return
	}
	for _, d := range list {
		raw, err := d.tcp.SyscallConn()
		if err == nil {
			err = raw.Control(func(fd uintptr) { s.tell(s.manager.Keep(fd)) })
		}
		s.tell(err)
	}
}

func (d door) serve(log *slog.Logger) {
	if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
		log.Error("the console stopped", "address", d.listener.Addr().String(), "reason", err)
	}
}

const closeTimeout = 5 * time.Second

// closeDoors lets pages under way be finished. All close at once, so that none takes what another no longer has time for.
func closeDoors(list []door) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var group sync.WaitGroup
	for _, d := range list {
		group.Go(func() {
			if d.server.Shutdown(ctx) != nil {
				_ = d.server.Close() // whoever is still there had five seconds
			}
			_ = d.listener.Close() // closed already where the server ran
		})
	}
	group.Wait()
}
