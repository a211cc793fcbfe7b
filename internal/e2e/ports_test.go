package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"isthmus/internal/siptest"
)

// shut is why a listener is not open, as /readyz tells, "" when it is.
func (m *machine) shut(listener string) string {
	response, err := http.Get("http://" + m.console + "/readyz")
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	return whyShut(response, listener)
}

func whyShut(readyz *http.Response, listener string) string {
	var told struct {
		Listeners []struct {
			Name, Error string
			Open        bool
		}
	}
	if err := json.NewDecoder(readyz.Body).Decode(&told); err != nil {
		return err.Error()
	}
	for _, l := range told.Listeners {
		if l.Name == listener && !l.Open {
			return l.Error
		}
	}
	return ""
}

func TestATakenPortNamesWhoHasIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDatabase(t))
	w.setUp()
	w.node.apply(w.listeners(8080)) // the console's
	wildcard, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer wildcard.Close()
	taken := wildcard.Addr().(*net.TCPAddr).Port
	p := launch(t, w.node.env, programs.isthmus, "serve")
	name, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "the console is named", func() bool {
		return strings.HasPrefix(w.node.shut("One more"), "Port 8080 is in use on "+w.net+nodeHost+" by this node itself, as its console's;")
	})
	w.node.apply(w.listeners(taken))
	want := fmt.Sprintf("Port %d is in use on %s by %s (process %d, user ", taken, w.net+nodeHost, strings.TrimSpace(string(name)), os.Getpid())
	eventually(t, patience, "another program is named", func() bool { return strings.HasPrefix(w.node.shut("One more"), want) })
	eventually(t, patience, "the log names it", func() bool { return says(p, "listener not open", fmt.Sprintf("(process %d, user", os.Getpid())) })
	if !answersOptions(w.net + nodeHost) {
		t.Error("the other listeners do not serve")
	}
	wildcard.Close()
	eventually(t, patience, "it opens by itself", func() bool { return w.node.ready().State == "ready" })
}

// probes is how the node answers over a new connection to a port.
func (w *world) probes(host string, port int, config *tls.Config) (status int, err error) {
	c, err := siptest.Dial(net.JoinHostPort(w.net+nodeHost, fmt.Sprint(port)), siptest.Options{Local: w.net + host, TLS: config})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.Send(siptest.Probe("imp1.synergy.com")); err != nil {
		return 0, err
	}
	m, err := c.Receive()
	if err != nil {
		return 0, err
	}
	return m.Status(), nil
}

// Two clients of each port connect again and again while one save after the other swaps the two TLS listeners' ports. A
// connection that came up without a certificate in the moment before its port demands one is closed in good order; nobody
// else notices the swap.
func TestTheTLSListenersSwapTheirPortsUnderConnects(t *testing.T) {
	w, _ := running(t)
	config := w.ca.Client(w.ca.Leaf("fe1.synergy.com"), "imp1.synergy.com")
	nobody := w.ca.Client(siptest.NewAuthority("Other CA").Leaf("fe1.synergy.com"), "imp1.synergy.com")
	stop := make(chan struct{})
	var served, closed atomic.Int64
	var group sync.WaitGroup
	clients := []int{5061, 5062, 5061, 5062}
	for _, port := range clients {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, err := w.probes(fe1Host, port, config)
				if err == io.EOF {
					closed.Add(1)
					continue
				}
				if err != nil {
					t.Errorf("port %d: %v", port, err)
					return
				}
				served.Add(1)
			}
		})
	}
	swaps := [][2]int{{5062, 5061}, {5061, 5062}, {5062, 5061}}
	for _, ports := range swaps {
		before := served.Load()
		w.applied(t, fmt.Sprintf(`listeners:
  - {name: Default SIP Proxy TCP Listener, transport: tcp, port: 5060}
  - {name: Default SIP Proxy TLS Listener - Peer Auth, transport: tls, port: %d, tls_context: sip-proxy-peer-auth}
  - {name: Default SIP Proxy TLS Listener - Server Auth, transport: tls, port: %d, tls_context: sip-proxy-server-auth}
`, ports[0], ports[1]))
		// A certificate is required of whoever is outside, and only one of the two listeners asks for it.
		for _, test := range []struct {
			port   int
			config *tls.Config
			want   int // 0: the handshake fails
		}{{ports[0], config, 200}, {ports[0], nobody, 0}, {ports[1], config, 403}, {ports[1], nobody, 403}} {
			if status, err := w.probes(fe2Host, test.port, test.config); status != test.want {
				t.Errorf("with peer authentication on %d port %d answers %d, %v, not %d", ports[0], test.port, status, err, test.want)
			}
		}
		eventually(t, patience, "connects go on", func() bool { return served.Load() > before+20 })
	}
	close(stop)
	group.Wait()
	if most := int64(len(swaps) * len(clients)); closed.Load() > most {
		t.Errorf("%d connections were closed, of which no more than %d can have come up by the rules before", closed.Load(), most)
	}
}
