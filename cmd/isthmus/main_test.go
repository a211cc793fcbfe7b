package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
	"isthmus/internal/pgtest"
	"isthmus/internal/siptest"
	"isthmus/internal/store"
	"isthmus/migrations"
)

func TestMain(m *testing.M) {
	auth.Cost = auth.Costs{MemoryKiB: 64, Iterations: 1}
	http.DefaultTransport = guard.Transport(http.DefaultTransport)
	pgtest.Main(m)
}

func migrate(ctx context.Context, url string) error {
	db, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Migrate(ctx)
}

// A machine is a database and a data directory to call the program with.
type machine struct {
	t   *testing.T
	url string
	dir string
}

func newMachine(t *testing.T) machine {
	return machine{t, pgtest.New(t, migrations.FS, migrate), t.TempDir()}
}

// result is what a call printed and how it ended.
type result struct {
	code     int
	out, err string
}

func call(t *testing.T, in string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	guard.Given(in, args)
	code := run(t.Context(), args, watched(t, console{strings.NewReader(in), &out, &errs}, args))
	guard.LookAtFiles(t, t.Name(), args)
	return result{code, out.String(), errs.String()}
}

// isthmus calls the program with this machine's flags.
func (m machine) isthmus(in string, args ...string) result {
	m.t.Helper()
	return call(m.t, in, append(args, "--database-url", m.url, "--data-dir", m.dir, "--node", "imp1.synergy.com")...)
}

func (m machine) file(name, content string) string {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return path
}

func (r result) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit %d, want %d\nout: %s\nerr: %s", r.code, code, r.out, r.err)
	}
	for _, text := range texts {
		if !strings.Contains(r.out+r.err, text) {
			t.Errorf("no %q in\nout: %s\nerr: %s", text, r.out, r.err)
		}
	}
}

func TestAWrongCallPrintsOneSentenceAndTheUsage(t *testing.T) {
	for name, args := range map[string][]string{
		"no command":       {},
		"unknown command":  {"fly"},
		"unknown flag":     {"serve", "--colour", "blue"},
		"missing argument": {"config", "apply"},
		"missing flag":     {"wizard", "finish", "answers.yaml"},
		"wrong choice":     {"admin", "add", "ann", "--role", "king"},
	} {
		r := call(t, "", args...)
		first, _, _ := strings.Cut(r.err, "\n")
		if r.code != exitUsage || !strings.HasSuffix(first, ".") || !strings.Contains(r.err, "Usage: isthmus") || r.out != "" {
			t.Errorf("%s: exit %d, out %q, err %q", name, r.code, r.out, r.err)
		}
	}
}

func TestAFlagWithoutItsValueIsNamed(t *testing.T) {
	call(t, "", "version", "--data-dir").want(t, exitUsage, "--data-dir needs a value.\n", "Usage: isthmus version")
}

func TestADatabaseThatCannotBeUsedEndsWithOneSentence(t *testing.T) {
	m := newMachine(t)
	for url, want := range map[string]string{
		"foo": "The database cannot be used (read the database URL",
		strings.Replace(m.url, "postgres://", "postgres://nobody-here:x@", 1): "The database cannot be used (",
		"postgres://127.0.0.1:1/x": "The database cannot be reached",
	} {
		r := call(t, "", "config", "export", "--database-url", url, "--data-dir", m.dir)
		r.want(t, exitFailure, want, "Check --database-url")
		if strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: more than one line: %q", url, r.err)
		}
	}
	call(t, "", "serve", "--database-url", "foo", "--data-dir", m.dir, "--node", "imp1.synergy.com").
		want(t, exitFailure, "The database cannot be used (")
}

func TestADatabaseWithoutAFreeConnectionIsToldApartFromOneThatIsGone(t *testing.T) {
	err := unreachable(&store.Failure{Sentence: store.ErrUnavailable, Cause: &pgconn.PgError{Code: "53300", Message: "sorry, too many clients already"}})
	if err.Error() != "The database has no connection left. Try again when others have ended, or raise its max_connections." {
		t.Error(err)
	}
}

func TestEveryCommandTakesH(t *testing.T) {
	for _, command := range []string{"", "serve", "migrate", "admin add", "config export", "config apply", "wizard plan", "wizard finish", "wizard remove", "cert import", "check", "version"} {
		r := call(t, "", append(strings.Fields(command), "-h")...)
		if r.code != 0 || !strings.Contains(r.out, "Usage: isthmus") {
			t.Errorf("%q -h: exit %d, out %q, err %q", command, r.code, r.out, r.err)
		}
	}
}

func TestVersionNamesTheGoVersion(t *testing.T) {
	call(t, "", "version").want(t, 0, "isthmus ", "commit ", "go1.")
}

func TestFlagsThatCannotWorkAreRefused(t *testing.T) {
	for want, args := range map[string][]string{
		"--http 0.0.0.0:8080 is not a loopback address": {"serve", "--http", "0.0.0.0:8080"},
		"--sip-address x is no IP address":              {"serve", "--sip-address", "x"},
		"--http [::]:8080 is not a loopback address":    {"serve", "--http", "[::]:8080"},
		"--http :8080 is not a loopback address":        {"serve", "--http", ":8080"},
		"--http 8080 is not a loopback address":         {"serve", "--http", "8080"},
		"--dns ns1 is no address of a DNS server":       {"check", "--dns", "ns1"},
		"--node imp1 is no fully qualified name":        {"--node", "imp1", "serve"},
	} {
		call(t, "", args...).want(t, exitFailure, want)
	}
}

func TestTheConsoleIsFoundWhereItListens(t *testing.T) {
	for _, c := range []struct{ http, https, want string }{
		{"127.0.0.1:8080", "", "http://127.0.0.1:8080"},
		{"localhost:8080", "", "http://localhost:8080"},
		{":8080", "", "http://imp1.synergy.com:8080"},
		{"0.0.0.0:8080", "", "http://imp1.synergy.com:8080"},
		{"127.0.0.1:8080", "[::]:8443", "https://imp1.synergy.com:8443"},
		{"127.0.0.1:8080", "10.1.10.11:8443", "https://10.1.10.11:8443"},
	} {
		s := server{flags: &flags{HTTP: c.http, HTTPS: c.https, Node: "imp1.synergy.com"}}
		if got := s.address(); got != c.want {
			t.Errorf("--http %q --https %q: %s, want %s", c.http, c.https, got, c.want)
		}
	}
}

func TestWithoutFlagsANodeHasItsDirectoryItsKeyAndAName(t *testing.T) {
	f := flags{}
	f.resolve()
	if f.DataDir != "./var" || f.dataDirNamed || f.KeyFile != filepath.Join("var", "key") {
		t.Errorf("data directory %s (named: %v), key %s", f.DataDir, f.dataDirNamed, f.KeyFile)
	}
	if name, err := federation.ParseFQDN(f.Node); err != nil || name != f.Node {
		t.Errorf("the machine is called %q: %v", f.Node, err)
	}
	f = flags{DataDir: "/srv/isthmus", KeyFile: "/etc/isthmus/key", Node: "IMP1.Synergy.com."}
	f.resolve()
	if !f.dataDirNamed || f.KeyFile != "/etc/isthmus/key" || f.Node != "imp1.synergy.com" {
		t.Errorf("what was given is not kept: %+v", f)
	}
}

const synergy = `version: 1
domains: [{name: synergy.com}]
nodes: [{name: imp1.synergy.com, address: 10.1.10.11, routing: true}, {name: imp2.synergy.com, address: 10.1.10.12}]
`

func TestTheConfigurationGoesOutAndInUnchanged(t *testing.T) {
	m := newMachine(t)
	file := m.file("synergy.yaml", synergy)
	m.isthmus("", "config", "apply", "--dry-run", file).want(t, 0, "added domain synergy.com")
	m.isthmus("", "config", "apply", file).want(t, 0, "added domain synergy.com", "added node imp2.synergy.com")
	m.isthmus("", "config", "apply", file).want(t, 0, "unchanged")
	exported := m.isthmus("", "config", "export")
	exported.want(t, 0, "name: synergy.com", "Default SIP Proxy TLS Listener - Peer Auth")
	m.isthmus(exported.out, "config", "apply", "-").want(t, 0, "unchanged")
}

func TestAWrongDocumentChangesNothing(t *testing.T) {
	m := newMachine(t)
	file := m.file("bad.yaml", "version: 1\ndomains: [{name: a.com}, {name: synergy}]\nroutes: []\nacl: [{pattern: '*.a.com'}]\n")
	m.isthmus("", "config", "apply", file).want(t, exitFailure, "domains[1].name: This is a single label", "routes: There is no key routes", "acl[0].pattern: Enter the domain without a star")
	if out := m.isthmus("", "config", "export").out; strings.Contains(out, "a.com") {
		t.Errorf("something was kept:\n%s", out)
	}
	m.isthmus("", "config", "apply", filepath.Join(m.dir, "none.yaml")).want(t, exitFailure, "cannot be read")
}

func TestRemovingTheWholeACLNeedsYes(t *testing.T) {
	m := newMachine(t)
	m.isthmus("version: 1\nacl: [{pattern: 10.1.20.21}]\n", "config", "apply", "-").want(t, 0, "added acl 10.1.20.21")
	m.isthmus("version: 1\nacl: []\n", "config", "apply", "-").want(t, exitFailure, "--yes")
	m.isthmus("version: 1\nacl: []\n", "config", "apply", "--yes", "-").want(t, 0, "removed acl 10.1.20.21")
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	m := newMachine(t)
	file := m.file("huge.yaml", "")
	if err := os.Truncate(file, maxFile+1); err != nil {
		t.Fatal(err)
	}
	m.isthmus("", "config", "apply", file).want(t, exitFailure, "is larger than 64 MiB")
}

func TestTheAuditLogNamesThePersonAtTheCommandLine(t *testing.T) {
	m := newMachine(t)
	for _, c := range []struct{ sudo, user, want string }{{"ann", "root", "ann"}, {"", "bob", "bob"}, {"", "", "command line"}} {
		t.Setenv("SUDO_USER", c.sudo)
		t.Setenv("USER", c.user)
		m.isthmus("version: 1\nacl: [{pattern: 10.1.20.21, description: by "+c.want+"}]\n", "config", "apply", "-").want(t, 0)
		if row := m.lastAudit(); row.Actor != c.want || row.Role != auth.Admin || row.Address != "command line" || row.Action != "config apply" {
			t.Errorf("SUDO_USER=%q USER=%q: the audit log says %+v", c.sudo, c.user, row)
		}
	}
}

func (m machine) lastAudit() store.AuditRow {
	m.t.Helper()
	db, err := store.Open(m.t.Context(), m.url)
	if err != nil {
		m.t.Fatal(err)
	}
	defer db.Close()
	page, err := db.Audit(m.t.Context(), listing.Query{}.Normalized())
	if err != nil || len(page.Items) == 0 {
		m.t.Fatalf("no audit row: %v", err)
	}
	return page.Items[0]
}

const answers = `platform: skype_for_business_2015
deployment: chat_only
edition: enterprise
pool: pool.synergy.com
registrar: pool.synergy.com
site: "1"
front_ends: [{fqdn: fe1.synergy.com, address: 10.1.20.21}, {fqdn: fe2.synergy.com, address: 10.1.20.22}]
domains: [synergy.com]
routing_node: imp1.synergy.com
`

func TestTheWizardPlansFinishesAndFinishesAgain(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	file, out := m.file("answers.yaml", answers), filepath.Join(m.dir, "scripts")
	m.isthmus("", "wizard", "plan", file).want(t, 0, "new static_route destination=.com.synergy", "new acl pattern=10.1.20.21")
	m.isthmus("", "wizard", "plan", "--json", file).want(t, 0, `"verdict": "new"`)
	plain := strings.Replace(answers, "10.1.20.22", "127.0.0.22", 1)
	if r := m.isthmus(plain, "wizard", "plan", "-"); !strings.Contains(r.err, "Warning: The front end fe2.synergy.com has the loopback address") || strings.Contains(r.out, "Warning") {
		t.Errorf("the warning does not stand beside the plan:\n%s\n%s", r.out, r.err)
	}
	m.isthmus("", "wizard", "finish", file, "--out", out).want(t, 0, "wrote "+filepath.Join(out, "configure.ps1"))
	for _, name := range []string{"configure.ps1", "verify.ps1", "restart.ps1", "rollback.ps1", "checklist.md"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	again := m.isthmus("", "wizard", "plan", file)
	if again.want(t, 0); strings.Contains(again.out, "new ") {
		t.Errorf("a second run would make something new:\n%s", again.out)
	}
}

func TestAConflictEndsWithItsOwnCodeAndChangesNothing(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy+"static_routes: [{destination: .com.synergy, type: domain, next_hop: 10.9.9.9, port: 5061, transport: tls}]\n", "config", "apply", "-").want(t, 0)
	before := m.isthmus("", "config", "export").out
	file := m.file("answers.yaml", answers)
	m.isthmus("", "wizard", "plan", file).want(t, exitConflict, "conflict static_route")
	m.isthmus("", "wizard", "finish", file, "--out", filepath.Join(m.dir, "scripts")).want(t, exitConflict, "conflict static_route")
	if after := m.isthmus("", "config", "export").out; after != before {
		t.Error("a finish with a conflict changed something")
	}
	if list, _ := filepath.Glob(filepath.Join(m.dir, "scripts", "*")); len(list) > 0 {
		t.Errorf("a finish with a conflict wrote %v", list)
	}
}

func TestWithoutAPlaceForTheScriptsNothingIsFinished(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	before := m.isthmus("", "config", "export").out
	file := m.file("answers.yaml", answers)
	for dir, want := range map[string]string{"": "Name the directory for the files with --out", file: "cannot be made"} {
		m.isthmus("", "wizard", "finish", file, "--out", dir).want(t, exitFailure, want)
	}
	if after := m.isthmus("", "config", "export").out; after != before {
		t.Error("a finish without a directory for its files changed something")
	}
}

func TestAnswersOfWhichNoScriptCanBeMadeAreNotFinished(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	before := m.isthmus("", "config", "export").out
	six := strings.Replace(answers, "10.1.20.22", "2001:db8::22", 1) + "child_domains: true\n"
	if r := m.isthmus(six, "wizard", "plan", "-"); !strings.Contains(r.err, "do not work over IPv6") {
		t.Errorf("the plan does not warn: %s", r.err)
	}
	m.isthmus(six, "wizard", "finish", "-", "--out", filepath.Join(m.dir, "scripts")).want(t, exitFailure, "IPv6")
	if after := m.isthmus("", "config", "export").out; after != before {
		t.Error("a finish without scripts changed something")
	}
}

func TestWrongAnswersAreRefusedTogether(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	bad := strings.NewReplacer("pool: pool.synergy.com", "pool: synergy.com", "address: 10.1.20.22", "address: 10.1.20.21").Replace(answers)
	m.isthmus(bad, "wizard", "plan", "-").want(t, exitFailure, "pool: ", "front_ends[1].address: ")
	out := filepath.Join(m.dir, "scripts")
	m.isthmus(bad, "wizard", "finish", "-", "--out", out).want(t, exitFailure, "pool: ", "front_ends[1].address: ")
	if list, _ := filepath.Glob(filepath.Join(out, "*")); len(list) > 0 {
		t.Errorf("a finish with wrong answers wrote %v", list)
	}
}

func TestAnAdministratorIsAddedOnce(t *testing.T) {
	m := newMachine(t)
	m.isthmus("short\n", "admin", "add", "m.keller").want(t, exitFailure, "12")
	m.isthmus("", "admin", "add", "m.keller").want(t, exitFailure, "no password")
	m.isthmus("correct horse battery\n", "admin", "add", "m.keller", "--role", "operator").want(t, 0, "m.keller may sign in as operator.")
	m.isthmus("correct horse battery\n", "admin", "add", "m.keller").want(t, exitFailure, "m.keller")
}

func TestCertificatesAreImportedAndNeverExported(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	ca := siptest.NewAuthority("Synergy Lab CA")
	own := ca.Leaf("imp1.synergy.com")
	caFile := m.file("ca.pem", string(ca.PEM()))
	certFile, keyFile := m.file("own.pem", string(siptest.CertificatePEM(own))), m.file("own.key", string(siptest.KeyPEM(own)))
	m.isthmus("", "cert", "import", "--purpose", "cup-trust", caFile).want(t, 0, "imported cup-trust")
	m.isthmus("", "cert", "import", "--purpose", "cup", certFile, "--key", keyFile).want(t, 0, "imported cup imp1.synergy.com")
	m.isthmus("", "cert", "import", "--purpose", "cup", certFile).want(t, exitFailure, "key")
	m.isthmus("", "cert", "import", "--purpose", "cup-trust", certFile).want(t, exitFailure)
	m.isthmus("", "cert", "import", "--purpose", "cup-trust", caFile, "--key", keyFile).want(t, exitUsage, "--key belongs to --purpose cup")
	m.isthmus("", "cert", "import", "--purpose", "cup", certFile, "--key", filepath.Join(m.dir, "none.key")).want(t, exitFailure, "none.key cannot be read")
	if out := m.isthmus("", "config", "export").out; strings.Contains(out, "PRIVATE") || strings.Contains(out, "BEGIN") {
		t.Error("an export holds certificates or keys")
	}
}

func TestCheckIsRedWhileSomethingIsMissing(t *testing.T) {
	m := newMachine(t)
	m.isthmus("", "check").want(t, exitFailure, "red   domains: No presence domain is configured")
	m.isthmus("", "check", "--json").want(t, exitFailure, `"state": "red"`)
}
