// Package e2e tests the whole product from outside: the programs as they are built, real sockets, a real database. It
// knows of the product what its users know: the command line, the configuration document, HTTP and SIP.
package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"isthmus/internal/pgtest"
)

// programs are the built ones.
var programs struct{ isthmus, lyncsim string }

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "isthmus-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir, "./cmd/isthmus", "./cmd/lyncsim")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		os.Exit(1)
	}
	programs.isthmus, programs.lyncsim = filepath.Join(dir, "isthmus"), filepath.Join(dir, "lyncsim")
	http.DefaultTransport = guard.Transport(http.DefaultTransport)
	pgtest.Main(m)
}

// networks counts the worlds of this process.
var networks = make(chan int, 1)

func init() { networks <- 0 }

// network returns the first three numbers of addresses that no other test has: other packages' tests run beside this one,
// on the same ports.
func network() string {
	n := <-networks
	networks <- n + 1
	return fmt.Sprintf("127.%d.%d.", 100+(os.Getpid()/200+n*7)%100, 1+os.Getpid()%200)
}
