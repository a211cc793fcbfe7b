package main

import (
	"context"
	"errors"
	"fmt"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

type certCSRCommand struct {
	Name    []string `name:"name" placeholder:"FQDN" help:"Further name to ask for, beside the node's own and its trusted application pools'; may be given again."`
	KeyKind string   `name:"key-kind" placeholder:"KIND" default:"rsa-2048" help:"rsa-2048, rsa-3072, rsa-4096 or p-256 (default rsa-2048)."`
	Replace bool     `help:"Replace a request that waits already; its key is lost."`
}

func (a certCSRCommand) Run(ctx context.Context, f *flags, c console) error {
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		key, err := f.key(ctx, db)
		if err != nil {
			return err
		}
		snapshot, err := db.Snapshot(ctx)
		if err != nil {
			return err
		}
		needed, _ := certs.RequestNames(snapshot, f.Node)
		request, err := certs.NewRequest(key, f.Node, append(needed, a.Name...), a.KeyKind)
		if err != nil {
			return renamed(err, map[string]string{"node": "--node", "names": "--name", "key_kind": "--key-kind"})
		}
		var replaced []byte
		if a.Replace {
			pending, err := db.Pending(ctx, request.Node)
			if err != nil {
				return err
			}
			if pending != nil {
				replaced = pending.CSR
			}
		}
		err = db.SaveRequest(ctx, request, replaced)
		if errors.As(err, new(store.Unconfirmed)) {
			return fmt.Errorf("%w Call again with --replace.", err)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(c.err, "The request of %s waits. Have it signed for server and client authentication, then call isthmus cert import --purpose cup FILE --node %s.\n", request.Node, request.Node)
		for _, warning := range certs.RequestWarnings(request.KeyKind, snapshot) {
			fmt.Fprintln(c.err, "Warning:", warning)
		}
		_, err = c.out.Write(request.CSR)
		return err
	})
}

type certExportCSRCommand struct{}

func (certExportCSRCommand) Run(ctx context.Context, f *flags, c console) error {
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		request, err := db.Request(ctx, f.Node)
		if errors.Is(err, federation.ErrNotFound) {
			return fmt.Errorf("No request waits for %s; make one with isthmus cert csr --node %s.", f.Node, f.Node)
		}
		if err != nil {
			return err
		}
		_, err = c.out.Write(request.CSR)
		return err
	})
}
