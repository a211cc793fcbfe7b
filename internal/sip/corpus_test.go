package sip_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// addCorpus adds what fuzzing found worth keeping, so that each run of the tests tries it again: a quoted text a line,
// and for FuzzStream a number behind it. make fuzz adds to it.
func addCorpus(f *testing.F) {
	f.Helper()
	file, err := os.ReadFile("testdata/corpus/" + f.Name() + ".txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(file)) {
		quoted, number, pair := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		text, err := strconv.Unquote(quoted)
		if err != nil {
			f.Fatalf("%s: %v", line, err)
		}
		if !pair {
			f.Add([]byte(text))
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil {
			f.Fatalf("%s: %v", line, err)
		}
		f.Add([]byte(text), n)
	}
}
