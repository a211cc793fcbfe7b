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
func (s *server) doors(site http.Handler, key *certs.Key) ([]door, error) {
	var list []door
	for _, way := range []struct {
		flag, address string
		config        *tls.Config
	}{
		{"--http", s.HTTP, nil},
		{"--https", s.HTTPS, s.consoleTLS(key)},
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

// certificateLife is how long the console goes on with a certificate before it looks whether there is a newer one.
const certificateLife = 5 * time.Second

// consoleTLS serves the node's own certificate, whichever is in force.
func (s *server) consoleTLS(key *certs.Key) *tls.Config {
	current := latest{read: func() (*tls.Certificate, error) {
		ctx, cancel := context.WithTimeout(context.Background(), certificateLife)
		defer cancel()
		snapshot, err := s.db.Snapshot(ctx)
		if err != nil {
			return nil, err
		}
		own := snapshot.Own(s.Node)
		if own == nil {
			return nil, errors.New("this node has no certificate")
		}
		return certs.Unseal(key, *own)
	}}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current.get(time.Now()) }}
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
