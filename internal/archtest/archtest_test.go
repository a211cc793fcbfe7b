// Package archtest holds the table of who may import whom. A change of the table is a change of the architecture: say
// why in the commit.
package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
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
	"internal/names":      {},
	"internal/systemd":    {},
	"migrations":          {},
	"static":              {},

	"internal/document":             {"internal/federation"},
	"internal/store":                {"internal/federation", "internal/listing", "internal/auth", "migrations"},
	"internal/routing":              {"internal/federation", "internal/sip"},
	"internal/sip/transport":        {"internal/sip", "internal/sip/transport/direct"},
	"internal/sip/transport/direct": {},
	"internal/sip/transaction":      {"internal/sip"},
	"internal/certs":                {"internal/federation"},
	"internal/wizard":               {"internal/federation"},
	"internal/powershell":           {"internal/federation"},

	"internal/proxy":    {"internal/federation", "internal/routing", "internal/sip", "internal/sip/transport", "internal/sip/transaction", "internal/metrics", "internal/names"},
	"internal/diagnose": {"internal/federation", "internal/routing", "internal/certs", "internal/sip", "internal/sip/transport"},

	"internal/node": {"internal/federation", "internal/routing", "internal/proxy", "internal/sip/transport", "internal/certs", "internal/metrics", "internal/names"},
	"templates":     {"internal/federation", "internal/listing", "internal/wizard", "internal/diagnose", "static"},

	"web": {"internal/federation", "internal/listing", "internal/auth", "internal/store", "internal/wizard", "internal/powershell",
		"internal/certs", "internal/diagnose", "internal/metrics", "templates", "static"},

	"cmd/isthmus": {"internal/federation", "internal/listing", "internal/auth", "internal/sip", "internal/embedpg", "internal/metrics",
		"internal/names", "migrations", "static", "internal/document", "internal/store", "internal/routing", "internal/sip/transport",
		"internal/sip/transaction", "internal/certs", "internal/wizard", "internal/powershell", "internal/proxy", "internal/diagnose",
		"internal/node", "internal/systemd", "templates", "web"},
	"cmd/lyncsim": {"internal/sip", "internal/siptest"},

	// The benchmark measures the product from outside, as a process: it shares nothing with it but who issues test certificates.
	"bench":         {"bench/load", "bench/proxies", "bench/report", "internal/siptest"},
	"bench/load":    {"bench/wire"},
	"bench/proxies": {"bench/load", "internal/siptest"},
	"bench/relay":   {"bench/wire", "internal/sip/transport/direct"},
	"bench/report":  {},
	"bench/wire":    {},

	"internal/pgtest":   {"internal/embedpg"},
	"internal/siptest":  {"internal/sip"},
	"internal/dnstest":  {},
	"internal/pstest":   {},
	"internal/htmltest": {},
	"internal/keyleak":  {},
	"internal/archtest": {},
	"internal/e2e":      {},
}

type listed struct {
	ImportPath string
	Imports    []string
}

// root is the module's directory, seen from this package.
const root = "../.."

// packages reads which package imports what outside tests. It reads the files itself: what another program reads for a
// test is unknown to the cache of test results, and an arrow drawn today would pass with the result of yesterday.
func packages(t *testing.T) []listed {
	t.Helper()
	imports := map[string]map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && skipped(entry.Name()):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		return addImports(imports, path)
	})
	if err != nil {
		t.Fatalf("read the packages: %v", err)
	}
	var all []listed
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		all = append(all, listed{name, slices.Sorted(maps.Keys(imports[name]))})
	}
	return all
}

// skipped are directories without packages, among them those of the running program.
func skipped(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "var", "bin"}, name)
}

func addImports(imports map[string]map[string]bool, path string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	dir, err := filepath.Rel(root, filepath.Dir(path))
	if err != nil {
		return err
	}
	name := module + "/" + filepath.ToSlash(dir)
	if imports[name] == nil {
		imports[name] = map[string]bool{}
	}
	for _, spec := range file.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		imports[name][target] = true
	}
	return nil
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
	all := packages(t)
	if len(all) < 20 {
		t.Fatalf("only %d packages were found", len(all))
	}
	for _, sentence := range wrong(all) {
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
