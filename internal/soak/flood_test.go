package soak

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A flood of handshakes is a process of its own, so that its work is not the node's: this program again, with the address
// of a listener in the environment.
const floodEnv = "ISTHMUS_SOAK_FLOOD"

const (
	floodRate   = 2000 // handshakes begun in a second
	floodOpen   = 500  // at once
	floodRounds = 5
	mostSlower  = 2.0 // what listed peers may notice of the node's part: their 99th percentile, as a multiple of that while it floods elsewhere
)

// BenchmarkListedPeersWhileStrangersShakeHands measures what listed peers notice of 2,000 handshakes a second from
// addresses that nobody lists, each of its own. The strangers do the least that makes the node sign: they send a
// ClientHello, read the beginning of its answer and go. They run on the same machine, which a flood from elsewhere would
// not burden: so their process has the lowest priority, and the flood is also made against a port of its own process,
// where each connection is closed at accept.
// Rounds take turns, as a machine is not equally fast all the time, and what counts is the median of the rounds.
func BenchmarkListedPeersWhileStrangersShakeHands(b *testing.B) {
	w := newWorld(b)
	w.change("the first configuration", func(*state) {})
	l := w.newLoad()
	l.run(time.Second)
	l.end()
	s := w.now()
	node := fmt.Sprintf("%s:%d", w.address(imp1Host), s.tlsPort)
	var calm, elsewhere, stormy noticed
	for range floodRounds {
		l.round(&calm)
		f := w.startFlood("")
		l.round(&elsewhere)
		fmt.Printf("flood elsewhere: %s\n", f.stop())
		f = w.startFlood(node)
		l.round(&stormy)
		fmt.Printf("flood of the node: %s\n", f.stop())
	}
	for i, what := range []string{"open", "new"} {
		without, other, with := calm.of(i), elsewhere.of(i), stormy.of(i)
		ratio, own := float64(with[1])/float64(without[1]), float64(with[1])/float64(other[1])
		fmt.Printf("flood: a listed peer's MESSAGEs over %s connections are answered within %v without a flood, %v while the machine makes one elsewhere, "+
			"%v with %d handshakes a second of strangers (50 %%, 99 %%; medians of %d rounds): 99 %% is %.2f and %.2f times\n",
			what, without, other, with, floodRate, floodRounds, ratio, own)
		b.ReportMetric(ratio, what+"-p99-ratio")
		b.ReportMetric(own, what+"-p99-ratio-elsewhere")
		if own >= mostSlower {
			b.Errorf("listed peers notice the flood: %v without it, %v with it elsewhere, %v with it", calm[i], elsewhere[i], stormy[i])
		}
	}
	fmt.Println("flood:", strings.Join(w.metricLines("isthmus_tls_handshake"), ", "))
}

// noticed is, for each round, within what times half and 99 in a hundred were answered: over open connections, and over
// new ones.
type noticed [2][][2]time.Duration

// of are the medians of the rounds.
func (n *noticed) of(i int) (times [2]time.Duration) {
	for j := range times {
		var list []time.Duration
		for _, round := range n[i] {
			list = append(list, round[j])
		}
		slices.Sort(list)
		times[j] = list[len(list)/2]
	}
	return times
}

// round runs the load for a while and notes what listed peers notice.
func (l *load) round(into *noticed) {
	l.begin()
	l.run(*duration)
	l.end()
	fresh := func(name string) bool { return name == "MESSAGE over a new connection" }
	open := func(name string) bool { return strings.HasPrefix(name, "MESSAGE to ") }
	for i, which := range []func(string) bool{open, fresh} {
		list := l.book.latenciesOf(which)
		if len(list) == 0 {
			l.world.t.Fatal("nothing was answered")
		}
		at := func(share int) time.Duration { return list[(len(list)-1)*share/100].Round(time.Microsecond) }
		into[i] = append(into[i], [2]time.Duration{at(50), at(99)})
	}
}

// A flood is the process that makes one.
type flood struct {
	w     *world
	cmd   *exec.Cmd
	stdin io.Closer
	said  *bufio.Reader
}

// startFlood floods an address; "" is one of the process itself.
func (w *world) startFlood(to string) *flood {
	w.t.Helper()
	cmd := exec.Command("nice", "-n", "19", os.Args[0])
	cmd.Env = append(os.Environ(), floodEnv+"="+cmp.Or(to, "elsewhere"), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	w.check(err)
	stdout, err := cmd.StdoutPipe()
	w.check(err)
	w.check(cmd.Start())
	f := &flood{w, cmd, stdin, bufio.NewReader(stdout)}
	_, err = f.said.ReadString('\n') // it is at full rate
	w.check(err)
	return f
}

// stop ends the flood and returns what it says of itself.
func (f *flood) stop() string {
	f.w.t.Helper()
	f.stdin.Close()
	said, err := io.ReadAll(f.said)
	f.w.check(err)
	f.w.check(f.cmd.Wait())
	return strings.TrimSpace(string(said))
}

// floods is what the process does until its input ends: true when this is that process.
func floods() bool {
	to := os.Getenv(floodEnv)
	switch to {
	case "":
		return false
	case "elsewhere":
		to = sink()
	}
	over := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(over)
	}()
	var began, answered, failed atomic.Int64
	var why atomic.Value
	why.Store("none failed")
	hello, slots := clientHello(), make(chan struct{}, floodOpen)
	var running sync.WaitGroup
	start, pulse := time.Now(), time.NewTicker(time.Millisecond)
	defer pulse.Stop()
	for told := false; ; {
		select {
		case <-over:
			running.Wait()
			fmt.Printf("%d handshakes begun in %v, %d answered, %d could not connect (%v)\n", began.Load(), time.Since(start).Round(time.Millisecond), answered.Load(), failed.Load(), why.Load())
			return true
		case <-pulse.C:
		}
		for due := int64(time.Since(start).Seconds() * floodRate); began.Load() < due; {
			n := began.Add(1)
			slots <- struct{}{}
			running.Go(func() {
				defer func() { <-slots }()
				ok, err := beginHandshake(to, n, hello)
				if err != nil {
					failed.Add(1)
					why.Store(err.Error())
				} else if ok {
					answered.Add(1)
				}
			})
		}
		if !told && time.Since(start) > 500*time.Millisecond {
			told = true
			fmt.Println("at full rate")
		}
	}
}

// sink closes each connection at accept.
func sink() string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return ln.Addr().String()
}

// clientHello is one as it stands on the wire; it serves for every handshake.
func clientHello() []byte {
	client, server := net.Pipe()
	go func() { _ = tls.Client(client, &tls.Config{ServerName: imp1, InsecureSkipVerify: true}).Handshake() }()
	b := make([]byte, 16<<10)
	n, _ := server.Read(b)
	client.Close()
	return b[:n]
}

// beginHandshake comes from an address of its own, and reports whether the node answered with its part of the handshake.
func beginHandshake(to string, n int64, hello []byte) (answered bool, err error) {
	from := net.IPv4(127, byte(100+n/62_500%50), byte(n/250%250), byte(1+n%250))
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: 5 * time.Second}).Dial("tcp", to)
	if err != nil {
		return false, err
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = c.Write(hello) // it may be closed already
	read, _ := c.Read(make([]byte, 1024))
	return read > 0, nil
}
