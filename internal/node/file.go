package node

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Names of the files that a node keeps for a start without the database.
const (
	snapshotFile = "snapshot"
	usersFile    = "users"
)

const (
	fileMagic  = "isthmus-1"
	sumOffset  = 26 // after the magic, the file's name and the length
	headerSize = sumOffset + sha256.Size
)

// files are those that only a complete write by a holder of the cluster's key can have made: each carries its own name,
// its length and a checksum under the key. A torn, altered or swapped file is refused, never half believed.
type files struct {
	dir string
	key []byte // HMAC-SHA-256
}

// header is magic, name, and the length of what follows the checksum.
func header(name string, length int) []byte {
	h := fmt.Appendf(nil, "%-10s%-8s", fileMagic, name)
	return binary.BigEndian.AppendUint64(h, uint64(length))
}

func (f files) sum(header, content []byte) []byte {
	mac := hmac.New(sha256.New, f.key)
	mac.Write(header)
	mac.Write(content)
	return mac.Sum(nil)
}

// write replaces the file in one step. Whatever goes wrong before, such as a full disk, leaves the old file as it was.
func (f files) write(name string, content []byte) (err error) {
	draft, err := os.CreateTemp(f.dir, "."+name+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep the %s on disk: %w", name, err)
	}
	defer func() {
		if err != nil {
			os.Remove(draft.Name())
			err = fmt.Errorf("keep the %s on disk: %w", name, err)
		}
	}()
	h := header(name, len(content))
	for _, part := range [][]byte{h, f.sum(h, content), content} {
		if _, err = draft.Write(part); err != nil {
			return errors.Join(err, draft.Close())
		}
	}
	if err = errors.Join(draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err = os.Rename(draft.Name(), filepath.Join(f.dir, name)); err != nil {
		return err
	}
	return syncDir(f.dir)
}

// syncDir makes the rename itself last.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// read returns the content of a file that write made. The error is fs.ErrNotExist when there is none.
func (f files) read(name string) ([]byte, error) {
	path := filepath.Join(f.dir, name)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(all) < headerSize {
		return nil, fmt.Errorf("%s is cut short; it is written anew as soon as the database can be reached.", path)
	}
	h, sum, content := all[:sumOffset], all[sumOffset:headerSize], all[headerSize:]
	if string(h) != string(header(name, len(content))) || !hmac.Equal(sum, f.sum(h, content)) {
		return nil, fmt.Errorf("%s was damaged or altered, or written under another key file; it is written anew as soon as the database can be reached.", path)
	}
	return content, nil
}

// written is when a file was last written; the zero time when there is none.
func (f files) written(name string) time.Time {
	info, err := os.Stat(filepath.Join(f.dir, name))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// prepare makes the directory, which nobody made where key and database lie elsewhere, and removes drafts that a killed
// process left behind. A directory that cannot be made is told when the first file cannot be kept.
func (f files) prepare() {
	_ = os.MkdirAll(f.dir, 0o700)
	for _, name := range []string{snapshotFile, usersFile} {
		drafts, _ := filepath.Glob(filepath.Join(f.dir, "."+name+"-*")) // the pattern is well formed
		for _, d := range drafts {
			os.Remove(d)
		}
	}
}
