package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/certs"
	"isthmus/internal/siptest"
)

const (
	phrase      = "a lantern under the seventh stair"
	wrongPhrase = "a lantern under the sixth stair"
)

// secrecy is the story of a node's private keys, and of everything that could tell them.
type secrecy struct {
	*world
	t    *testing.T
	anna *reader
	db   *pgx.Conn
	key  *certs.Key // of the key file: the test opens what the product sealed

	own       []byte // plain key that people bring, PEM
	ownFile   string // the same as a file
	protected []byte
	chain     []byte
	sealed    int // keys that were made here, and opened by the test
}

// TestNoPrivateKeyLeavesByAnyDoor goes through the life of a node's keys as an administrator does, right and wrong, at the
// command line and at the console. Then everything that the product shows, logs, keeps or sends is looked at. The guard
// knows the numbers of every key: of those that were brought, and of those that were made here.
func TestNoPrivateKeyLeavesByAnyDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	process := w.node.serve() // first, as each command would start the database anew
	w.node.apply(w.document())
	w.node.isthmus("wizard", "finish", w.node.write("answers.yaml", w.answers()), "--out", w.node.dir+"/scripts")
	s := &secrecy{world: w, t: t, anna: w.node.signsIn("anna")}
	s.begins()

	s.keysOfOthers()
	s.wrongPlaces()
	s.wrongFiles()
	s.requests()
	s.anotherNode()

	s.shown()
	s.stored()
	s.sealedFast()
	s.db.Close(t.Context())
	if code := process.stop(); code != 0 { // it writes the last files then
		t.Errorf("serve ended with %d", code)
	}
	s.onDisk()
	if log := process.err.String(); !strings.Contains(log, "configuration applied") {
		t.Errorf("the log that was looked at says\n%s", log)
	}
}

// begins opens the database and the key file, and has the keys of the story made.
func (s *secrecy) begins() {
	s.t.Helper()
	file := filepath.Join(s.node.dir, "data", "key")
	text := s.must(os.ReadFile(file))
	_, encoded, _ := strings.Cut(strings.TrimSpace(string(text)), ":")
	guard.LearnSecret("the secret of the key file", s.must(base64.StdEncoding.DecodeString(encoded)))
	guard.LearnPhrase("the passphrase", phrase)
	guard.LearnPhrase("the wrong passphrase", wrongPhrase)
	var err error
	if s.key, err = certs.OpenKey(file, "", true); err != nil {
		s.t.Fatal(err)
	}
	if s.db, err = pgx.Connect(s.t.Context(), s.databaseURL(filepath.Join(s.node.dir, "data", "postgres", "run"))); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.db.Close(context.Background()) })
	s.opensSealed() // of the certificate that serve made

	leaf := s.ca.Issue(siptest.Leaf{Names: []string{"imp1.synergy.com"}, RSA: true})
	s.own, s.chain, s.protected = siptest.KeyPEM(leaf), siptest.CertificatePEM(leaf), protected(s.t, leaf.PrivateKey, phrase)
	s.ownFile = s.node.write("own.key", string(s.own))
	guard.LearnKey("the node's own key", leaf.PrivateKey)
}

func (s *secrecy) must(b []byte, err error) []byte {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// databaseURL leads to the node's own database by way of a socket directory.
func (s *secrecy) databaseURL(sockets string) string {
	s.t.Helper()
	password := s.must(os.ReadFile(filepath.Join(s.node.dir, "data", "postgres", "password")))
	return fmt.Sprintf("postgres://isthmus:%s@/isthmus?host=%s&port=5432&sslmode=disable", strings.TrimSpace(string(password)), url.QueryEscape(sockets))
}

// opensSealed makes the keys known that are sealed in the database by now: requests' under the hash of the request,
// certificates' under their fingerprint.
func (s *secrecy) opensSealed() (sealed [][]byte) {
	s.t.Helper()
	rows, _ := s.db.Query(s.t.Context(), `SELECT encrypted_key, fingerprint, ''::bytea FROM certificates WHERE encrypted_key IS NOT NULL
		UNION ALL SELECT encrypted_key, '', csr FROM certificate_requests`)
	var secret, csr []byte
	var bind string
	_, err := pgx.ForEachRow(rows, []any{&secret, &bind, &csr}, func() error {
		if bind == "" {
			sum := sha256.Sum256(csr)
			bind = "request " + hex.EncodeToString(sum[:])
		}
		der, err := s.key.Open(secret, bind)
		if err != nil {
			return err
		}
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return err
		}
		guard.LearnKey("a key that was made here", key)
		sealed = append(sealed, bytes.Clone(secret))
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.sealed += len(sealed)
	return sealed
}

// refuses posts a form that must change nothing, and say so with these words.
func (s *secrecy) refuses(words string, files map[string][]byte, fields url.Values) {
	s.t.Helper()
	status, page := s.anna.uploads("/certificates", files, fields)
	if status != http.StatusUnprocessableEntity || !strings.Contains(page, words) {
		s.t.Errorf("answered %d without %q:\n%s", status, words, page)
	}
}

// keysOfOthers are a plain key beside its certificate, and one under a passphrase, which is wrong before it is right.
func (s *secrecy) keysOfOthers() {
	s.t.Helper()
	m := s.node
	m.isthmus("cert", "import", "--purpose", "cup-trust", m.write("ca.pem", string(s.ca.PEM())))
	chain, locked := m.write("own.pem", string(s.chain)), m.write("locked.key", string(s.protected))
	right, wrong := m.write("phrase", phrase+"\n"), m.write("wrong", wrongPhrase+"\n")
	own := url.Values{"purpose": {"cup"}, "node": {"imp1.synergy.com"}}
	with := func(name, value string) url.Values {
		v := url.Values{name: {value}}
		for n := range own {
			v[n] = own[n]
		}
		return v
	}
	s.refuses("enter the passphrase", map[string][]byte{"file": s.chain, "key": s.protected}, own)
	s.refuses("does not open this private key", map[string][]byte{"file": s.chain, "key": s.protected}, with("passphrase", wrongPhrase))
	s.refuses("A private key stands here", map[string][]byte{"file": s.chain, "key": s.own}, with("description", string(s.own)))
	s.fails("cert", "import", "--purpose", "cup", chain, "--key", locked)
	s.fails("cert", "import", "--purpose", "cup", chain, "--key", locked, "--passphrase-file", wrong)
	s.fails("cert", "import", "--purpose", "cup", chain, "--key", s.ownFile, "--description", strings.Join(strings.Fields(string(s.own)), " "))
	if status, page := s.anna.uploads("/certificates", map[string][]byte{"file": s.chain, "key": s.protected}, with("passphrase", phrase)); status != http.StatusOK {
		s.t.Errorf("the right passphrase: %d\n%s", status, page)
	}
	m.isthmus("cert", "import", "--purpose", "cup", chain, "--key", locked, "--passphrase-file", right)
	m.isthmus("cert", "import", "--purpose", "cup", m.write("both.pem", string(s.chain)+string(s.own)))
}

func (s *secrecy) fails(args ...string) {
	s.t.Helper()
	if r := s.node.try(args...); r.code == 0 || r.err == "" {
		s.t.Errorf("isthmus %s: %s", strings.Join(args[:2], " "), r)
	}
}

// wrongPlaces are the fields of the console that a key does not belong into.
func (s *secrecy) wrongPlaces() {
	s.t.Helper()
	key, line := string(s.own), strings.Split(string(s.own), "\n")[1]
	s.refuses("private key", map[string][]byte{"file": s.own}, url.Values{"purpose": {"cup-trust"}})
	s.refuses("private key", nil, url.Values{"purpose": {"cup-trust"}, "text": {key}})
	s.refuses("private key", nil, url.Values{"purpose": {"cup"}, "node": {"imp1.synergy.com"}, "text": {key}})
	before := s.audited()
	for _, key := range []string{key, line} {
		for path, form := range map[string]url.Values{
			"/acl":                           {"pattern": {"10.9.9.9"}, "description": {key}},
			"/static-routes":                 {"destination": {".com.other"}, "next_hop": {key}, "description": {key}},
			"/tls-peer-subjects":             {"name": {"fe9.synergy.com"}, "description": {key}},
			"/tls-peer-subjects/certificate": {"text": {key}},
			"/certificates/requests":         {"node": {"imp1.synergy.com"}, "more": {key}},
			"/users":                         {"id": {key}},
			"/wizard":                        {"acknowledged": {"true"}, "site": {key}, "paste": {key}},
			"/login":                         {"name": {key}, "password": {key}},
		} {
			if status, page := s.anna.answered(s.anna.http.PostForm(s.anna.site+path, form)); status != http.StatusUnprocessableEntity {
				s.t.Errorf("%s answers %d:\n%s", path, status, page)
			}
		}
		s.anna.answered(s.anna.http.Get(s.anna.site + "/users?q=" + url.QueryEscape(key)))
	}
	if after := s.audited(); after != before {
		s.t.Errorf("%d changes were made", after-before)
	}
}

func (s *secrecy) audited() (rows int) {
	s.t.Helper()
	if err := s.db.QueryRow(s.t.Context(), `SELECT count(*) FROM audit`).Scan(&rows); err != nil {
		s.t.Fatal(err)
	}
	return rows
}

// wrongFiles are the arguments of the command line that a key is given for by mistake.
func (s *secrecy) wrongFiles() {
	s.t.Helper()
	m, key := s.node, strings.Join(strings.Fields(string(s.own)), " ")
	s.fails("cert", "import", "--purpose", "cup-trust", s.ownFile)
	s.fails("cert", "import", "--purpose", "cup", s.ownFile)
	s.fails("cert", "import", "--purpose", "cup", m.dir+"/own.pem", "--key", m.dir+"/locked.key", "--passphrase-file", s.ownFile)
	s.fails("cert", "list", "--key-file", s.ownFile, "--data-dir", s.ownFile)
	for _, command := range [][]string{{"config", "apply"}, {"config", "apply", "--dry-run"}, {"wizard", "plan"}} {
		s.fails(append(command, s.ownFile)...)
		s.fails(append(command, m.dir+"/data/key")...)
	}
	s.fails("config", "apply", m.write("key.yaml", "version: 1\nacl: [{pattern: 10.9.9.9, description: '"+key+"'}]\n"))
	s.fails("wizard", "plan", m.write("key-answers.yaml", strings.Replace(s.answers(), `site: "1"`, `site: "`+key+`"`, 1)))
}
