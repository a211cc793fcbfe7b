package proxies

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CPU is the time that the proxy's threads have run, user and system, as the kernel's scheduler counts it. Of Isthmus it is
// the one process, without its private Postgres; of Kamailio all its processes.
func (p *Proxy) CPU() (time.Duration, error) {
	sum := time.Duration(0)
	for _, pid := range p.pids() {
		t, err := cpuOf("/proc", pid)
		if err != nil {
			return 0, fmt.Errorf("CPU time of %s: %w", p.Name, err)
		}
		sum += t
	}
	return sum, nil
}

// Memory is what of the proxy is resident, in bytes, with its share of what processes have in common.
func (p *Proxy) Memory() (int64, error) {
	sum := int64(0)
	for _, pid := range p.pids() {
		n, err := memoryOf("/proc", pid)
		if err != nil {
			return 0, fmt.Errorf("memory of %s: %w", p.Name, err)
		}
		sum += n
	}
	return sum, nil
}

func (p *Proxy) pids() []int {
	own := p.cmd.Process.Pid
	if !p.whole {
		return []int{own}
	}
	return append(children("/proc", own), own)
}

// cpuOf sums the threads that there are: the first number of a schedstat is nanoseconds on a processor (proc(5)). A thread that
// ended takes its time with it, but neither of the programs ends threads while it is under load.
func cpuOf(proc string, pid int) (time.Duration, error) {
	files, err := filepath.Glob(filepath.Join(proc, strconv.Itoa(pid), "task", "*", "schedstat"))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("process %d has no threads that the system tells of: %w", pid, os.ErrNotExist)
	}
	sum := int64(0)
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // the thread ended just now
		}
		first, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", f, err)
		}
		sum += n
	}
	return time.Duration(sum), nil
}

// memoryOf is the proportional set size: pages that several processes share count in parts.
func memoryOf(proc string, pid int) (int64, error) {
	text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "smaps_rollup"))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && string(fields[0]) == "Pss:" {
			n, err := strconv.ParseInt(string(fields[1]), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("smaps_rollup of process %d has no Pss", pid)
}

// children are the processes below one, at any depth.
func children(proc string, parent int) (list []int) {
	above := map[int]int{}
	stats, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "stat"))
	for _, f := range stats {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // it ended just now
		}
		if pid, ppid, ok := parentIn(text); ok {
			above[pid] = ppid
		}
	}
	for pid := range above {
		for up := above[pid]; up > 0; up = above[up] {
			if up == parent {
				list = append(list, pid)
				break
			}
		}
	}
	slices.Sort(list)
	return list
}

// parentIn reads /proc/PID/stat: the name in parentheses may hold anything, so what counts begins behind the last one.
func parentIn(stat []byte) (pid, parent int, ok bool) {
	end := bytes.LastIndexByte(stat, ')')
	first, _, _ := bytes.Cut(stat, []byte(" "))
	if end < 0 {
		return 0, 0, false
	}
	fields := bytes.Fields(stat[end+1:])
	if len(fields) < 2 {
		return 0, 0, false
	}
	pid, err1 := strconv.Atoi(string(first))
	parent, err2 := strconv.Atoi(string(fields[1]))
	return pid, parent, err1 == nil && err2 == nil
}
