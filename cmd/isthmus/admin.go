package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"isthmus/internal/auth"
	"isthmus/internal/store"
)

type migrateCommand struct{}

func (migrateCommand) Run(ctx context.Context, f *flags, c console) error {
	return within(ctx, f, c, func(context.Context, *store.Store) error {
		fmt.Fprintln(c.out, "The database is up to date.")
		return nil
	})
}

type adminAddCommand struct {
	Name string `arg:"" help:"Name to sign in with."`
	Role string `default:"admin" enum:"admin,operator,viewer" help:"admin, operator or viewer."`
}

func (a adminAddCommand) Run(ctx context.Context, f *flags, c console) error {
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		password, err := readPassword(c)
		if err != nil {
			return err
		}
		if err := auth.CheckPassword(password, a.Name); err != nil {
			return err
		}
		hash, err := auth.Hash(password)
		if err != nil {
			return err
		}
		if err := db.AddAdministrator(ctx, a.Name, auth.Role(a.Role), hash); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s may sign in as %s.\n", a.Name, a.Role)
		return nil
	})
}

// readPassword asks twice on a terminal and reads one line elsewhere.
func readPassword(c console) (string, error) {
	if in, ok := c.in.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		return askTwice(c, int(in.Fd()))
	}
	line, err := bufio.NewReader(c.in).ReadString('\n')
	if line == "" && err != nil {
		return "", errors.New("no password was given; write it to standard input, or call this on a terminal")
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func askTwice(c console, fd int) (string, error) {
	var typed [2]string
	for i, prompt := range []string{"Password: ", "The same again: "} {
		fmt.Fprint(c.err, prompt)
		b, err := term.ReadPassword(fd)
		fmt.Fprintln(c.err)
		if err != nil {
			return "", fmt.Errorf("the password could not be read: %w", err)
		}
		typed[i] = string(b)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords differ; nothing was changed, call again")
	}
	return typed[0], nil
}
