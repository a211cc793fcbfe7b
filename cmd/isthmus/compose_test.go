package main

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// compose is what the test reads of docker-compose.yml.
type compose struct {
	Services map[string]struct {
		Entrypoint  []string          `yaml:"entrypoint"`
		Command     []string          `yaml:"command"`
		Environment map[string]string `yaml:"environment"`
	} `yaml:"services"`
}

func readCompose(t *testing.T) compose {
	t.Helper()
	data, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c compose
	if err := yaml.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestComposeCallsTheProgramAsItIs(t *testing.T) {
	nodes := 0
	for name, service := range readCompose(t).Services {
		if len(service.Entrypoint) > 0 || len(service.Command) == 0 {
			continue // not this program
		}
		nodes++
		var cli commands
		parser, err := newParser(&cli, console{}, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(service.Command); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := cli.flags.check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for variable := range service.Environment {
			if !strings.HasPrefix(variable, "ISTHMUS_") || !knownVariable(parser.Model.AllFlags(true), variable) {
				t.Errorf("%s sets %s, which the program does not read", name, variable)
			}
		}
	}
	if nodes != 2 {
		t.Errorf("compose runs %d nodes, want 2", nodes)
	}
}

func knownVariable(groups [][]*kong.Flag, variable string) bool {
	for _, group := range groups {
		for _, flag := range group {
			for _, env := range flag.Envs {
				if env == variable {
					return true
				}
			}
		}
	}
	return false
}
