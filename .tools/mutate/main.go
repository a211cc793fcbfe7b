// Mutate takes behaviours out of packages, one at a time, runs the tests, and tells which removals no test noticed. The
// checkout is never altered: what is changed is an overlay of the build.
//
//	go run ./.tools/mutate [-list] [-sample N] [-run TESTS] PACKAGE|FILE...
//
// It exits with 1 when a removal survives. Removals that nobody could notice are held in testdata/equivalent.txt beside the
// package, one a line as they are printed, without the line's number, below a line with # that says why; what is held
// there and is no removal fails too.
//
// A general tool was tried; it knows neither the conditions of a switch nor the removal of a statement, which are most of
// the decisions here.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	list := flag.Bool("list", false, "list the removals, and try none")
	sample := flag.Int("sample", 0, "try so many of a package only, drawn at random (0: all)")
	run := flag.String("run", "", "run the tests only that match this expression")
	flag.Parse()
	total, stale := tally{}, 0
	for _, dir := range directories(flag.Args()) {
		p, err := open(dir, flag.Args())
		if err != nil {
			fail(err)
		}
		if *list {
			p.print()
			continue
		}
		stale += p.reportStale()
		if *sample > 0 {
			p.draw(*sample)
		}
		count, err := p.try(*run)
		if err != nil {
			fail(err)
		}
		fmt.Printf("%s: %s\n", dir, count)
		for f := range count {
			total[f] += count[f]
		}
	}
	if *list {
		return
	}
	fmt.Println("together:", total)
	if total[survived] > 0 || total[killed] == 0 || stale > 0 {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// A fate is what became of a removal.
type fate int

const (
	killed   fate = iota
	survived      // no test noticed
	same          // survived, and known to change nothing that can be noticed
	unbuilt       // no program without it
	fates
)

type tally [fates]int

func (t tally) String() string {
	return fmt.Sprintf("%d removals: %d noticed, %d survived, %d equivalent, %d do not build",
		t[killed]+t[survived]+t[same]+t[unbuilt], t[killed], t[survived], t[same], t[unbuilt])
}

// A target is one package with the removals in those of its files that were named.
type target struct {
	dir, name  string
	files      map[string][]byte
	mutants    []*mutant
	equivalent map[string]bool
	draws      bool // its tests draw their cases with rapid
}

func directories(args []string) []string {
	var dirs []string
	for _, arg := range args {
		dir := filepath.Clean(arg)
		if strings.HasSuffix(dir, ".go") {
			dir = filepath.Dir(dir)
		}
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func open(dir string, args []string) (*target, error) {
	p := &target{dir: dir, files: map[string][]byte{}}
	all, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, file := range all {
		named := slices.ContainsFunc(args, func(a string) bool { a = filepath.Clean(a); return a == file || a == dir })
		if !named || strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_templ.go") {
			continue
		}
		if err := p.read(file); err != nil {
			return nil, err
		}
	}
	for _, file := range all {
		text, _ := os.ReadFile(file)
		p.draws = p.draws || strings.HasSuffix(file, "_test.go") && bytes.Contains(text, []byte(`"pgregory.net/rapid"`))
	}
	if len(p.files) == 0 {
		return nil, fmt.Errorf("There is no Go file in %s among those that were named.", dir)
	}
	p.equivalent, err = equivalents(filepath.Join(dir, "testdata", "equivalent.txt"))
	return p, err
}

func (p *target) read(file string) error {
	source, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	list, name, err := mutantsOf(file, source)
	p.name, p.files[file], p.mutants = name, source, append(p.mutants, list...)
	return err
}

// equivalents reads the removals that change nothing; a line that begins with # is a reason.
func equivalents(file string) (map[string]bool, error) {
	known := map[string]bool{}
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			known[line] = true
		}
	}
	return known, nil
}

// draw leaves n removals at most, drawn at random. They stay in their order, by which splice nests those of one place.
func (p *target) draw(n int) {
	drawn := rand.Perm(len(p.mutants))[:min(n, len(p.mutants))]
	slices.Sort(drawn)
	list := make([]*mutant, len(drawn))
	for i, at := range drawn {
		list[i] = p.mutants[at]
	}
	p.mutants = list
}

func (p *target) print() {
	for _, m := range p.mutants {
		fmt.Printf("%d: %s\n", m.line, m)
	}
}

// reportStale tells the lines of the file of equivalents that are no removals of the files at hand.
func (p *target) reportStale() (count int) {
	there := map[string]bool{}
	for _, m := range p.mutants {
		there[m.String()] = true
	}
	for line := range p.equivalent {
		file, _, _ := strings.Cut(line, ":")
		if p.files[file] != nil && !there[line] {
			fmt.Println("no such removal:", line)
			count++
		}
	}
	return count
}
