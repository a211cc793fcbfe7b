package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"isthmus/bench/report"
)

// Where -write puts the figures.
const (
	documentFile = "docs/performance.md"
	plotFile     = "docs/performance-growth.svg"
)

// titles of the sections. They are written with the figures, as the document has no section without.
var titles = map[string]string{"cost": "Cost", "growth": "Growth", "memory": "Memory", "console": "Beside the console"}

// publish prints a section, and with -write puts it into the document.
func publish(name, plain, markdown string) error {
	fmt.Println(plain)
	if !*write {
		return nil
	}
	text, err := os.ReadFile(documentFile)
	if err != nil {
		return err
	}
	changed, err := report.Put(string(text), name, "## "+titles[name]+"\n\n"+markdown)
	if err != nil {
		return fmt.Errorf("%s: %w", documentFile, err)
	}
	return os.WriteFile(documentFile, []byte(changed), 0o644)
}

// machine is what the figures were measured on.
func machine() string {
	model := "unknown processor"
	text, _ := os.ReadFile("/proc/cpuinfo") // elsewhere the model is unknown
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
		}
	}
	return fmt.Sprintf("%d cores of %s, %s", runtime.NumCPU(), model, runtime.Version())
}
