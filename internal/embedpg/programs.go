package embedpg

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrNoPrograms means that no PostgreSQL server is installed where embedpg looks.
var ErrNoPrograms = errors.New("no PostgreSQL server programs (initdb and postgres) were found on this machine; " +
	"on Debian and Ubuntu install the package postgresql (apt install postgresql); " +
	"on other systems install the PostgreSQL server from the system's packages (with Homebrew: brew install postgresql@17), " +
	"or give the address of a database of your own with --database-url")

// programs is one installation of the server.
type programs struct {
	dir   string
	major int
}

func (b programs) initdb() string   { return filepath.Join(b.dir, "initdb") }
func (b programs) postgres() string { return filepath.Join(b.dir, "postgres") }

// usualPlaces are Debian's, Red Hat's, Homebrew's and Postgres.app's directories, then PATH.
func usualPlaces() []string {
	places := []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
	}
	return append(places, filepath.SplitList(os.Getenv("PATH"))...)
}

// programs picks the newest installation for a new cluster; an existing one can only be run by the major
// version that made it.
func (c Config) programs(p place) (programs, error) {
	found := installed(c.places)
	if len(found) == 0 {
		return programs{}, ErrNoPrograms
	}
	made, err := os.ReadFile(filepath.Join(p.data(), "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return slices.MaxFunc(found, func(a, b programs) int { return a.major - b.major }), nil
	}
	if err != nil {
		return programs{}, fmt.Errorf("read the version of the embedded database: %w", err)
	}
	return matching(found, strings.TrimSpace(string(made)), p.dir)
}

func matching(found []programs, version, dir string) (programs, error) {
	for _, b := range found {
		if strconv.Itoa(b.major) == version {
			return b, nil
		}
	}
	return programs{}, fmt.Errorf("the embedded database in %s was made by PostgreSQL %s, which is not installed; "+
		"install that version (on Debian the package postgresql-%s), or move the data with pg_dump to a database of your own", dir, version, version)
}

// installed lists the directories that hold both programs, each once.
func installed(places []string) []programs {
	var found []programs
	for _, place := range places {
		dirs, _ := filepath.Glob(place) // the only error is a malformed pattern, which finds nothing
		for _, dir := range dirs {
			b := programs{dir: dir}
			if slices.ContainsFunc(found, func(f programs) bool { return f.dir == dir }) || !executable(b.initdb()) {
				continue
			}
			if b.major = majorOf(b.postgres()); b.major > 0 {
				found = append(found, b)
			}
		}
	}
	return found
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

var versionWords = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// majorOf asks the program itself: a path's number may be a distribution's or nobody's. 0: cannot be run.
func majorOf(postgres string) int {
	out, err := exec.Command(postgres, "--version").Output()
	if err != nil {
		return 0
	}
	words := versionWords.FindSubmatch(out)
	if words == nil {
		return 0
	}
	major, _ := strconv.Atoi(string(words[1]))
	return major
}
