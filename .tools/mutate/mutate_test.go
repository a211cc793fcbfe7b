package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"testing"
)

const sample = `package sample

func Fits(n, limit int, open bool) bool {
	count := 0
	if !open && n > limit {
		count++
	}
	switch n {
	case 7, 8:
		return false
	}
	return count+1 == 1
}
`

const sampleTest = `package sample

import "testing"

func TestFits(t *testing.T) {
	if !Fits(1, 2, false) || Fits(3, 2, false) || Fits(7, 9, false) || !Fits(3, 2, true) {
		t.Fail()
	}
}
`

func TestEveryDecisionIsTakenOut(t *testing.T) {
	list, pkg, err := mutantsOf("sample.go", []byte(sample))
	if err != nil || pkg != "sample" {
		t.Fatal(pkg, err)
	}
	var got []string
	for _, m := range list {
		got = append(got, fmt.Sprintf("%d %s: %s", m.line, m.function, m.what))
	}
	want := []string{
		"5 Fits: never !open && n > limit",
		"5 Fits: always !open && n > limit",
		"5 Fits: only the left of !open && n > limit",
		"5 Fits: only the right of !open && n > limit",
		"5 Fits: without the not in !open",
		"5 Fits: with >= in n > limit",
		"6 Fits: without count++",
		"9 Fits: without the case 7",
		"9 Fits: without the case 8",
		"10 Fits: without the body of case 7",
		"10 Fits: true in return false",
		"12 Fits: with != in count+1 == 1",
		"12 Fits: with - in count+1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%q\nwant:\n%q", got, want)
	}
}

func TestTheSameCutTwiceHasTwoNames(t *testing.T) {
	list, _, err := mutantsOf("sample.go", []byte("package sample\n\nfunc f() { g(); g() }\n"))
	if err != nil || len(list) != 2 || list[0].String() != "sample.go: f: without g()" || list[1].String() != "sample.go: f: without g() (2)" {
		t.Errorf("%v, %v", list, err)
	}
}

func TestAPanicThatEndsAFunctionIsBuiltAlone(t *testing.T) {
	list, _, err := mutantsOf("sample.go", []byte("package sample\n\nfunc f() int { g(); panic(1) }\n"))
	if err != nil || len(list) != 2 || list[0].alone || !list[1].alone {
		t.Errorf("%v, %v", list, err)
	}
}

func TestWhatASelectWaitsForStays(t *testing.T) {
	list, _, err := mutantsOf("sample.go", []byte("package sample\n\nfunc f() {\n\tselect {\n\tcase <-a:\n\t\tg()\n\tcase v = <-b:\n\t}\n}\n"))
	if err != nil || len(list) != 1 || list[0].what != "without g()" {
		t.Errorf("%v, %v", list, err)
	}
}

// The tests of the sample do not know 8, nor the border of the limit.
func TestWhatNoTestNoticesSurvives(t *testing.T) {
	p := inSample(t, "")
	count, err := p.try("")
	if want := (tally{killed: 11, survived: 2}); err != nil || count != want {
		t.Errorf("%v, want %v, %v", count, want, err)
	}
}

func TestEquivalentsAreKnownAndHaveToBeThere(t *testing.T) {
	p := inSample(t, "# nobody asks for it\nsample.go: Fits: without the case 8\nsample.go: Fits: without the case 9\n")
	if n := p.reportStale(); n != 1 {
		t.Errorf("%d equivalents are reported as no removals, want 1", n)
	}
	count, err := p.try("")
	if err != nil || count[same] != 1 || count[survived] != 1 {
		t.Errorf("%v, %v", count, err)
	}
}

func TestAPackageWhoseTestsFailIsNotTried(t *testing.T) {
	p := inSample(t, "")
	write(t, "broken_test.go", "package sample\n\nimport \"testing\"\n\nfunc TestNever(t *testing.T) { t.Fail() }\n")
	if _, err := p.try(""); err == nil {
		t.Error("the tests fail with nothing removed, and nobody says so")
	}
}

func TestWhateverIsDrawnFitsIntoOneProgram(t *testing.T) {
	p := inSample(t, "")
	all := p.mutants
	for range 50 {
		p.mutants = all
		p.draw(len(all) - 1)
		if len(p.mutants) != len(all)-1 {
			t.Fatalf("%d removals are drawn, want %d", len(p.mutants), len(all)-1)
		}
		number := map[*mutant]int{}
		var list []*mutant
		for i, m := range p.mutants {
			if number[m] = i + 1; !m.alone {
				list = append(list, m)
			}
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "sample.go", splice(p.files["sample.go"], list, number), 0); err != nil {
			t.Fatalf("%v of %v", err, p.mutants)
		}
	}
	if p.draw(len(all) + 1); len(p.mutants) != len(all)-1 {
		t.Error("a sample of more than there are is not all of them")
	}
}

// Only what the compiler refuses is no program; a disk that is full is a failure of the whole run.
func TestABuildThatCannotBeTriedIsAFailure(t *testing.T) {
	p := inSample(t, "")
	i := slices.IndexFunc(p.mutants, func(m *mutant) bool { return m.alone })
	l := &lab{target: p, temp: "missing"}
	if _, err := l.fateOf(i, ""); err == nil {
		t.Error("a program that could not be written counts as one that does not build")
	}
	p.mutants[i].edits[0].with = "nonsense nonsense"
	l.temp = t.TempDir()
	if f, err := l.fateOf(i, ""); f != unbuilt || err != nil {
		t.Errorf("fate %d, %v, want %d", f, err, unbuilt)
	}
}

// inSample opens the sample in a module of its own.
func inSample(t *testing.T, equivalent string) *target {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.Mkdir("testdata", 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, "go.mod", "module sample\n\ngo 1.26\n")
	write(t, "sample.go", sample)
	write(t, "sample_test.go", sampleTest)
	write(t, "testdata/equivalent.txt", equivalent)
	p, err := open(".", []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
