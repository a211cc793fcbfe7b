package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what should come much sooner.
const patience = 15 * time.Second

// eventually asks again until ask is content, and fails with what it waited for after a while.
func eventually(t *testing.T, within time.Duration, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(within); time.Now().Before(end); <-tick.C {
		if ask() {
			return
		}
	}
	t.Fatalf("%s: not within %s", what, within)
}

// output is what a process printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process is a program under way.
type process struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, err *output
	ended    chan struct{}
}

// launch starts a program, which is ended with the test.
func launch(t *testing.T, environment []string, name string, args ...string) *process {
	t.Helper()
	p := prepare(t, environment, name, args...)
	p.start()
	return p
}

// prepare is a program that start starts.
func prepare(t *testing.T, environment []string, name string, args ...string) *process {
	p := &process{t: t, cmd: exec.Command(name, args...), out: new(output), err: new(output), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = environment, guard.Writer(t, outputOf(t, "output", name, args), p.out), guard.Writer(t, outputOf(t, "error", name, args), p.err)
	guard.Given("", args)
	return p
}

func (p *process) start() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // ProcessState says how it ended
		close(p.ended)
	}()
	p.t.Cleanup(func() { p.stop() })
}

// stop asks the program to end, and returns its exit code; one that does not is killed.
func (p *process) stop() int {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	return p.cmd.ProcessState.ExitCode()
}

// environment is the surrounding one without what would change the program's flags.
func environment() []string {
	var list []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ISTHMUS_") {
			list = append(list, v)
		}
	}
	return list
}

// result is a program that has ended.
type result struct {
	code     int
	out, err string
}

func (r result) String() string { return fmt.Sprintf("exit %d\n%s%s", r.code, r.out, r.err) }

// call runs a program to its end, with standard input.
func call(t *testing.T, input string, environment []string, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment, strings.NewReader(input), &out, &errs
	guard.Given(input, args)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	r := result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
	r.lookAt(t, name, args)
	return r
}

// freezes has a process stand still. SIGSTOP is on its way for a moment, in which the process may still answer.
func (p *process) freezes() {
	p.t.Helper()
	p.signals(syscall.SIGSTOP)
	eventually(p.t, patience, "the process stands still", func() bool {
		states, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
		return err == nil && len(states) > 0 && !slices.ContainsFunc(states, func(name string) bool {
			text, err := os.ReadFile(name)
			return err == nil && !strings.Contains(string(text), ") T ") // one that has ended stands still too
		})
	})
}

// thaws has a process go on that stood still.
func (p *process) thaws() {
	p.t.Helper()
	p.signals(syscall.SIGCONT)
}

func (p *process) signals(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}
