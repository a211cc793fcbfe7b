// Command relay is the floor that a proxy is measured against: it reads, frames and passes messages on unchanged, with a goroutine
// per connection and one write per batch of input, with system calls that the scheduler is not told of, as Isthmus' transport does,
// and does nothing else. It keeps no state, checks nothing, and is no SIP proxy.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"log"
	"net"
	"os"
	"slices"
	"sync"

	"isthmus/bench/wire"
	"isthmus/internal/sip/transport/direct"
)

var (
	listenTCP = flag.String("tcp", "", "address to listen on over TCP")
	listenTLS = flag.String("tls", "", "address to listen on over mutual TLS")
	toTCP     = flag.String("to-tcp", "", "where what comes over TCP goes")
	toTLS     = flag.String("to-tls", "", "where what comes over TLS goes")
	name      = flag.String("name", "", "server name of the other side's certificate")
	certFile  = flag.String("cert", "", "own certificate")
	keyFile   = flag.String("key", "", "own key")
	caFile    = flag.String("ca", "", "trusted CA")
)

func main() {
	flag.Parse()
	server, client, err := configs()
	if err != nil {
		log.Fatal(err)
	}
	plain := relay{to: *toTCP}
	secure := relay{to: *toTLS, tls: client}
	if err := errorOf(plain.listen(*listenTCP, nil), secure.listen(*listenTLS, server)); err != nil {
		log.Fatal(err)
	}
	select {}
}

func errorOf(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// configs are what the relay shows and wants as server and as client: mutual TLS with one CA.
func configs() (server, client *tls.Config, err error) {
	own, err := tls.LoadX509KeyPair(*certFile, *keyFile)
	if err != nil {
		return nil, nil, err
	}
	ca, err := os.ReadFile(*caFile)
	if err != nil {
		return nil, nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	list := []tls.Certificate{own}
	server = &tls.Config{Certificates: list, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	return server, &tls.Config{Certificates: list, RootCAs: pool, ServerName: *name}, nil
}

// A relay passes what comes over one transport to one place, and the answers back.
type relay struct {
	to  string
	tls *tls.Config // nil: TCP

	mu      sync.RWMutex
	up      *wire.Writer
	callers map[string]*wire.Writer // by the host and port of their topmost Via
}

func (r *relay) listen(address string, config *tls.Config) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	l = listener{l}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	r.callers = map[string]*wire.Writer{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				log.Fatal(err)
			}
			go r.serve(c)
		}
	}()
	return nil
}

// A listener's connections are read and written as those of Isthmus are.
type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return directly(c)
}

func directly(c net.Conn) (net.Conn, error) { return direct.New(c.(*net.TCPConn)) }

// serve passes a caller's messages on.
func (r *relay) serve(c net.Conn) {
	defer c.Close()
	caller := c.RemoteAddr().String()
	r.set(caller, wire.NewWriter(c))
	defer r.set(caller, nil)
	up, err := r.upstream()
	if err != nil {
		log.Print(err)
		return
	}
	_ = wire.Read(c, up.Append, func() { _ = up.Flush() }) // it ends with the caller
}

func (r *relay) set(caller string, w *wire.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w == nil {
		delete(r.callers, caller)
		return
	}
	r.callers[caller] = w
}

// upstream connects once, for all callers.
func (r *relay) upstream() (*wire.Writer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.up != nil {
		return r.up, nil
	}
	c, err := net.Dial("tcp", r.to)
	if err != nil {
		return nil, err
	}
	if c, err = directly(c); err != nil {
		return nil, err
	}
	if r.tls != nil {
		c = tls.Client(c, r.tls)
	}
	r.up = wire.NewWriter(c)
	go r.answers(c)
	return r.up, nil
}

// answers passes what comes back to who asked.
func (r *relay) answers(c net.Conn) {
	var touched []*wire.Writer
	err := wire.Read(c, func(m []byte) {
		if w := r.callerOf(m); w != nil {
			w.Append(m)
			if !slices.Contains(touched, w) {
				touched = append(touched, w)
			}
		}
	}, func() {
		for _, w := range touched {
			_ = w.Flush() // a caller that is gone hears nothing
		}
		touched = touched[:0]
	})
	log.Fatal("the other side is gone: ", err)
}

var viaStart = []byte("\r\nVia: SIP/2.0/")

// callerOf finds who sent the request that m answers: a caller writes its own host and port into its Via.
func (r *relay) callerOf(m []byte) *wire.Writer {
	at := bytes.Index(m, viaStart)
	if at < 0 {
		return nil
	}
	sentBy := m[at+len(viaStart)+len("TCP "):]
	end := bytes.IndexByte(sentBy, ';')
	if end < 0 {
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.callers[string(sentBy[:end])]
}
