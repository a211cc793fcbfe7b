// Package archtest holds the table of who may import whom. A change of the table is a change of the architecture: say
// why in the commit.
package archtest

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "isthmus"

// allowed names, for each package, the packages of ours that it may import. Test support is imported by tests only, so
// its own row says what it may see.
var allowed = map[string][]string{
	"internal/federation": {},
	"internal/listing":    {},
	"internal/auth":       {},
	"internal/sip":        {},
	"internal/embedpg":    {},
	"internal/metrics":    {},
	"migrations":          {},
	"static":              {},

	"internal/document":        {"internal/federation"},
	"internal/store":           {"internal/federation", "internal/listing", "internal/auth", "migrations"},
	"internal/routing":         {"internal/federation", "internal/sip"},
	"internal/sip/transport":   {"internal/sip"},
	"internal/sip/transaction": {"internal/sip"},
	"internal/certs":           {"internal/federation"},
	"internal/wizard":          {"internal/federation"},
	"internal/powershell":      {"internal/federation"},

	"internal/proxy":    {"internal/federation", "internal/routing", "internal/sip", "internal/sip/transport", "internal/sip/transaction", "internal/metrics"},
	"internal/diagnose": {"internal/federation", "internal/routing", "internal/certs", "internal/sip", "internal/sip/transport"},

	"internal/node": {"internal/federation", "internal/routing", "internal/proxy", "internal/sip/transport", "internal/certs", "internal/metrics"},
	"templates":     {"internal/federation", "internal/listing", "internal/wizard", "internal/diagnose", "static"},

	"web": {"internal/federation", "internal/listing", "internal/auth", "internal/store", "internal/wizard", "internal/powershell",
		"internal/certs", "internal/diagnose", "internal/metrics", "templates", "static"},

	"cmd/isthmus": {"internal/federation", "internal/listing", "internal/auth", "internal/sip", "internal/embedpg", "internal/metrics",
		"migrations", "static", "internal/document", "internal/store", "internal/routing", "internal/sip/transport",
		"internal/sip/transaction", "internal/certs", "internal/wizard", "internal/powershell", "internal/proxy", "internal/diagnose",
		"internal/node", "templates", "web"},
	"cmd/lyncsim": {"internal/sip", "internal/siptest"},

	"internal/pgtest":   {"internal/embedpg"},
	"internal/siptest":  {"internal/sip"},
	"internal/htmltest": {},
	"internal/archtest": {},
	"internal/e2e":      {},
}

type listed struct {
	ImportPath string
	Imports    []string
}

// packages asks the go command for every package of the module with its imports outside tests.
func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...").Output()
	if err != nil {
		t.Fatalf("list the packages: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func ours(path string) (string, bool) { return strings.CutPrefix(path, module+"/") }

// wrong names every arrow that the table does not allow, and every package that it does not know.
func wrong(all []listed) []string {
	var list []string
	for _, p := range all {
		name, _ := ours(p.ImportPath)
		may, known := allowed[name]
		if !known {
			list = append(list, name+" is not in the table; give it a row that says what it may import.")
			continue
		}
		for _, imported := range p.Imports {
			if target, own := ours(imported); own && !slices.Contains(may, target) {
				list = append(list, name+" imports "+target+", which the table does not allow; turn the arrow round, or move the code.")
			}
		}
	}
	return list
}

func TestImportsFollowTheTable(t *testing.T) {
	for _, sentence := range wrong(packages(t)) {
		t.Error(sentence)
	}
}

func TestAWrongArrowAndAnUnknownPackageAreNamed(t *testing.T) {
	got := wrong([]listed{
		{"isthmus/internal/routing", []string{"fmt", "isthmus/internal/store"}},
		{"isthmus/internal/util", nil},
	})
	if len(got) != 2 || !strings.Contains(got[0], "internal/routing imports internal/store") || !strings.Contains(got[1], "internal/util is not in the table") {
		t.Errorf("got %q", got)
	}
}
