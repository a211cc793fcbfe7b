package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testName  = regexp.MustCompile(`\bTest\w+`)
	testFunc  = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	faultRow  = regexp.MustCompile(`(?m)^\| ([NPECDMI]\d+) \|.*$`)
	wantFault = map[string]int{"N": 19, "P": 13, "E": 5, "C": 12, "D": 14, "M": 18, "I": 8}
)

// unbuilt stands in the row of a fault that nothing here can have yet.
const unbuilt = "nothing to prove yet"

// TestEveryFaultHasTests holds that each row of the list of faults names tests, and that these exist.
func TestEveryFaultHasTests(t *testing.T) {
	list, err := os.ReadFile(filepath.Join(root, "docs", "faults.md"))
	if err != nil {
		t.Fatal(err)
	}
	there, rows := testFunctions(t), map[string]int{}
	for _, row := range faultRow.FindAllStringSubmatch(string(list), -1) {
		rows[row[1][:1]]++
		names := testName.FindAllString(row[0], -1)
		if len(names) == 0 && !strings.Contains(row[0], unbuilt) {
			t.Errorf("%s names no test", row[1])
		}
		for _, name := range names {
			if !there[name] {
				t.Errorf("%s names %s, which does not exist", row[1], name)
			}
		}
	}
	for kind, n := range wantFault {
		if rows[kind] != n {
			t.Errorf("%d rows %s, want %d", rows[kind], kind, n)
		}
	}
}

// testFunctions are all tests of the module.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, dir := range []string{"internal", "cmd", "web"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, match := range testFunc.FindAllSubmatch(text, -1) {
				names[string(match[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}
