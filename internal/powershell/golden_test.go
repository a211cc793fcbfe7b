package powershell

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"isthmus/internal/federation"
)

var update = flag.Bool("update", false, "write the golden files anew from their answers")

// The heads of the golden files name no version of the program.
func init() { product = "Isthmus" }

// A golden is one file of testdata: what was answered, and behind it every file that is made of it. The form is that of
// Go's own txtar: a comment, then files, each under a line -- name --.
type golden struct {
	comment string
	answers string   // YAML, as for the wizard
	nodes   []string // the routing node first
	outputs string   // all that follows, as it was reviewed
}

var marker = regexp.MustCompile(`(?m)^-- (\S+) --\n`)

func readGolden(path string) golden {
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	text := string(data)
	places := marker.FindAllStringSubmatchIndex(text, -1)
	if len(places) < 2 || text[places[0][2]:places[0][3]] != "answers.yaml" || text[places[1][2]:places[1][3]] != "nodes" {
		panic(path + " does not begin with answers.yaml and nodes")
	}
	end := len(text)
	if len(places) > 2 {
		end = places[2][0]
	}
	return golden{text[:places[0][0]], text[places[0][1]:places[1][0]], strings.Fields(text[places[1][1]:end]), text[end:]}
}

func (g golden) inputs() string {
	return g.comment + "-- answers.yaml --\n" + g.answers + "-- nodes --\n" + strings.Join(g.nodes, "\n") + "\n"
}

func (g golden) deployment() federation.Deployment {
	var a federation.Answers
	if err := yaml.NewDecoder(strings.NewReader(g.answers), yaml.DisallowUnknownField()).Decode(&a); err != nil {
		panic(err)
	}
	d := deployment(a)
	d.Nodes = g.nodes
	return d
}

// kinds are the kinds of Microsoft side, each with a golden file of its name.
func kinds() []string {
	var list []string
	for _, edition := range []string{"-enterprise", "-standard"} {
		for _, platform := range []string{"skype-2019", "skype-2015", "lync-2013", "lync-2010"} {
			list = append(list, platform+edition, platform+edition+"-calling")
		}
		list = append(list, "ocs"+edition, "ocs"+edition+"-tcp")
	}
	return list
}

func goldenPath(kind string) string { return filepath.Join("testdata", kind+".txtar") }

// deployments are one of every kind of Microsoft side, by the name of its golden file; a test may change what it gets.
func deployments() map[string]federation.Deployment {
	list := maps.Clone(goldens())
	for kind, d := range list {
		d.Nodes, d.Answers.FrontEnds, d.Answers.Domains = slices.Clone(d.Nodes), slices.Clone(d.Answers.FrontEnds), slices.Clone(d.Answers.Domains)
		if e := d.Answers.Expressway; e != nil {
			copied := *e
			d.Answers.Expressway = &copied
		}
		list[kind] = d
	}
	return list
}

var goldens = sync.OnceValue(func() map[string]federation.Deployment {
	list := map[string]federation.Deployment{}
	for _, kind := range kinds() {
		list[kind] = readGolden(goldenPath(kind)).deployment()
	}
	return list
})

func deployment(a federation.Answers) federation.Deployment {
	name := a.Pool
	if name == "" {
		name = a.FrontEnds[0].FQDN
	}
	return federation.Deployment{ID: 1, Name: name, Answers: a, Nodes: []string{"imp1.synergy.com", "imp2.synergy.com"}, Revision: 12,
		CreatedAt: time.Date(2026, 3, 4, 9, 41, 0, 0, time.UTC), CreatedBy: "m.keller"}
}

func snapshot() federation.Snapshot {
	return federation.Snapshot{Configuration: federation.Configuration{Nodes: []federation.Node{
		{Name: "imp1.synergy.com", Address: "10.1.10.11"}, {Name: "imp2.synergy.com", Address: "10.1.10.12"},
		{Name: "imp1.foo.com", Address: "10.1.11.11"}, {Name: "imp2.foo.com", Address: "10.1.11.12"},
		{Name: "impserverpub.sip.com", Address: "10.1.12.11"}, {Name: "impserver2.sip.com", Address: "10.1.12.12"},
		{Name: "laptop.localdomain", Address: "127.0.0.1"},
	}}}
}

// written is everything that is made of a deployment, in the form of a golden file.
func written(t *testing.T, d federation.Deployment) string {
	t.Helper()
	pages, err := Pages(d, snapshot())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, step := range script(t, d) {
		fmt.Fprintf(&b, "-- %s --\n%s", step.File, step.Text)
	}
	for _, page := range pages {
		fmt.Fprintf(&b, "-- pages/%s --\n%s", page.Name, pageText(page))
	}
	for _, step := range PageSteps(pages) {
		fmt.Fprintf(&b, "-- pages/%s --\n%s", step.File, step.Text)
	}
	return b.String()
}

// pageText is a page as plain text, for reading.
func pageText(p Page) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n", p.Title, p.Lede)
	for _, section := range p.Sections {
		fmt.Fprintf(&b, "\n%s\n", section.Title)
		for i, item := range section.Items {
			fmt.Fprintf(&b, "%d. %s\n", i+1, item.Text)
			if item.Code != "" {
				fmt.Fprintf(&b, "       %s\n", item.Code)
			}
		}
		if section.Step != nil {
			fmt.Fprintf(&b, "File: %s\n", section.Step.File)
		}
	}
	return b.String()
}

func TestFilesAreAsReviewed(t *testing.T) {
	for _, kind := range kinds() {
		g := readGolden(goldenPath(kind))
		now := written(t, g.deployment())
		if *update {
			if err := os.WriteFile(goldenPath(kind), []byte(g.inputs()+now), 0o644); err != nil {
				t.Fatal(err)
			}
			g = readGolden(goldenPath(kind))
		}
		if g.outputs != now {
			t.Errorf("%s is not what was reviewed: %s; read the difference, then run with -update", kind, firstDifference(g.outputs, now))
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d was %q and is %q now", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("it had %d lines and has %d now", len(g), len(w))
}

// TestTheGoldenFilesHoldEveryKind keeps each file's answers to its name.
func TestTheGoldenFilesHoldEveryKind(t *testing.T) {
	platforms := map[string]string{federation.SkypeForBusiness2019: "skype-2019", federation.SkypeForBusiness2015: "skype-2015", federation.Lync2013: "lync-2013",
		federation.Lync2010: "lync-2010", federation.OCS2007R2: "ocs"}
	for kind, d := range deployments() {
		name := platforms[d.Answers.Platform] + "-" + d.Answers.Edition
		if d.Answers.Deployment == federation.ChatAndCalling {
			name += "-calling"
		}
		if d.Answers.Transport == federation.TCP {
			name += "-tcp"
		}
		if name != kind {
			t.Errorf("the golden file %s holds the answers of %s", kind, name)
		}
	}
	found, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(found) != len(kinds()) {
		t.Errorf("testdata holds %d golden files, and %d are used (%v)", len(found), len(kinds()), err)
	}
}

// Every kind of file is made of its answers again; nothing in it depends on the order of a map or on the clock.
func TestFilesAreTheSameTwice(t *testing.T) {
	for kind, d := range deployments() {
		first := written(t, d)
		if written(t, d) != first {
			t.Errorf("%s is written in two ways", kind)
		}
	}
}
