package node

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"time"

	"isthmus/internal/federation"
)

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
