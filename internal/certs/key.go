package certs

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"isthmus/internal/federation"
)

const (
	keySize   = 32
	keyPrefix = "isthmus-key-1:" // version of the file's form, so that another can follow
)

// A Key is the secret of the key file, which all nodes of a cluster share. What it is used for gets a key of its own,
// derived from it under a label, so that no use can weaken another.
type Key struct{ secret []byte }

// OpenKey reads the key file, and makes it when it is missing while the database knows none and holds nothing encrypted.
// known is the fingerprint that the database keeps, "" for none: a file with another one is refused, because what is sealed under one
// key cannot be opened with another.
func OpenKey(path, known string, holdsSecrets bool) (*Key, error) {
	k, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if holdsSecrets {
			return nil, federation.Refuse("The key file %s is missing, and the database holds private keys that only it can open. "+
				"Copy the key file from another node or from a backup, or name it with --key-file.", path)
		}
		if known != "" {
			return nil, federation.Refuse("The key file %s is missing, and one was made for this database already. "+
				"Copy the key file from another node or from a backup, or name it with --key-file. The database holds nothing that only it can open: "+
				"when it is lost, stop every node, run UPDATE cluster SET key_fingerprint = '' in the database, and start one node, which makes a new key file for all.", path)
		}
		return createKey(path)
	}
	if err != nil {
		return nil, err
	}
	if known != "" && known != k.Fingerprint() {
		return nil, federation.Refuse("The key file %s is not the one that this database was set up with. "+
			"Copy the key file from another node of the cluster, or name the right one with --key-file.", path)
	}
	return k, nil
}

// readKey refuses a file that others on the machine can read: whoever has it can open every private key.
func readKey(path string) (*Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, federation.Refuse("The key file %s can be read by others on this machine (mode %04o). Run chmod 600 %s, then start again.",
			path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key file: %w", err)
	}
	return parseKey(path, string(text))
}

func parseKey(path, text string) (*Key, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), keyPrefix)
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(secret) != keySize {
		return nil, federation.Refuse("%s is not a key file of Isthmus. Copy the key file from another node or from a backup, or name it with --key-file.", path)
	}
	return &Key{secret: secret}, nil
}

// createKey links a finished file into place: of two processes that make it at once one wins, and the other takes the
// winner's.
func createKey(path string) (*Key, error) {
	k := &Key{secret: make([]byte, keySize)}
	rand.Read(k.secret) // never fails (crypto/rand)
	draft, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return nil, fmt.Errorf("make the key file: %w", err)
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(keyPrefix + base64.StdEncoding.EncodeToString(k.secret) + "\n")
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return nil, fmt.Errorf("make the key file: %w", err)
	}
	err = os.Link(draft.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return readKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("make the key file: %w", err)
	}
	return k, nil
}

// Fingerprint identifies the key without giving it away: 32 hexadecimal digits.
func (k *Key) Fingerprint() string { return hex.EncodeToString(k.derive("fingerprint", 16)) }

// BranchKey authenticates what nodes write into the branches of their Vias for each other: 32 octets for HMAC-SHA-256.
func (k *Key) BranchKey() []byte { return k.derive("branch authentication", 32) }

// SnapshotKey authenticates the snapshot that a node keeps on disk: 32 octets for HMAC-SHA-256.
func (k *Key) SnapshotKey() []byte { return k.derive("snapshot file", 32) }

// derive makes the key of one use (RFC 5869). The secret is uniformly random, so it needs no salt.
func (k *Key) derive(label string, size int) []byte {
	out, err := hkdf.Key(sha256.New, k.secret, nil, "isthmus "+label, size)
	if err != nil {
		panic(err) // only a size beyond 255 hashes can fail; ours are constants
	}
	return out
}
