// Package proxies starts the three proxies that are compared, each as processes of its own and set up to do the same work, and
// reads from the operating system what they cost. It knows nothing of the load.
package proxies

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"isthmus/bench/load"
	"isthmus/internal/siptest"
)

// startLimit is how long a proxy may take until it listens.
const startLimit = 60 * time.Second

// A Proxy is one under way.
type Proxy struct {
	Name  string
	Relay bool // it changes nothing
	// Calls is how requests over TCP and over TLS are addressed.
	TCP, TLS Door
	// Console is the address of Isthmus' console, with its scheme.
	Console string

	cmd   *exec.Cmd
	ended chan struct{}
	dir   string
	whole bool // its children are part of it
}

// A Door is a listener of a proxy, and how requests are addressed that come in there.
type Door struct {
	Address string // host and port
	Call    load.Call
}

// Setting is what the proxies stand in.
type Setting struct {
	Dir        string             // for files
	Network    string             // first three numbers of every address, with a dot behind
	Authority  *siptest.Authority // who issued every certificate
	Isthmus    string             // the program
	Profile    string             // file for a profile of Isthmus, where it is built to write one; "" for none
	RelayBin   string             // the program
	Cert, Key  string             // files that each proxy shows
	CA         string             // file that each proxy trusts
	Connectors Upstreams
}

// Upstreams are where the one upstream listens.
type Upstreams struct{ TCP, TLS string }

// Last numbers of addresses.
const (
	isthmusHost  = "11" // the node
	secondHost   = "12" // the node that is the upstream over TLS
	kamailioHost = "13"
	relayHost    = "14"
)

// callers are the last numbers of the addresses of four front ends.
var callers = []string{"21", "22", "23", "24"}

// Callers are the addresses that requests come from.
func (s *Setting) Callers() (list []string) {
	for _, host := range callers {
		list = append(list, s.Network+host)
	}
	return list
}

// Names of certificates.
const (
	NodeName   = "imp1.synergy.com" // each proxy shows this
	SecondName = "imp2.synergy.com" // the upstream
	CallerName = "fe1.synergy.com"
)

// start runs a program whose output goes to a file, as a group that ends together.
func start(dir, name string, environment []string, program string, args ...string) (*Proxy, error) {
	out, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &Proxy{Name: name, cmd: exec.Command(program, args...), ended: make(chan struct{}), dir: dir}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = environment, out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // that it ended is seen where something is expected of it
		close(p.ended)
	}()
	return p, nil
}

// Stop ends a proxy and waits until it has.
func (p *Proxy) Stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
	}
	if p.whole {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // a child that was forked meanwhile
	}
	<-p.ended
}

// await waits until something holds, while the proxy lives.
func (p *Proxy) await(what string, holds func() bool) error {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(startLimit); time.Now().Before(end); <-look.C {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended: %s", p.Name, p.said())
		default:
		}
		if holds() {
			return nil
		}
	}
	return fmt.Errorf("%s: not within %v: %s", p.Name, startLimit, what)
}

func (p *Proxy) awaitListening() error {
	for _, d := range []Door{p.TCP, p.TLS} {
		err := p.await("it listens on "+d.Address, func() bool {
			c, err := net.DialTimeout("tcp", d.Address, time.Second)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// said is the end of what it wrote.
func (p *Proxy) said() string {
	text, _ := os.ReadFile(filepath.Join(p.dir, p.Name+".log"))
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-10):], []byte("\n")))
}

// clean is the surrounding environment without what would change a program's settings.
func clean() (list []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ISTHMUS_") && !strings.HasPrefix(v, "GO") {
			list = append(list, v)
		}
	}
	return list
}
