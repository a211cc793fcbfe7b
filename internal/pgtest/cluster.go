package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"isthmus/internal/embedpg"

	"github.com/jackc/pgx/v5"
)

// template is the database that embedpg makes and migrate has filled.
const template = "isthmus"

// statementLimit is how long creating or dropping one database may take.
const statementLimit = 30 * time.Second

// cluster serves the databases of one process's tests for one schema.
type cluster struct {
	err   error // why there is none
	dir   string
	inUse *embedpg.Lock
	pg    *embedpg.Cluster

	mu      sync.Mutex // one connection, one statement at a time
	admin   *pgx.Conn
	copying string // CREATE DATABASE's words for copying files, where the server knows them
	created int
}

// begin copies the golden directory and starts the copy.
func begin(ctx context.Context, key string, migrate Migrate) *cluster {
	c := &cluster{}
	if c.err = c.start(ctx, key, migrate); c.err != nil {
		c.close()
	}
	return c
}

func (c *cluster) start(ctx context.Context, key string, migrate Migrate) error {
	root, err := openRoot()
	if err != nil {
		return err
	}
	if c.dir, c.inUse, err = root.run(ctx); err != nil {
		return err
	}
	if err := root.copyGolden(ctx, key, migrate, c.dir); err != nil {
		return err
	}
	if c.pg, err = embedpg.Start(ctx, volatile(c.dir)); err != nil {
		return err
	}
	return c.connect(ctx)
}

// volatile makes embedpg refuse a directory that it cannot use: elsewhere it would be on a disk.
func volatile(dir string) embedpg.Config {
	return embedpg.Config{DataDir: dir, DataDirNamed: true, Volatile: true}
}

func (c *cluster) connect(ctx context.Context) (err error) {
	if c.admin, err = pgx.Connect(ctx, c.url("postgres")); err != nil {
		return fmt.Errorf("connect to the test cluster: %w", err)
	}
	var version int
	if err := c.admin.QueryRow(ctx, `SELECT current_setting('server_version_num')::int`).Scan(&version); err != nil {
		return fmt.Errorf("ask the test cluster's version: %w", err)
	}
	if version >= 150000 { // before 15 there was no other way than copying files
		c.copying = " STRATEGY file_copy"
	}
	return nil
}

func (c *cluster) url(database string) string {
	address, err := withDatabase(c.pg.URL(), database)
	if err != nil {
		panic(err) // embedpg's own URL
	}
	return address
}

func (c *cluster) create() (name string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.created++
	name = fmt.Sprintf("test_%d", c.created)
	return name, c.execute("CREATE DATABASE " + name + " TEMPLATE " + template + c.copying)
}

// leave ends the sessions of a database and waits for a second at most until they are gone. DROP DATABASE would end them as
// well, but looks only ten times a second whether they are gone, and every test has some that it has just closed.
const leave = `DO $$ BEGIN
	PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%[1]s';
	FOR look IN 1..500 LOOP
		PERFORM pg_stat_clear_snapshot();
		EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '%[1]s');
		PERFORM pg_sleep(0.002);
	END LOOP;
END $$`

// drop ends the sessions that a test has left open.
func (c *cluster) drop(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.execute(fmt.Sprintf(leave, name)); err != nil {
		return err
	}
	return c.execute("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
}

// execute has a limit of its own, since a test's context is over when its database is dropped.
func (c *cluster) execute(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), statementLimit)
	defer cancel()
	_, err := c.admin.Exec(ctx, statement)
	return err
}

// close gives up what start has got, all of it or a part.
func (c *cluster) close() {
	var err error
	if c.pg != nil {
		err = c.pg.Close()
	}
	if c.dir != "" {
		err = errors.Join(err, os.RemoveAll(c.dir))
		c.inUse.Release()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "end the test cluster:", err)
	}
}
