package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"isthmus/bench/load"
	"isthmus/bench/proxies"
	"isthmus/internal/siptest"
)

// A stage is everything that takes part: the proxies, the upstream behind them, and what the callers show.
type stage struct {
	proxies.Setting
	upstream  load.Upstream
	listeners []net.Listener
	client    *tls.Config
	proxies   []*proxies.Proxy
	closing   sync.Mutex
}

// newStage starts the upstream and the proxies of these names.
func newStage(names []string) (*stage, error) {
	dir, err := os.MkdirTemp("", "isthmus-bench-")
	if err != nil {
		return nil, err
	}
	s := &stage{Setting: proxies.Setting{Dir: dir, Network: fmt.Sprintf("127.77.%d.", 1+os.Getpid()%250), Authority: siptest.NewAuthority("Bench CA")}}
	go s.closeWhenTold()
	if err := s.open(names); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// closeWhenTold ends the proxies, which would outlive this process, and then the process.
func (s *stage) closeWhenTold() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	<-told
	s.close()
	os.Exit(130)
}

func (s *stage) open(names []string) error {
	if err := os.Chmod(s.Dir, 0o711); err != nil { // the private Postgres runs as another user when root runs this
		return err
	}
	if err := s.writeCertificates(); err != nil {
		return err
	}
	if err := s.listen(); err != nil {
		return err
	}
	var err error
	if s.Isthmus, err = filepath.Abs(*program); err != nil {
		return err
	}
	if *profile != "" {
		if s.Profile, err = filepath.Abs(*profile); err != nil {
			return err
		}
	}
	return s.start(names)
}

func (s *stage) writeCertificates() (err error) {
	if s.CA, err = s.Authority.WritePEM(s.Dir, "ca"); err != nil {
		return err
	}
	s.Cert, s.Key, err = siptest.WritePEM(s.Dir, "proxy", s.Authority.Leaf(proxies.NodeName))
	s.client = s.Authority.Client(s.Authority.Leaf(proxies.CallerName), proxies.NodeName)
	return err
}

// listen opens the upstream: over TCP it is the connector of the Isthmus node, over TLS the federation's second node.
func (s *stage) listen() error {
	s.Connectors = proxies.Upstreams{TCP: s.Network + "11:5080", TLS: s.Network + "12:5061"}
	server := s.Authority.Server(s.Authority.Leaf(proxies.SecondName))
	for address, config := range map[string]*tls.Config{s.Connectors.TCP: nil, s.Connectors.TLS: server} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		if config != nil {
			l = tls.NewListener(l, config)
		}
		s.listeners = append(s.listeners, l)
		go func() { _ = s.upstream.Serve(l) }() // without it every transaction fails
	}
	return nil
}

func (s *stage) start(names []string) error {
	starts := []struct {
		name  string
		start func(*proxies.Setting) (*proxies.Proxy, error)
	}{{"Isthmus", proxies.StartIsthmus}, {"Kamailio", proxies.StartKamailio}, {"relay", s.startRelay}}
	for _, x := range starts {
		if !slices.Contains(names, x.name) {
			continue
		}
		p, err := x.start(&s.Setting)
		if p != nil {
			s.proxies = append(s.proxies, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) startRelay(setting *proxies.Setting) (*proxies.Proxy, error) {
	setting.RelayBin = filepath.Join(s.Dir, "relay.bin")
	if out, err := exec.Command("go", "build", "-o", setting.RelayBin, "./bench/relay").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the relay: %w: %s", err, out)
	}
	return proxies.StartRelay(setting)
}

// close may be called more than once.
func (s *stage) close() {
	s.closing.Lock()
	defer s.closing.Unlock()
	for _, p := range s.proxies {
		p.Stop()
	}
	for _, l := range s.listeners {
		l.Close()
	}
	os.RemoveAll(s.Dir)
}
