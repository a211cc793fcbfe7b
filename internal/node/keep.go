package node

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"time"

	"isthmus/internal/federation"
)

// Kept reports whether a node keeps a snapshot in its directory, so that it may start without the database.
func Kept(dir string) bool { return !(files{dir: dir}).written(snapshotFile).IsZero() }

func (f files) writeSnapshot(s federation.Snapshot) error {
	content, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode the snapshot: %w", err)
	}
	return f.write(snapshotFile, content)
}

// readSnapshot returns the kept snapshot and when it was written, which was as soon as it was read from the database.
func (f files) readSnapshot() (s federation.Snapshot, taken time.Time, err error) {
	content, err := f.read(snapshotFile)
	if err != nil {
		return s, taken, err
	}
	if err := json.Unmarshal(content, &s); err != nil {
		return s, taken, fmt.Errorf("read the snapshot that is kept on disk: %w", err)
	}
	return s, f.written(snapshotFile), nil
}

// snapshotPoint is the place of the kept snapshot in the order of all, zero when there is none that can be believed or none
// that tells. It looks no further than the beginning of the content, where a snapshot's first two fields stand.
func (f files) snapshotPoint() (p federation.Point) {
	content, err := f.read(snapshotFile)
	if err != nil {
		return p
	}
	var token [5]json.Token // { Era 1 Revision 43
	fields := json.NewDecoder(bytes.NewReader(content))
	for i := range token {
		if token[i], err = fields.Token(); err != nil {
			return p
		}
	}
	if token[1] == "Era" && token[3] == "Revision" {
		era, _ := token[2].(float64)
		revision, _ := token[4].(float64)
		p = federation.Point{Era: int64(era), Revision: int64(revision)}
	}
	return p
}

func (f files) writeUsers(facts []federation.UserFact) error {
	var content bytes.Buffer
	if err := gob.NewEncoder(&content).Encode(facts); err != nil {
		return fmt.Errorf("encode the users' facts: %w", err)
	}
	return f.write(usersFile, content.Bytes())
}

func (f files) readUsers() (facts []federation.UserFact, err error) {
	content, err := f.read(usersFile)
	if err != nil {
		return nil, err
	}
	if err := gob.NewDecoder(bytes.NewReader(content)).Decode(&facts); err != nil {
		return nil, fmt.Errorf("read the users' facts that are kept on disk: %w", err)
	}
	return facts, nil
}
