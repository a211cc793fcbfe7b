package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"

	"isthmus/bench/report"
)

// decided is what the benchmarks of growth measure.
const decided = "What one decision costs by the number of what is configured: reading and deciding a request (Decide), judging its sender\n" +
	"(Admit), finding its recipient, and the whole way of a MESSAGE and its answer without sockets (MessageFrom).\n\n"

// growth runs the benchmarks that end with =SIZE and shows how cost grows.
func growth() error {
	cmd := exec.Command("go", "test", "-p", "1", "-run", "^$", "-bench", "/=", "-count", "3", "-benchtime", "100ms",
		"./internal/routing", "./internal/node", "./internal/proxy")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("run the benchmarks of growth: %w: %s", err, out)
	}
	lines, err := report.ReadGrowth(bytes.NewReader(out))
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return fmt.Errorf("the benchmarks of growth printed nothing that can be read: %s", out)
	}
	if *write {
		if err := os.WriteFile(plotFile, []byte(report.Plot(lines)), 0o644); err != nil {
			return err
		}
	}
	t := report.Growth(lines)
	return publish("growth", t.String(), decided+t.Markdown()+"\n![How the cost of a decision grows](performance-growth.svg)")
}
