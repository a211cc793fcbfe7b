package e2e

import (
	"bytes"
	"encoding/hex"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/certs"
	"isthmus/internal/siptest"
)

// shown are the outputs of every command, and every page, file and export of the console.
func (s *secrecy) shown() {
	s.t.Helper()
	m := s.node
	s.tries(stranger, siptest.NewAuthority("Other CA").Leaf("liar.synergy.com"), 0)
	s.anna.shows("liar.synergy.com")
	for _, args := range [][]string{{"cert", "list"}, {"cert", "list", "--json"}, {"cert", "export-csr"}, {"config", "export"}, {"check"}, {"check", "--json"},
		{"wizard", "plan", "--json", m.dir + "/answers.yaml"}, {"wizard", "finish", m.dir + "/answers.yaml", "--out", m.dir + "/again"}} {
		if r := m.try(args...); r.out == "" {
			s.t.Errorf("isthmus %s prints nothing: %s", strings.Join(args, " "), r)
		}
	}
	seen := s.anna.crawls(600)
	for _, want := range []string{`^/certificates/\d+$`, `^/certificates/\d+\.pem$`, `^/certificates/requests/\d+\.csr$`, `^/audit`, `^/handshakes`, `configure\.ps1$`, `^/nodes`, `^/static/`} {
		found := false
		for path := range seen {
			found = found || regexp.MustCompile(want).MatchString(path)
		}
		if !found {
			s.t.Errorf("no link leads to %s; %d addresses were opened", want, len(seen))
		}
	}
	stranger := &reader{t: s.t, http: http.Client{Timeout: patience}, site: s.anna.site}
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/login", "/certificates"} {
		stranger.opens(path)
	}
}

// stored is every row of every table as text. Sealed keys are there, so that plain ones would be seen.
func (s *secrecy) stored() {
	s.t.Helper()
	sealed := s.opensSealed()
	dump, tables := s.dump()
	guard.Look(s.t, "the database", dump)
	for _, table := range []string{"certificates", "certificate_requests", "audit", "node_statuses", "sessions", "deployments", "cluster", "drafts", "login_tries"} {
		if !tables[table] {
			s.t.Errorf("the table %s was not looked at", table)
		}
	}
	for _, secret := range sealed {
		if !bytes.Contains(dump, []byte(hex.EncodeToString(secret))) {
			s.t.Error("the dump lacks a sealed key")
		}
	}
	if !bytes.Contains(dump, []byte("liar.synergy.com")) || !bytes.Contains(dump, []byte("certificate_request")) {
		s.t.Error("the dump lacks refused handshakes or audit rows")
	}
}

func (s *secrecy) dump() (text []byte, tables map[string]bool) {
	s.t.Helper()
	rows, _ := s.db.Query(s.t.Context(), `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		s.t.Fatal(err)
	}
	tables = map[string]bool{}
	for _, name := range names {
		rows, _ := s.db.Query(s.t.Context(), "SELECT t::text FROM "+pgx.Identifier{name}.Sanitize()+" t")
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			s.t.Fatal(err)
		}
		tables[name] = true
		text = append(text, name+"\n"+strings.Join(lines, "\n")+"\n"...)
	}
	return text, tables
}

// onDisk are the files of the data directory, those of the database among them, but the key file itself.
func (s *secrecy) onDisk() {
	s.t.Helper()
	root := filepath.Join(s.node.dir, "data")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		if err != nil || !d.Type().IsRegular() || name == "key" {
			return err
		}
		text, err := os.ReadFile(path)
		seen[name] = true
		if !strings.HasPrefix(name, "postgres") {
			guard.Look(s.t, "the file "+name, text)
		} else if found := guard.FindBare(text); found != nil {
			s.t.Errorf("the file %s of the database holds %q", name, found)
		}
		return err
	})
	if err != nil || !seen["snapshot"] || !seen["users"] || len(seen) < 100 {
		s.t.Errorf("looked at %d files, at the snapshot: %v, at the users: %v, %v", len(seen), seen["snapshot"], seen["users"], err)
	}
}

// sealedFast holds that the database alone opens nothing.
func (s *secrecy) sealedFast() {
	s.t.Helper()
	file := filepath.Join(s.node.dir, "data", "key")
	info, err := os.Stat(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		s.t.Errorf("the key file has the mode %v", info.Mode())
	}
	other, err := certs.OpenKey(filepath.Join(s.t.TempDir(), "key"), "", false)
	if err != nil {
		s.t.Fatal(err)
	}
	rows, _ := s.db.Query(s.t.Context(), `SELECT encrypted_key, fingerprint FROM certificates WHERE encrypted_key IS NOT NULL`)
	var secret []byte
	var bind string
	count := 0
	_, err = pgx.ForEachRow(rows, []any{&secret, &bind}, func() error {
		count++
		if plain, err := other.Open(secret, bind); err == nil {
			s.t.Errorf("another key file opens %d octets", len(plain))
		}
		return nil
	})
	if err != nil || count < 2 {
		s.t.Errorf("%d sealed keys, %v", count, err)
	}
}
