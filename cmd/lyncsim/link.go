package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

const (
	retryFirst = 200 * time.Millisecond
	retryLast  = 5 * time.Second
)

// link is one connection, accepted or opened.
type link struct {
	*siptest.Conn
	closed chan struct{} // closed once nothing more comes
}

func newLink(c *siptest.Conn) *link { return &link{c, make(chan struct{})} }

// read hands over message after message until the connection ends.
func (l *link) read(receive func(*link, *sip.Message)) error {
	defer close(l.closed)
	defer l.Close()
	for {
		m, err := l.Receive()
		switch {
		case siptest.Quiet(err):
		case err != nil:
			return err
		default:
			receive(l, m)
		}
	}
}

func (l *link) ended() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// accept serves whoever connects, until the context ends.
func accept(ctx context.Context, s *station, listener *siptest.Listener) error {
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	for {
		conn, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, os.ErrDeadlineExceeded): // nobody came for a while
		case err != nil:
			return fmt.Errorf("no more connections can be accepted: %w", err)
		default:
			go s.serve(ctx, newLink(conn))
		}
	}
}

// keep opens a connection and opens it again whenever it ends, after pauses that grow while nothing answers.
func keep(ctx context.Context, s *station, open func() (*siptest.Conn, error)) error {
	for pause := retryFirst; ; {
		if conn, err := open(); err == nil {
			pause = retryFirst
			s.serveTrunk(ctx, newLink(conn))
		} else {
			s.log.Warn("not connected", "reason", err, "again_in", pause)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
			pause = min(2*pause, retryLast)
		}
	}
}
