package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// memory that a run of the tests may take, in KiB: a removal may leave a loop that never ends and keeps what it makes.
const memory = 4 << 20

// A lab builds programs of a package's tests and runs them.
type lab struct {
	*target
	temp  string
	run   string
	limit time.Duration // of one run: a loop without an end is noticed by it
	mu    sync.Mutex
	count tally
	err   error
}

// try runs the tests against each removal, as many at a time as there are processors.
func (p *target) try(run string) (tally, error) {
	temp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return tally{}, err
	}
	defer os.RemoveAll(temp)
	l := &lab{target: p, temp: temp, run: run}
	program, err := l.switched()
	if err != nil {
		return tally{}, err
	}
	if err := l.rehearse(program); err != nil {
		return tally{}, err
	}
	var group sync.WaitGroup
	next := make(chan int)
	for range runtime.NumCPU() {
		group.Go(func() {
			for i := range next {
				l.judge(i, program)
			}
		})
	}
	for i := range p.mutants {
		next <- i
	}
	close(next)
	group.Wait()
	return l.count, l.err
}

// rehearse runs the tests with nothing removed: they have to pass, and tell how long they may take.
func (l *lab) rehearse(program string) error {
	l.limit = 5 * time.Minute
	start := time.Now()
	if out, err := l.test(program, 0); err != nil {
		return fmt.Errorf("The tests of %s fail with nothing removed: %w\n%s", l.dir, err, out)
	}
	l.limit = 20*time.Second + 5*time.Since(start)
	return nil
}

func (l *lab) judge(i int, program string) {
	m := l.mutants[i]
	f, err := l.fateOf(i, program)
	l.mu.Lock()
	defer l.mu.Unlock()
	if f == survived && l.equivalent[m.String()] {
		f = same
	}
	l.count[f]++
	l.err = errors.Join(l.err, err)
	if f == survived {
		fmt.Printf("survived, line %d: %s\n", m.line, m)
	}
}

func (l *lab) fateOf(i int, program string) (fate, error) {
	m := l.mutants[i]
	if m.alone {
		var err error
		program, err = l.build(fmt.Sprint(i+1), map[string][]byte{m.file: splice(l.files[m.file], []*mutant{m}, nil)})
		if err != nil {
			return unbuilt, unlessExit(err)
		}
		defer os.Remove(program)
	}
	if _, err := l.test(program, i+1); err != nil {
		return killed, unlessExit(err)
	}
	return survived, nil
}

// unlessExit is the error that is no verdict: a program that could not be run has judged nothing.
func unlessExit(err error) error {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil
	}
	return err
}

// switched builds one program with all removals that wait for their number.
func (l *lab) switched() (string, error) {
	number := map[*mutant]int{}
	byFile := map[string][]*mutant{}
	for i, m := range l.mutants {
		if number[m] = i + 1; !m.alone {
			byFile[m.file] = append(byFile[m.file], m)
		}
	}
	changed := map[string][]byte{filepath.Join(l.dir, "mutants.go"): switches(l.name)}
	for file, list := range byFile {
		changed[file] = splice(l.files[file], list, number)
	}
	return l.build("all", changed)
}

// build makes a program of the package's tests with changed files.
func (l *lab) build(name string, changed map[string][]byte) (string, error) {
	replace := map[string]string{}
	for file, source := range changed {
		original, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		replace[original] = filepath.Join(l.temp, name+"-"+filepath.Base(file))
		if err := os.WriteFile(replace[original], source, 0o600); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay, program := filepath.Join(l.temp, name+".json"), filepath.Join(l.temp, name+".test")
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", overlay, "-o", program, "./"+l.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("The tests of %s do not build: %w\n%s", l.dir, err, out)
	}
	return program, nil
}

// test runs a program of tests in the package's directory.
func (l *lab) test(program string, number int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), l.limit)
	defer cancel()
	const limited = `ulimit -v "$1" && shift && exec "$@"`
	args := []string{"-c", limited, "sh", fmt.Sprint(memory), program, "-test.failfast", "-test.run", l.run}
	if l.draws {
		args = append(args, "-rapid.seed=1", "-rapid.nofailfile") // each run draws alike, and nothing is left behind
	}
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Dir = l.dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("MUTANT=%d", number))
	cmd.WaitDelay = time.Second
	return cmd.CombinedOutput()
}
