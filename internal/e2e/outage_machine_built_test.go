package e2e

import (
	"debug/buildinfo"
	"os"
	"strings"
	"testing"
)

// TestTheProgramTellsWhatItIsMadeOf is I7: each module in the program is one that go.sum pins by its hash, and the program says
// so itself.
func TestTheProgramTellsWhatItIsMadeOf(t *testing.T) {
	info, err := buildinfo.ReadFile(programs.isthmus)
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) == 0 {
		t.Error("the program names no module")
	}
	for _, m := range info.Deps {
		if m.Replace != nil || !strings.Contains(string(pinned), m.Path+" "+m.Version+" "+m.Sum+"\n") {
			t.Errorf("%s %s with hash %q is not the one of go.sum", m.Path, m.Version, m.Sum)
		}
	}
}
