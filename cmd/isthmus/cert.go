package main

import (
	"context"
	"fmt"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

type certImportCommand struct {
	Purpose string `required:"" enum:"cup,cup-trust" help:"cup: the node's own certificate; cup-trust: a trusted CA."`
	File    string `arg:"" help:"Certificate chain, PEM or DER; - reads standard input."`
	Key     string `placeholder:"FILE" help:"Private key of a cup certificate, when FILE does not hold it."`
}

func (a certImportCommand) Run(ctx context.Context, f *flags, c console) error {
	file, err := readFile(a.File, c.in)
	if err != nil {
		return err
	}
	var keyFile []byte
	if a.Key != "" {
		if keyFile, err = readFile(a.Key, c.in); err != nil {
			return err
		}
	}
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		list, err := a.read(ctx, f, db, file, keyFile)
		if err != nil {
			return err
		}
		for _, cert := range list {
			if err := db.SaveCertificate(ctx, cert); err != nil {
				return err
			}
			fmt.Fprintf(c.out, "imported %s %s, valid until %s\n", cert.Purpose, cert.Subject, cert.NotAfter.UTC().Format(time.DateOnly))
		}
		return nil
	})
}

func (a certImportCommand) read(ctx context.Context, f *flags, db *store.Store, file, keyFile []byte) ([]federation.Certificate, error) {
	if a.Purpose == federation.PurposeTrust {
		if a.Key != "" {
			return nil, fmt.Errorf("--key belongs to --purpose cup; a trusted CA has no key here")
		}
		return certs.ImportTrust(time.Now(), file)
	}
	key, err := f.key(ctx, db)
	if err != nil {
		return nil, err
	}
	own, err := certs.ImportOwn(key, f.Node, time.Now(), file, keyFile)
	if err != nil {
		return nil, err
	}
	return []federation.Certificate{own}, nil
}
