package store

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"isthmus/internal/listing"
	"isthmus/migrations"
)

// down takes every migration back.
func down(t testing.TB, s *Store) {
	t.Helper()
	db := stdlib.OpenDB(*s.config)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS)
	ok(t, err)
	_, err = provider.DownTo(t.Context(), 0)
	ok(t, err)
}

// source holds the package's constants and the texts that it is written with.
type source struct {
	constants map[string]ast.Expr
	texts     map[string]bool
}

// text is the value of a constant expression of strings, "" when it is something else.
func (s source) text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return must(strconv.Unquote(e.Value))
		}
	case *ast.Ident:
		if c, ok := s.constants[e.Name]; ok {
			return s.text(c)
		}
	case *ast.BinaryExpr:
		if a, b := s.text(e.X), s.text(e.Y); e.Op == token.ADD && a != "" && b != "" {
			return a + b
		}
	}
	return ""
}

// statements finds every SQL statement that stands in the package's files.
func statements(t *testing.T) []string {
	t.Helper()
	s := source{map[string]ast.Expr{}, map[string]bool{}}
	names, err := filepath.Glob("*.go")
	ok(t, err)
	var files []*ast.File
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			files = append(files, must(parser.ParseFile(token.NewFileSet(), name, nil, 0)))
		}
	}
	each := func(visit func(ast.Node) bool) {
		for _, file := range files {
			ast.Inspect(file, visit)
		}
	}
	each(func(n ast.Node) bool {
		if v, isValue := n.(*ast.ValueSpec); isValue && len(v.Values) == 1 {
			s.constants[v.Names[0].Name] = v.Values[0]
		}
		return true
	})
	each(func(n ast.Node) bool {
		if e, isExpr := n.(ast.Expr); isExpr {
			s.texts[s.text(e)] = true
		}
		return true
	})
	var found []string
	for _, text := range slices.Sorted(maps.Keys(s.texts)) {
		verb, _, _ := strings.Cut(text, " ")
		if slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}, verb) && !strings.HasPrefix(text, "SELECT count(*) FILTER (WHERE ") {
			found = append(found, text)
		}
	}
	return found
}

func TestEveryStatementPrepares(t *testing.T) {
	s := open(t)
	conn := must(s.pool.Acquire(t.Context()))
	defer conn.Release()
	found := statements(t)
	if len(found) < 80 {
		t.Errorf("only %d statements were found; the search is broken", len(found))
	}
	for _, sql := range found {
		if _, err := conn.Conn().Prepare(t.Context(), "", sql); err != nil {
			t.Errorf("%s\n%v", sql, err)
		}
	}
}

// lists are all find-and-list pages with the statement that reads their rows.
var lists = map[string]struct {
	list
	read string
}{
	"domains": {domains.list, readDomains}, "nodes": {nodes.list, readNodes}, "static routes": {staticRoutes.list, readStaticRoutes},
	"acl": {aclEntries.list, readACLEntries}, "subjects": {tlsPeerSubjects.list, readTLSPeerSubjects},
	"contexts": {tlsContexts.list, readTLSContexts}, "listeners": {listeners.list, readListeners},
	"federated": {federatedDomains.list, readFederatedDomains}, "users": {userTable.list, readUsers}, "audit": {auditList, readAudit},
}

func TestEveryListPreparesForEveryFieldOperatorAndOrder(t *testing.T) {
	s := open(t)
	conn := must(s.pool.Acquire(t.Context()))
	defer conn.Release()
	for name, l := range lists {
		for field := range l.columns {
			for _, op := range listing.Ops {
				for _, q := range []listing.Query{{Field: field, Op: op, Text: "x", Sort: field}, {Op: op, Text: "x", Sort: field, Desc: true}, {}} {
					q = q.Normalized()
					for _, sql := range []string{l.countSQL(q), l.pageSQL(l.read, q)} {
						if _, err := conn.Conn().Prepare(t.Context(), "", sql); err != nil {
							t.Fatalf("%s, %s %s: %s\n%v", name, field, op, sql, err)
						}
					}
				}
			}
		}
	}
}

func TestNothingFromARequestBecomesSQL(t *testing.T) {
	hostile := `x'); DROP TABLE acl_entries; --`
	for name, l := range lists {
		q := listing.Query{Field: hostile, Op: hostile, Text: hostile, Sort: hostile}.Normalized()
		for _, sql := range []string{l.countSQL(q), l.pageSQL(l.read, q)} {
			if strings.Contains(sql, "DROP") {
				t.Errorf("%s: %s", name, sql)
			}
		}
	}
}
