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

// doors opens the console's addresses before anything else runs, so that a taken port is an error of the command.
func (s *server) doors(site http.Handler, own func() (*tls.Certificate, error)) ([]door, error) {
	var list []door
	for _, way := range []struct {
		flag, address string
		config        *tls.Config
	}{
		{"--http", s.HTTP, nil},
		{"--https", s.HTTPS, certs.Console(own)},
	} {
		if way.address == "" {
			continue
		}
		opened, err := s.openDoor(way.address)
		if err != nil {
			closeDoors(list)
			return nil, fmt.Errorf("the console cannot open %s: %w; free it, or choose another with %s", way.address, err, way.flag)
		}
		tcp := opened.(*net.TCPListener)
		var listener net.Listener = sparing{tcp}
		if way.config != nil {
			listener = tls.NewListener(listener, way.config)
		}
		list = append(list, door{tcp, listener, web.HTTPServer(site, s.log)})
	}
	return list, nil
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

// openDoor takes the socket of the process before this one, or opens one.
func (s *server) openDoor(address string) (net.Listener, error) {
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

// closeDoors lets pages under way be finished.
func closeDoors(list []door) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	for _, d := range list {
		if d.server.Shutdown(ctx) != nil {
			_ = d.server.Close() // whoever is still there had five seconds
		}
		_ = d.listener.Close() // closed already where the server ran
	}
}
