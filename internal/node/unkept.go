package node

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// keepSnapshot writes what is in force to disk, for a start without the database.
func (n *Node) keepSnapshot(s federation.Snapshot) {
	err := n.files.writeSnapshot(s)
	instead := "no configuration at all"
	if err != nil {
		if old := n.files.snapshotPoint().Revision; old > 0 {
			instead = fmt.Sprintf("revision %d of %s", old, n.files.written(snapshotFile).UTC().Format("2 January 2006, 15:04 UTC"))
		}
	}
	n.kept(snapshotFile, err, instead)
}

// kept notes whether a file for a start without the database was written, and what such a start would use otherwise. It is
// reported until the file is written, and logged once.
func (n *Node) kept(file string, err error, instead string) {
	text := ""
	if err != nil {
		text = fmt.Sprintf("A start without the database would use %s: %s cannot be written to %s (%s).", instead, file, n.config.Dir, cause(err))
	}
	n.mu.Lock()
	news := n.facts.unkept[file] != text
	if news {
		all := maps.Clone(n.facts.unkept)
		if all == nil {
			all = map[string]string{}
		}
		all[file] = text
		n.facts.unkept = all
	}
	n.mu.Unlock()
	if news && text != "" {
		n.log.Error("a start without the database would use what is older", "reason", text)
	}
	if news {
		poke(n.reportNow)
	}
}

// cause is an error without the name of the draft, which is another one each time.
func cause(err error) string {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err.Error()
	case errors.As(err, &link):
		return link.Err.Error()
	}
	return err.Error()
}

// lacking is what is not kept of what is in force, "" when all is.
func (f *facts) lacking() string {
	var list []string
	for _, file := range slices.Sorted(maps.Keys(f.unkept)) {
		if f.unkept[file] != "" {
			list = append(list, f.unkept[file])
		}
	}
	return strings.Join(list, " ")
}
