package embedpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// wrapper runs the server and ends it as soon as nobody holds the other end of standard input. The kernel
// closes that end when our process dies, by whatever signal. SIGINT asks for a fast shutdown, but the shell
// has its background jobs ignore it until the server installs its own handlers; SIGTERM ends those that
// have come no further. Descriptor 3 is the lock, inherited on purpose.
const wrapper = `
exec 4<&0
"$@" </dev/null 4<&- & server=$!
{ read -r _ <&4; kill -TERM "$server"; kill -INT "$server"; } 2>/dev/null & watcher=$!
exec 4<&-
wait "$server"; code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`

// grace is how long a fast shutdown may take before the server is told to quit at once (it then recovers
// from its log at the next start).
const grace = 10 * time.Second

// server is a running postgres of ours.
type server struct {
	cmd   *exec.Cmd
	leash io.Closer // closing it ends the server
	lines *lines
	ended chan struct{}
	err   error // how it ended; read after ended
}

func launch(cfg Config, bin programs, p place, lock *Lock) (*server, error) {
	args := append([]string{"-c", wrapper, "sh", bin.postgres()}, arguments(cfg, p)...)
	s := &server{cmd: exec.Command("/bin/sh", args...), lines: &lines{log: cfg.Log}, ended: make(chan struct{})}
	s.cmd.Dir, s.cmd.Env = "/", environment()
	s.cmd.SysProcAttr = p.account.process()
	s.cmd.ExtraFiles = []*os.File{lock.file}
	s.cmd.Stderr = s.lines
	leash, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the embedded database: %w", err)
	}
	s.leash = leash
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the embedded database as the user %s: %w", p.account.name, err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	return s, nil
}

// arguments closes every way in but the socket; what stands here beats postgresql.conf and ALTER SYSTEM.
func arguments(cfg Config, p place) []string {
	settings := []string{"listen_addresses=", "unix_socket_directories=" + p.sockets, "unix_socket_permissions=0700",
		"port=5432", "logging_collector=off", "log_destination=stderr"}
	if cfg.Volatile {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal",
			"max_wal_senders=0", "autovacuum=off", "shared_buffers=32MB")
	}
	args := []string{"-D", p.data()}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}

// ready waits until the server answers, then makes the database when it is missing. Recovery after a crash
// may take long, so the context alone bounds it.
func (s *server) ready(ctx context.Context, url string) error {
	for {
		err := provide(ctx, url)
		if err == nil {
			return nil
		}
		if said := (*pgconn.PgError)(nil); errors.As(err, &said) && said.Code != "57P03" { // cannot_connect_now: starting up
			return fmt.Errorf("the embedded database refused its own password or set-up: %w", err)
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the embedded database did not start; it said: %s", s.lines.tail())
		case <-ctx.Done():
			return fmt.Errorf("the embedded database did not start in time (%w; the last try: %w); it said: %s", ctx.Err(), err, s.lines.tail())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// provide looks from the maintenance database, so that no session of ours keeps the other from being
// copied as a template.
func provide(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var there bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, database).Scan(&there)
	if err == nil && !there {
		_, err = conn.Exec(ctx, `CREATE DATABASE `+database)
	}
	return err
}

func ping(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// stop ends the server and waits for it.
func (s *server) stop() error {
	s.leash.Close()
	select {
	case <-s.ended:
		return nil
	case <-time.After(grace):
	}
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGQUIT) // the group: the shell and the server
	<-s.ended
	return fmt.Errorf("the embedded database did not shut down within %s and was ended at once; the next start recovers it", grace)
}
