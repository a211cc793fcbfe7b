package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// A mutant is one removal: a file with one behaviour taken out.
type mutant struct {
	file     string
	function string // that holds it
	line     int
	what     string
	edits    []edit
	alone    bool // it needs a build of its own; else the removed behaviours of a file wait in one build for their number
}

func (m *mutant) String() string {
	return fmt.Sprintf("%s: %s: %s", m.file, m.function, m.what)
}

// An edit replaces a piece of a file. In its text # stands for the number of the mutant.
type edit struct {
	from, to int
	with     string
	start    bool // it stands where what it surrounds begins
}

// A surgeon cuts a file.
type surgeon struct {
	file   string
	source []byte
	set    *token.FileSet
	above  []ast.Node // what holds the node at hand, outermost first
	list   []*mutant
	seen   map[string]int

	constant bool // inside a declaration of constants
}

// mutantsOf lists the removals in a file, and names its package.
func mutantsOf(file string, source []byte) (list []*mutant, pkg string, err error) {
	s := &surgeon{file: file, source: source, set: token.NewFileSet(), seen: map[string]int{}}
	tree, err := parser.ParseFile(s.set, file, source, 0)
	if err != nil {
		return nil, "", err
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		if n == nil {
			s.above = s.above[:len(s.above)-1]
			return true
		}
		s.cut(n)
		s.above = append(s.above, n)
		return true
	})
	return s.list, tree.Name.Name, nil
}

func (s *surgeon) cut(n ast.Node) {
	switch n := n.(type) {
	case *ast.GenDecl:
		s.constant = n.Tok == token.CONST
	case *ast.FuncDecl:
		s.constant = false
	case *ast.ExprStmt, *ast.DeferStmt, *ast.IncDecStmt:
		s.statement(n)
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			s.statement(n)
		}
	case *ast.IfStmt:
		s.condition(n.Cond)
	case *ast.SwitchStmt:
		s.cases(n)
	case *ast.BinaryExpr:
		s.operator(n)
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			s.wrap("without the not in "+s.text(n), n, "((", ") != mutantIs(#))")
		}
	case *ast.Ident:
		s.truth(n)
	}
}

// statement takes a statement out of a block. What a select waits for is none.
func (s *surgeon) statement(n ast.Node) {
	parent := s.above[len(s.above)-1]
	if c, ok := parent.(*ast.CommClause); ok && c.Comm == n {
		return
	}
	if panics(n) {
		parent = nil
	}
	switch parent.(type) {
	case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
		s.wrap("without "+s.text(n), n, "if !mutantIs(#) { ", " }")
	default:
		s.alone("without "+s.text(n), n.Pos(), n.End(), "")
	}
}

// panics reports whether a statement ends its function, which may need nothing else at its end.
func panics(n ast.Node) bool {
	s, _ := n.(*ast.ExprStmt)
	if s == nil {
		return false
	}
	call, _ := s.X.(*ast.CallExpr)
	if call == nil {
		return false
	}
	f, _ := call.Fun.(*ast.Ident)
	return f != nil && f.Name == "panic"
}

// cases takes the body of a case out, and its values one by one; the conditions of a switch without a value are
// conditions like those of an if.
func (s *surgeon) cases(n *ast.SwitchStmt) {
	for _, stmt := range n.Body.List {
		c := stmt.(*ast.CaseClause)
		for i, e := range c.List {
			switch {
			case n.Tag == nil:
				s.condition(e)
			case i > 0:
				s.alone("without the case "+s.text(e), c.List[i-1].End(), e.End(), "")
			case len(c.List) > 1:
				s.alone("without the case "+s.text(e), e.Pos(), c.List[1].Pos(), "")
			}
		}
		if len(c.Body) > 0 && c.List != nil && n.Tag != nil {
			s.alone("without the body of case "+s.text(c.List[0]), c.Body[0].Pos(), c.Body[len(c.Body)-1].End(), "")
		}
	}
}

func (s *surgeon) condition(e ast.Expr) {
	s.wrap("never "+s.text(e), e, "((", ") && !mutantIs(#))")
	s.wrap("always "+s.text(e), e, "((", ") || mutantIs(#))")
}

// neighbours are the operators that differ at the border only, or by a sign; with the functions that do either.
var neighbours = map[token.Token][2]string{
	token.LSS: {"<=", "mutantLess"}, token.LEQ: {"<", "mutantLessOrEqual"},
	token.GTR: {">=", "mutantMore"}, token.GEQ: {">", "mutantMoreOrEqual"},
}

func (s *surgeon) operator(n *ast.BinaryExpr) {
	left, right := "only the left of "+s.text(n), "only the right of "+s.text(n)
	switch n.Op {
	case token.LAND:
		s.wrap(left, n.Y, "(mutantIs(#) || (", "))")
		s.wrap(right, n.X, "(mutantIs(#) || (", "))")
	case token.LOR:
		s.wrap(left, n.Y, "(!mutantIs(#) && (", "))")
		s.wrap(right, n.X, "(!mutantIs(#) && (", "))")
	case token.EQL:
		s.wrap("with != in "+s.text(n), n, "((", ") != mutantIs(#))")
	case token.NEQ:
		s.wrap("with == in "+s.text(n), n, "((", ") != mutantIs(#))")
	case token.ADD:
		if !strings.ContainsAny(s.text(n), "\"`") { // no difference of texts
			s.alone("with - in "+s.text(n), n.OpPos, n.OpPos+1, "-")
		}
	case token.SUB:
		s.alone("with + in "+s.text(n), n.OpPos, n.OpPos+1, "+")
	default:
		if with, ok := neighbours[n.Op]; ok {
			m := s.wrap("with "+with[0]+" in "+s.text(n), n, with[1]+"(#, ", ")")
			at := s.offset(n.OpPos)
			m.edits = append(m.edits, edit{from: at, to: at + len(n.Op.String()), with: ","})
		}
	}
}

// truth turns a true or false that is written there.
func (s *surgeon) truth(n *ast.Ident) {
	if _, selected := s.above[len(s.above)-1].(*ast.SelectorExpr); selected {
		return
	}
	switch n.Name {
	case "true":
		s.wrap("false in "+s.lineOf(n), n, "((", ") && !mutantIs(#))")
	case "false":
		s.wrap("true in "+s.lineOf(n), n, "((", ") || mutantIs(#))")
	}
}

// wrap adds a mutant that is switched by what stands around a node.
func (s *surgeon) wrap(what string, n ast.Node, before, behind string) *mutant {
	from, to := s.offset(n.Pos()), s.offset(n.End())
	return s.add(what, n.Pos(), false, edit{from, from, before, true}, edit{to, to, behind, false})
}

func (s *surgeon) alone(what string, from, to token.Pos, with string) {
	s.add(what, from, true, edit{from: s.offset(from), to: s.offset(to), with: with})
}

// add names what is cut in one line; the second of a name in a function has (2) behind it.
func (s *surgeon) add(what string, at token.Pos, alone bool, edits ...edit) *mutant {
	if s.constant && !alone {
		return &mutant{} // nothing can be switched there
	}
	m := &mutant{file: s.file, function: s.function(), line: s.set.Position(at).Line,
		what: strings.Join(strings.Fields(what), " "), edits: edits, alone: alone}
	s.seen[m.String()]++
	if n := s.seen[m.String()]; n > 1 {
		m.what += fmt.Sprintf(" (%d)", n)
	}
	s.list = append(s.list, m)
	return m
}

func (s *surgeon) function() string {
	for _, n := range s.above {
		if f, ok := n.(*ast.FuncDecl); ok {
			return f.Name.Name
		}
	}
	return "package"
}

func (s *surgeon) offset(p token.Pos) int { return s.set.Position(p).Offset }

func (s *surgeon) text(n ast.Node) string {
	return string(s.source[s.offset(n.Pos()):s.offset(n.End())])
}

// lineOf is the line of code around a node.
func (s *surgeon) lineOf(n ast.Node) string {
	before := s.source[:s.offset(n.Pos())]
	from := strings.LastIndexByte(string(before), '\n') + 1
	line, _, _ := strings.Cut(string(s.source[from:]), "\n")
	line, _, _ = strings.Cut(line, "//")
	return line
}

// splice makes the edits of some mutants of one file; numbers are those of the list. What surrounds more stands further
// out; of two around the same, the one that was listed first.
func splice(source []byte, list []*mutant, number map[*mutant]int) []byte {
	type piece struct {
		edit
		other, order int // other end, and place in the list
	}
	var all []piece
	for order, m := range list {
		for i, e := range m.edits {
			e.with = strings.ReplaceAll(e.with, "#", fmt.Sprint(number[m]))
			other := -1
			if len(m.edits) > 1 && i < 2 {
				other = m.edits[1-i].from
			}
			all = append(all, piece{e, other, order})
		}
	}
	slices.SortStableFunc(all, func(a, b piece) int {
		switch {
		case a.from != b.from:
			return a.from - b.from
		case a.start != b.start:
			return map[bool]int{false: -1, true: 1}[a.start]
		case a.other != b.other:
			return b.other - a.other
		case a.start:
			return a.order - b.order
		}
		return b.order - a.order
	})
	var out []byte
	done := 0
	for _, p := range all {
		out = append(append(out, source[done:p.from]...), p.with...)
		done = p.to
	}
	return append(out, source[done:]...)
}

// switches is the code that the mutants of a package ask for their number.
func switches(pkg string) []byte {
	return fmt.Appendf(nil, `package %s

import (
	"cmp"
	"os"
	"strconv"
)

var mutantNumber = func() int { n, _ := strconv.Atoi(os.Getenv("MUTANT")); return n }()

func mutantIs(n int) bool { return n == mutantNumber }

func mutantLess[T cmp.Ordered](n int, a, b T) bool        { return a < b || mutantIs(n) && a == b }
func mutantLessOrEqual[T cmp.Ordered](n int, a, b T) bool { return a < b || !mutantIs(n) && a == b }
func mutantMore[T cmp.Ordered](n int, a, b T) bool        { return a > b || mutantIs(n) && a == b }
func mutantMoreOrEqual[T cmp.Ordered](n int, a, b T) bool { return a > b || !mutantIs(n) && a == b }
`, pkg)
}
