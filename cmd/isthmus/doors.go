package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"isthmus/internal/certs"
	"isthmus/web"
)

// A door is one address on which the console is served.
type door struct {
	listener net.Listener
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
		listener, err := net.Listen("tcp", way.address)
		if err != nil {
			closeDoors(list)
			return nil, fmt.Errorf("the console cannot open %s: %w; free it, or choose another with %s", way.address, err, way.flag)
		}
		if way.config != nil {
			listener = tls.NewListener(listener, way.config)
		}
		list = append(list, door{listener, web.HTTPServer(site)})
	}
	return list, nil
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
