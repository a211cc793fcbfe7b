package embedpg

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// maxSocketPath is what fits into sockaddr_un on every system with its closing NUL (104 on macOS, 108 on
// Linux, where Postgres itself allows 107).
const maxSocketPath = 103

// place is where a cluster lies and who runs it.
type place struct {
	dir     string // absolute, symbolic links resolved
	sockets string
	account account
	notice  string
}

func (p place) data() string         { return filepath.Join(p.dir, "data") }
func (p place) passwordFile() string { return filepath.Join(p.dir, "password") }
func (p place) lockFile() string     { return filepath.Join(p.dir, "lock") }
func (p place) holderFile() string   { return filepath.Join(p.dir, "holder") }

// url names the socket directory as the host. TLS is switched off by name because PGSSLMODE in the
// environment would otherwise ask for it. A blank is written as %20: in a connection string + stands for itself.
func (p place) url(password, database string) string {
	return fmt.Sprintf("postgres://%s:%s@/%s?host=%s&port=5432&sslmode=disable",
		superuser, password, database, strings.ReplaceAll(url.QueryEscape(p.sockets), "+", "%20"))
}

// place decides where the cluster lies and makes that directory.
func (c Config) place() (place, error) {
	dataDir, err := resolve(c.DataDir)
	if err != nil {
		return place{}, fmt.Errorf("find the data directory %s: %w", c.DataDir, err)
	}
	p, err := c.choose(dataDir)
	if err != nil {
		return place{}, err
	}
	mode := fs.FileMode(0o700)
	if p.account.uid != os.Geteuid() {
		mode = 0o711 // the server's user passes through and lists nothing
	}
	if err := makeDirs(p.dir, mode); err != nil {
		return place{}, fmt.Errorf("the directory %s for the embedded database cannot be made (%w); choose another data directory with --data-dir", p.dir, err)
	}
	p.sockets = socketDir(p)
	return p, nil
}

// choose prefers the cluster that exists, so that a changed mode of a directory never begins an empty one.
func (c Config) choose(dataDir string) (place, error) {
	runner, err := serverAccount()
	if err != nil {
		return place{}, err
	}
	here := place{dir: filepath.Join(dataDir, "postgres"), account: runner}
	there := place{dir: filepath.Join(c.elsewhere, hash(dataDir)), account: runner}
	made, err := here.adopt()
	if err != nil {
		return place{}, err
	}
	reachable := here.reachable()
	if !reachable && (made || c.DataDirNamed || os.Geteuid() != 0) {
		return place{}, fmt.Errorf("the user %s, who runs the embedded database, cannot reach %s; let this user pass through it and every directory "+
			"above it (chmod o+x), choose another data directory with --data-dir, or give --database-url", here.account.name, dataDir)
	}
	moved, err := there.adopt()
	if err != nil || made || reachable && !moved {
		return here, err
	}
	there.notice = fmt.Sprintf("The embedded database lies in %s, because the user %s, who runs it, cannot reach %s.", there.dir, there.account.name, dataDir)
	if reachable {
		there.notice = fmt.Sprintf("The embedded database lies in %s, where it was put while its user could not reach %s.", there.dir, dataDir)
	}
	return there, nil
}

// reachable asks about the deepest directory that exists; those below it are made passable.
func (p place) reachable() bool {
	ancestor, _ := ancestorOf(p.dir)
	return p.account.reaches(ancestor)
}

// adopt says whether the cluster is made already, and then has its owner run it.
func (p *place) adopt() (made bool, err error) {
	if made, err = p.exists(); made {
		p.account, err = p.keeper()
	}
	return made, err
}

// exists is true once initdb has been completed there.
func (p place) exists() (bool, error) {
	_, err := os.Lstat(p.data())
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case errors.Is(err, fs.ErrPermission):
		if _, err := os.Lstat(p.dir); err == nil {
			return false, foreign(p)
		}
		return false, nil // a directory above it is closed, which reachable finds out
	case errors.Is(err, syscall.ENOTDIR):
		return false, fmt.Errorf("a file stands where the directory %s belongs; move it away, or choose another data directory with --data-dir", p.dir)
	}
	return false, fmt.Errorf("look for the embedded database: %w", err)
}

// keeper is who runs an existing cluster: its owner, since Postgres refuses anybody else. Root may become
// that user; others must be it.
func (p place) keeper() (account, error) {
	info, err := os.Lstat(p.data())
	if err != nil {
		return account{}, fmt.Errorf("look at the embedded database: %w", err)
	}
	owner := accountOf(strconv.Itoa(ownerOf(info)))
	if owner.uid == 0 {
		return account{}, fmt.Errorf("the embedded database's files in %s belong to root, and Postgres refuses to run so; give them back with chown -R postgres %s", p.data(), p.data())
	}
	if me := os.Geteuid(); me != 0 && me != owner.uid {
		return account{}, foreign(p)
	}
	return owner, nil
}

// foreign is the refusal for a user who did not start the cluster and is not root.
func foreign(p place) error {
	return fmt.Errorf("the embedded database in %s belongs to another user; run this command as the user who started isthmus serve, or choose another data directory with --data-dir", p.dir)
}

// socketDir lies in the cluster's directory; a path too long for a socket, or with a comma (which
// separates hosts in a connection string), gets a short one that every process finds again.
func socketDir(p place) string {
	inside := filepath.Join(p.dir, "run")
	if len(socketPath(inside)) <= maxSocketPath && !strings.Contains(inside, ",") {
		return inside
	}
	return filepath.Join("/tmp", "isthmus-"+hash(p.dir))
}

func socketPath(dir string) string { return filepath.Join(dir, ".s.PGSQL.5432") }

func hash(path string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:8])
}

// resolve gives one name to each directory, whether it exists yet or not, so that two names of one
// directory find one cluster.
func resolve(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	ancestor, rest := ancestorOf(abs)
	ancestor, err = filepath.EvalSymlinks(ancestor)
	return filepath.Join(ancestor, rest), err
}

// ancestorOf splits a path into the deepest part that exists and the part that does not.
func ancestorOf(path string) (ancestor, rest string) {
	for ancestor = path; ancestor != filepath.Dir(ancestor); ancestor = filepath.Dir(ancestor) {
		if _, err := os.Stat(ancestor); err == nil {
			break
		}
		rest = filepath.Join(filepath.Base(ancestor), rest)
	}
	return ancestor, rest
}
