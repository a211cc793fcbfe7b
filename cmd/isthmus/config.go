package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"isthmus/internal/document"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

type configExportCommand struct{}

func (configExportCommand) Run(ctx context.Context, f *flags, c console) error {
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		config, err := db.Configuration(ctx)
		if err != nil {
			return err
		}
		out, err := document.Export(config)
		if err != nil {
			return err
		}
		_, err = c.out.Write(out)
		return err
	})
}

type configApplyCommand struct {
	File   string `arg:"" help:"Document to apply; - reads standard input."`
	DryRun bool   `name:"dry-run" help:"Only print what would change."`
	Yes    bool   `help:"Allow removing more than half of a section of ten or more, or the whole incoming ACL."`
}

func (a configApplyCommand) Run(ctx context.Context, f *flags, c console) error {
	data, err := readFile(a.File, c.in)
	if err != nil {
		return err
	}
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		edit := func(current federation.Configuration) (federation.Configuration, error) {
			return document.Check(data, current)
		}
		list, err := db.Apply(ctx, "config apply", edit, store.ApplyOptions{DryRun: a.DryRun, Confirmed: a.Yes})
		var unconfirmed store.Unconfirmed
		if errors.As(err, &unconfirmed) {
			return fmt.Errorf("%w Call again with --yes.", err)
		}
		if err != nil {
			return err
		}
		printDifferences(c.out, list)
		return nil
	})
}

func printDifferences(w io.Writer, list []federation.Difference) {
	for _, d := range list {
		fmt.Fprintln(w, d)
	}
	if len(list) == 0 {
		fmt.Fprintln(w, "unchanged")
	}
}

const maxFile = 64 << 20 // bytes: a document with hundreds of thousands of users

// readFile reads a file, or standard input for "-".
func readFile(name string, in io.Reader) ([]byte, error) {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", name, err)
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB; split it", name, maxFile>>20)
	}
	return data, nil
}
