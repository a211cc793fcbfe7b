package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

type certImportCommand struct {
	Purpose     string `required:"" enum:"cup,cup-trust" help:"cup: the node's own certificate; cup-trust: a trusted CA."`
	File        string `arg:"" help:"Certificate or chain, PEM, DER or PKCS #7; - reads standard input."`
	Key         string `placeholder:"FILE" help:"Private key of a cup certificate, when FILE does not hold it and it was not made by cert csr."`
	Passphrase  string `name:"passphrase-file" placeholder:"FILE" help:"File whose first line is the passphrase of the private key."`
	Description string `placeholder:"TEXT" help:"Text to remember it by."`
}

func (a certImportCommand) Run(ctx context.Context, f *flags, c console) error {
	file, err := readFile(a.File, c.in)
	if err != nil {
		return err
	}
	if a.Purpose == federation.PurposeTrust {
		return a.trust(ctx, f, c, file)
	}
	var keyFile []byte
	if a.Key != "" {
		if keyFile, err = readFile(a.Key, c.in); err != nil {
			return err
		}
	}
	if file, keyFile, err = a.decrypt(c, file, keyFile); err != nil {
		return err
	}
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		return a.own(ctx, f, c, db, file, keyFile)
	})
}

// decrypt opens an encrypted key with the passphrase, when one was given.
func (a certImportCommand) decrypt(c console, file, keyFile []byte) ([]byte, []byte, error) {
	if a.Passphrase == "" {
		return file, keyFile, nil
	}
	text, err := readFile(a.Passphrase, c.in)
	if err != nil {
		return nil, nil, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	passphrase := strings.TrimSuffix(line, "\r")
	file, err = certs.Decrypt("file", file, passphrase)
	if err == nil && keyFile != nil {
		keyFile, err = certs.Decrypt("key", keyFile, passphrase)
	}
	return file, keyFile, err
}

func (a certImportCommand) trust(ctx context.Context, f *flags, c console, file []byte) error {
	if a.Key != "" || a.Passphrase != "" {
		return errors.New("--key belongs to --purpose cup, and so does --passphrase-file; a trusted CA has no key here")
	}
	list, err := certs.ImportTrust(time.Now(), file)
	if err != nil {
		return err
	}
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		for i := range list {
			list[i].Description = a.Description
		}
		if err := db.SaveCertificates(ctx, list); err != nil {
			return err
		}
		for _, cert := range list {
			printImported(c, cert)
		}
		return nil
	})
}

func printImported(c console, cert federation.Certificate) {
	fmt.Fprintf(c.out, "imported %s %s, valid until %s\n", cert.Purpose, cert.Subject, cert.NotAfter.UTC().Format(time.DateOnly))
}

// own imports a node's certificate: with the key of its file, else with that of the request that waits.
func (a certImportCommand) own(ctx context.Context, f *flags, c console, db *store.Store, file, keyFile []byte) error {
	key, err := f.key(ctx, db)
	if err != nil {
		return err
	}
	known, err := db.Certificates(ctx)
	if err != nil {
		return err
	}
	var cert federation.Certificate
	request, err := db.Request(ctx, f.Node)
	switch {
	case err == nil && keyFile == nil && !certs.HoldsKey(file):
		cert, err = a.signed(ctx, db, key, request, known, file)
	case err == nil, errors.Is(err, federation.ErrNotFound):
		cert, err = a.withKey(ctx, db, key, f.Node, file, keyFile)
	}
	if err != nil {
		return err
	}
	printImported(c, cert)
	for _, warning := range certs.Warnings(cert, known, time.Now()) {
		fmt.Fprintln(c.err, "Warning:", warning)
	}
	return nil
}

func (a certImportCommand) signed(ctx context.Context, db *store.Store, key *certs.Key, request federation.CertificateRequest, known []federation.Certificate, file []byte) (federation.Certificate, error) {
	cert, err := certs.ImportSigned(key, request, known, time.Now(), file)
	if err != nil {
		return cert, err
	}
	cert.Description = a.Description
	return cert, db.SaveSigned(ctx, cert, request)
}

func (a certImportCommand) withKey(ctx context.Context, db *store.Store, key *certs.Key, node string, file, keyFile []byte) (federation.Certificate, error) {
	cert, err := certs.ImportOwn(key, node, time.Now(), file, keyFile)
	if err != nil {
		return cert, err
	}
	cert.Description = a.Description
	return cert, db.SaveCertificate(ctx, cert)
}
