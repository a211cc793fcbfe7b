package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"isthmus/internal/embedpg"

	"github.com/jackc/pgx/v5"
)

// Server is a Postgres of one test's own, which the test ends, stops, fills and restores. It keeps what it has confirmed
// as one in production does. Its URL stays the same however often it is started.
type Server struct {
	t    testing.TB
	root root
	dir  string
	pg   *embedpg.Cluster // nil while it does not run
	url  string
	// frozen are the processes that Freeze has stopped.
	frozen []int
}

// NewServer starts a server with a migrated database, which ends with the test. A setting is a line of postgresql.conf.
func NewServer(t testing.TB, schema fs.FS, migrate Migrate, settings ...string) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), setUp)
	defer cancel()
	key, err := keyOf(schema)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t}
	if s.root, err = openRoot(); err != nil {
		t.Fatal(err)
	}
	dir, inUse, err := s.root.run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.dir = dir
	t.Cleanup(func() {
		s.Thaw()
		s.Stop()
		os.RemoveAll(dir)
		inUse.Release()
	})
	if err := s.root.copyGolden(ctx, key, migrate, dir); err != nil {
		t.Fatalf("copy the test template: %v", err)
	}
	s.Start(settings...)
	return s
}

// URL is the migrated database's.
func (s *Server) URL() string { return s.url }

// Start starts a server that does not run. The settings are added to those it has.
func (s *Server) Start(settings ...string) {
	s.t.Helper()
	if err := s.configure(settings); err != nil {
		s.t.Fatalf("configure the test server: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), setUp)
	defer cancel()
	pg, err := embedpg.Start(ctx, embedpg.Config{DataDir: s.dir, DataDirNamed: true, Once: true})
	if err != nil {
		s.t.Fatalf("start the test server: %v", err)
	}
	s.pg, s.url = pg, pg.URL()
}

func (s *Server) configure(settings []string) error {
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("\n" + strings.Join(settings, "\n") + "\n")
	return errors.Join(err, f.Close())
}

func (s *Server) data() string { return filepath.Join(s.dir, "postgres", "data") }

// Stop ends the server in good order.
func (s *Server) Stop() {
	s.t.Helper()
	if s.pg == nil {
		return
	}
	if err := s.pg.Close(); err != nil {
		s.t.Errorf("end the test server: %v", err)
	}
	s.pg = nil
}

// Kill ends every process of the server with SIGKILL.
func (s *Server) Kill() {
	s.t.Helper()
	for _, pid := range s.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL) // a child may have ended already
	}
	s.frozen = nil
	s.Stop() // waits for the processes
}

// Freeze stops every process of the server with SIGSTOP: connections stay open and nothing answers.
func (s *Server) Freeze() {
	s.t.Helper()
	// The first stops the postmaster; what it has forked meanwhile is found by the second.
	for range 2 {
		s.frozen = s.processes()
		for _, pid := range s.frozen {
			_ = syscall.Kill(pid, syscall.SIGSTOP)
		}
	}
}

// Thaw has a frozen server go on.
func (s *Server) Thaw() {
	for _, pid := range s.frozen {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	s.frozen = nil
}

// processes are the postmaster, which comes first, and its children.
func (s *Server) processes() []int {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		s.t.Fatalf("find the test server's processes: %v", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	postmaster, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || postmaster <= 1 {
		s.t.Fatalf("the test server's process number is %q", first)
	}
	return append([]int{postmaster}, childrenOf(postmaster)...)
}

func childrenOf(parent int) (list []int) {
	found, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// NUMBER (NAME) STATE PARENT ...; a name may hold anything.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			list = append(list, pid)
		}
	}
	return list
}

// Backup copies the server's files while all of it stands still, as a snapshot of its disk would, and returns where.
func (s *Server) Backup() (dir string) {
	s.t.Helper()
	dir, err := os.MkdirTemp(s.dir, "backup-")
	if err != nil {
		s.t.Fatal(err)
	}
	s.Freeze()
	defer s.Thaw()
	if err := embedpg.Clone(s.dir, dir); err != nil {
		s.t.Fatalf("back up the test server: %v", err)
	}
	return dir
}

// Restore kills the server if it runs, puts a backup's files in place of its own, and starts it with them.
func (s *Server) Restore(backup string) {
	s.t.Helper()
	if s.pg != nil {
		s.Kill()
	}
	if err := os.RemoveAll(filepath.Join(s.dir, "postgres")); err != nil {
		s.t.Fatal(err)
	}
	if err := embedpg.Clone(backup, s.dir); err != nil {
		s.t.Fatalf("restore the test server: %v", err)
	}
	s.Start()
}

// Execute runs statements in the migrated database, as its owner.
func (s *Server) Execute(statements ...string) {
	s.t.Helper()
	if err := s.execute(s.url, statements); err != nil {
		s.t.Fatalf("the test server: %v", err)
	}
}

// Maintain runs statements in another database, for what cannot be done while somebody is in the migrated one.
func (s *Server) Maintain(statements ...string) {
	s.t.Helper()
	address, err := withDatabase(s.url, "postgres")
	if err == nil {
		err = s.execute(address, statements)
	}
	if err != nil {
		s.t.Fatalf("the test server: %v", err)
	}
}

func (s *Server) execute(address string, statements []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), statementLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// Set changes a setting that needs no restart, for new transactions of old connections too.
func (s *Server) Set(name, value string) {
	s.t.Helper()
	s.Maintain(fmt.Sprintf("ALTER SYSTEM SET %s = '%s'", name, value), "SELECT pg_reload_conf()")
}

// Disconnect ends the connections of an application, by its application_name, and returns how many there were. What more
// is to be done comes in the same transaction, which commits when they have been told.
func (s *Server) Disconnect(application string, more ...string) (ended int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), statementLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(ctx)
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, statement := range more {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		const sql = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1`
		return tx.QueryRow(ctx, sql, application).Scan(&ended)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return ended
}
