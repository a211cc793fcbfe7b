package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/pgtest"
)

// passwordOf is that of a database's URL, which from now on nothing may print.
func passwordOf(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	if password == "" {
		t.Fatal("the database lets in whoever comes")
	}
	guard.LearnPhrase("the database's password", password)
	return password
}

// The password is in the environment, as a service gets it. Whatever goes wrong with the database is told without it.
func TestTheDatabasesPasswordIsInNoLogNoAnswerAndNoListOfProcesses(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	password := passwordOf(t, server.URL())
	m := &member{machine: newMachine(t, fqdnOf(0), network()+nodeHost, server.URL()), link: pgtest.NewLink(t, server.URL())}
	m.env = append(m.env, "ISTHMUS_LOG_LEVEL=debug")
	m.begins()
	m.becomes("ready")
	line, err := os.ReadFile("/proc/" + strconv.Itoa(m.process.cmd.Process.Pid) + "/cmdline")
	if err != nil || len(line) == 0 || bytes.Contains(line, []byte(password)) {
		t.Errorf("the list of processes has %q (%v)", line, err)
	}
	var told strings.Builder
	for _, wrong := range []string{
		strings.Replace(server.URL(), password, password+"x", 1), // refused
		strings.Replace(server.URL(), "port=5432", "port=none", 1),
		strings.Replace(server.URL(), "postgres://", "postgress://", 1),
		strings.Replace(server.URL(), password+"@", password+"@[", 1),
	} {
		r := call(t, "", append(m.env, "ISTHMUS_DATABASE_URL="+wrong), programs.isthmus, "config", "export")
		if r.code == 0 {
			t.Errorf("with a wrong URL: %s", r)
		}
		told.WriteString(r.String())
	}
	server.Kill()
	m.becomes("degraded")
	told.WriteString(m.try("config", "export").String())
	m.process.stop()
	m.begins()
	m.becomes("degraded")
	server.Start()
	m.becomes("ready")
	beside, err := pgx.Connect(t.Context(), server.URL()) // it outlives the change of the password
	if err != nil {
		t.Fatal(err)
	}
	defer beside.Close(context.WithoutCancel(t.Context()))
	for _, sql := range []string{ // one after the other, or the connection that ends could be back with the old password
		`ALTER ROLE isthmus PASSWORD 'another'`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'isthmus watch'`,
	} {
		if _, err := beside.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, patience, "the refused password is told", func() bool {
		response, err := http.Get("http://" + m.console + "/readyz")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body) // what is missing is waited for
		told.Write(body)
		return bytes.Contains(body, []byte("password authentication failed"))
	})
	m.process.stop()
	told.WriteString(m.process.err.String() + m.process.out.String())
	m.begins()
	m.startsDenied(t, &told)
	fresh := &member{machine: newMachine(t, fqdnOf(0), network()+nodeHost, server.URL()), link: m.link}
	fresh.begins()
	select {
	case <-fresh.process.ended:
	case <-time.After(patience):
		t.Error("a first start with a wrong password does not say so and end")
	}
	told.WriteString(fresh.process.err.String() + fresh.process.out.String())
	if _, err := beside.Exec(t.Context(), `ALTER ROLE isthmus PASSWORD '`+password+`'`); err != nil {
		t.Fatal(err)
	}
	m.becomes("ready")
	m.process.stop()
	told.WriteString(m.process.err.String() + m.process.out.String())
	if text := told.String(); strings.Contains(text, password) || !strings.Contains(text, "password authentication failed") {
		t.Errorf("what was told:\n%s", text)
	}
}

// startsDenied holds that a node which has its files serves from them while the database refuses its password, and says so
// to whoever looks.
func (m *member) startsDenied(t *testing.T, told *strings.Builder) {
	t.Helper()
	m.becomes("degraded")
	eventually(t, patience, "the log says why", func() bool { return says(m.process, "password authentication failed") })
	if r := m.ready(); r.Status != http.StatusOK || r.Applied == 0 {
		t.Errorf("/readyz answers %+v", r)
	}
	b := &reader{t: t, http: http.Client{Timeout: patience}, site: "http://" + m.console}
	status, page := b.sees("/login")
	if status != http.StatusServiceUnavailable || !strings.Contains(page, "The database does not let this node in, so nobody can sign in now.") {
		t.Errorf("the login page is answered %d:\n%s", status, page)
	}
	told.WriteString(page)
}
