package main

import (
	"crypto/tls"
	"sync"
	"time"
)

// latest keeps a certificate for a while, so that a handshake does not ask the database, and keeps the last good one
// while it cannot be read.
type latest struct {
	read func() (*tls.Certificate, error)

	mu   sync.Mutex
	cert *tls.Certificate
	next time.Time
}

func (l *latest) get(now time.Time) (*tls.Certificate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cert != nil && now.Before(l.next) {
		return l.cert, nil
	}
	cert, err := l.read()
	l.next = now.Add(certificateLife)
	if err != nil && l.cert == nil {
		return nil, err
	}
	if err == nil {
		l.cert = cert
	}
	return l.cert, nil
}
