package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"isthmus/internal/siptest"
)

type frontEndCommand struct {
	Name          string `required:"" placeholder:"FQDN" help:"Name of the front end, and Common Name of its certificate."`
	Pool          string `placeholder:"FQDN" help:"Pool that its Record-Route names; without one it names itself."`
	Certs         string `required:"" placeholder:"DIR" help:"Directory of ca.pem, NAME.pem and NAME.key; what is missing is made."`
	ReturnUnknown bool   `help:"Send requests for users it does not have back to the node, as a pool's static route does; else answer 404."`
	traffic
}

// traffic is what both roles take.
type traffic struct {
	Listen   netip.AddrPort `required:"" placeholder:"IP:PORT" help:"Address to listen on. Connections to the node come from its IP address too."`
	Connect  netip.AddrPort `required:"" placeholder:"IP:PORT" help:"Listener of the node to connect to."`
	Users    []string       `placeholder:"ADDRESS,..." help:"Users here, such as carl@synergy.com."`
	Contacts []string       `placeholder:"ADDRESS,..." help:"Users there that those here turn to."`
	Every    time.Duration  `default:"2s" help:"Time between two turns; each is a SUBSCRIBE, a MESSAGE and a conversation."`
}

func (c frontEndCommand) Run(ctx context.Context, log *slog.Logger) error {
	id, err := identify(c.Certs, c.Name)
	if err != nil {
		return err
	}
	s := newStation(log.With("front_end", c.Name), newMicrosoft(c.Name, c.Pool), c.Users)
	s.returnUnknown, s.greet = c.ReturnUnknown, s.negotiate
	return c.run(ctx, s, id.server(), id.client())
}

type connectorCommand struct{ traffic }

func (c connectorCommand) Run(ctx context.Context, log *slog.Logger) error {
	s := newStation(log.With("connector", c.Listen.String()), plain{c.Listen.String()}, c.Users)
	return c.run(ctx, s, nil, nil)
}

// run listens, keeps the connection to the node and makes traffic, until the context ends. Without TLS configurations it
// speaks plain TCP.
func (t traffic) run(ctx context.Context, s *station, server, client *tls.Config) error {
	if t.Every <= 0 {
		return fmt.Errorf("--every %s is no time between two turns; name one such as 2s", t.Every)
	}
	listener, err := siptest.Listen(t.Listen.String(), server)
	if err != nil {
		return fmt.Errorf("%w; choose another address with --listen", err)
	}
	s.log.Info("listening", "address", listener.Addr())
	open := func() (*siptest.Conn, error) {
		return siptest.Dial(t.Connect.String(), siptest.Options{Local: t.Listen.Addr().String(), TLS: client})
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return accept(ctx, s, listener) })
	group.Go(func() error { return keep(ctx, s, open) })
	group.Go(func() error { s.talk(ctx, t.Users, t.Contacts, t.Every); return nil })
	return group.Wait()
}
