package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"isthmus/internal/diagnose"
	"isthmus/internal/store"
)

type checkCommand struct {
	JSON bool `name:"json" help:"Print the findings as JSON."`
}

func (a checkCommand) Run(ctx context.Context, f *flags, c console) error {
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		findings, err := findings(ctx, db)
		if err != nil {
			return err
		}
		if err := printFindings(c, findings, a.JSON); err != nil {
			return err
		}
		if diagnose.Worst(findings) == diagnose.Red {
			return exitError{code: exitFailure}
		}
		return nil
	})
}

func findings(ctx context.Context, db *store.Store) ([]diagnose.Finding, error) {
	snapshot, err := db.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	statuses, err := db.NodeStatuses(ctx)
	if err != nil {
		return nil, err
	}
	peers, err := db.PeerCertificates(ctx)
	if err != nil {
		return nil, err
	}
	return diagnose.Run(diagnose.Facts{Snapshot: snapshot, Statuses: statuses, Peers: peers, Now: time.Now()}), nil
}

func printFindings(c console, list []diagnose.Finding, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(c.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(list)
	}
	for _, f := range list {
		fmt.Fprintf(c.out, "%-5s %s: %s", f.State, f.Check, f.Text)
		if f.Advice != "" {
			fmt.Fprint(c.out, " ", f.Advice)
		}
		fmt.Fprintln(c.out)
	}
	return nil
}

// version is set when the program is built by make.
var version = "unknown"

type versionCommand struct{}

func (versionCommand) Run(c console) error {
	fmt.Fprintf(c.out, "isthmus %s, commit %s, %s\n", version, commit(), runtime.Version())
	return nil
}

// commit is what the Go command recorded, else what make knew.
func commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return version
}
