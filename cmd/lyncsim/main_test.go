package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestAWrongCallIsRefusedWithASentence(t *testing.T) {
	dir := t.TempDir()
	for want, args := range map[string][]string{
		"missing flags: --certs=DIR, --connect=IP:PORT, --listen=IP:PORT, --name=FQDN": {"front-end"},
		"--listen: not an ip:port":                                     {"connector", "--listen", "here", "--connect", "127.0.0.1:1"},
		"expected one of \"front-end\", \"connector\", \"certs\"":      {},
		"--every 0s is no time between two turns; name one such as 2s": {"connector", "--listen", "127.0.0.1:0", "--connect", "127.0.0.1:1", "--every", "0s"},
		"choose another address with --listen":                         {"connector", "--listen", "192.0.2.1:5080", "--connect", "127.0.0.1:1"},
		"name another with --certs":                                    {"certs", "--certs", filepath.Join(notADirectory(t, dir), "x"), "fe1.synergy.com"},
	} {
		code, out := called(args...)
		if code == 0 || !strings.Contains(out, want) {
			t.Errorf("%q: exit %d, %q, want %q", args, code, out, want)
		}
	}
}

func notADirectory(t *testing.T, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// composed is what the test reads of the compose file.
type composed struct {
	Services map[string]struct {
		Entrypoint []string
		Command    []string
	}
}

func TestTheComposeFileCallsTheFrontEndWithFlagsItHas(t *testing.T) {
	data, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file composed
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	called := 0
	for name, service := range file.Services {
		if !strings.HasSuffix(strings.Join(service.Entrypoint, " "), "lyncsim") {
			continue
		}
		called++
		if err := parses(t, service.Command); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if called == 0 {
		t.Error("no service of the compose file calls lyncsim")
	}
}

func parses(t *testing.T, args []string) error {
	var cli commands
	parser, err := newParser(t.Context(), &cli, os.Stdout, os.Stderr, func(int) {})
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err == nil && !strings.HasPrefix(parsed.Command(), "front-end") {
		return fmt.Errorf("it is called as %s", parsed.Command())
	}
	return err
}
