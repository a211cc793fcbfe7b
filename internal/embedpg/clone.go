package embedpg

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Clone copies the cluster of a data directory, not running, to a new data directory, with owners and
// modes as they are. The copy has the same password. Links and special files are not copied.
func Clone(from, to string) error {
	from, to = filepath.Join(from, "postgres"), filepath.Join(to, "postgres")
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path) // path lies under from
		if rel == "lock" || rel == "holder" || rel == "run" {
			return skip(d)
		}
		return copyEntry(path, filepath.Join(to, rel), d)
	})
	if err != nil {
		return fmt.Errorf("copy the database cluster in %s: %w", from, err)
	}
	return nil
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func copyEntry(from, to string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	switch {
	case d.IsDir():
		err = makeDirs(to, info.Mode().Perm())
	case info.Mode().IsRegular():
		err = copyFile(from, to, info.Mode().Perm())
	default:
		return nil
	}
	if err != nil || ownerOf(info) == os.Geteuid() {
		return err
	}
	return os.Lchown(to, ownerOf(info), -1)
}

func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
