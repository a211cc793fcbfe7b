package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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

// Validate refuses a call that cannot be meant.
func (a certImportCommand) Validate() error {
	inputs := 0
	for _, name := range []string{a.File, a.Key, a.Passphrase} {
		if name == "-" {
			inputs++
		}
	}
	switch {
	case inputs > 1:
		return errors.New("Standard input can be read only once; give - for one of FILE, --key and --passphrase-file, and files for the others")
	case a.Purpose == federation.PurposeTrust && (a.Key != "" || a.Passphrase != ""):
		return errors.New("--key belongs to --purpose cup, and so does --passphrase-file; a trusted CA has no key here")
	}
	return nil
}

func (a certImportCommand) Run(ctx context.Context, f *flags, c console) error {
	upload, err := a.upload(c)
	if err != nil {
		return err
	}
	take := a.own
	if a.Purpose == federation.PurposeTrust {
		take = a.trust
	}
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		return a.named(take(ctx, f, c, db, upload))
	})
}

// upload reads the files before the database is opened.
func (a certImportCommand) upload(c console) (u certs.Upload, err error) {
	u.Description = a.Description
	if u.File, err = readFile(a.File, c.in); err != nil {
		return u, err
	}
	if a.Key != "" {
		if u.Key, err = readFile(a.Key, c.in); err != nil {
			return u, err
		}
	}
	if a.Passphrase != "" {
		text, err := readFile(a.Passphrase, c.in)
		if err != nil {
			return u, err
		}
		line, _, _ := strings.Cut(string(text), "\n")
		u.Passphrase = strings.TrimSuffix(line, "\r")
	}
	return u, nil
}

// named says which file or flag a problem is about, where certs speaks of the fields of a form.
func (a certImportCommand) named(err error) error {
	file := a.File
	if file == "-" {
		file = "standard input"
	}
	err = renamed(err, map[string]string{"file": file, "key": "--key", "passphrase": "--passphrase-file"})
	var invalid federation.Invalid
	if errors.As(err, &invalid) {
		for i := range invalid {
			if invalid[i].Path == "--passphrase-file" {
				invalid[i].Text = a.passphraseProblem()
			}
		}
	}
	return err
}

// renamed puts the flags of the command line in the place of a form's fields.
func renamed(err error, flags map[string]string) error {
	var invalid federation.Invalid
	if !errors.As(err, &invalid) {
		return err
	}
	list := slices.Clone(invalid)
	for i := range list {
		list[i].Path = cmp.Or(flags[list[i].Path], list[i].Path)
	}
	return list
}

func (a certImportCommand) passphraseProblem() string {
	if a.Passphrase == "" {
		return "The private key is protected by a passphrase; name a file whose first line is that passphrase."
	}
	return "The passphrase, which is the first line of that file, does not open this private key; give the one that the key was exported with."
}

func (a certImportCommand) trust(ctx context.Context, f *flags, c console, db *store.Store, u certs.Upload) error {
	known, err := db.Certificates(ctx)
	if err != nil {
		return err
	}
	list, err := certs.TrustFor(known, time.Now(), u)
	if err != nil {
		return err
	}
	cas := make([]federation.Certificate, len(list))
	for i, t := range list {
		cas[i] = t.Certificate
	}
	if err := db.SaveCertificates(ctx, cas); err != nil {
		return err
	}
	for _, t := range list {
		printImported(c, didTo(t), t.Certificate)
		if t.Remark != "" {
			fmt.Fprintln(c.err, "Warning:", t.Remark)
		}
	}
	if f.nodeNamed { // as every command takes it, it is no wrong call
		fmt.Fprintf(c.err, "Warning: --node %s limits nothing here: a trusted CA is trusted by every node.\n", f.Node)
	}
	return nil
}

func didTo(t certs.Trusted) string {
	switch {
	case !t.Known:
		return "imported"
	case t.Described:
		return "described"
	}
	return "unchanged"
}

func printImported(c console, did string, cert federation.Certificate) {
	whose := cert.Subject
	if cert.Purpose == federation.PurposeOwn {
		whose = cert.Node
		if !strings.EqualFold(cert.Subject, cert.Node) {
			whose += fmt.Sprintf(", called %q", cert.Subject)
		}
	}
	fmt.Fprintf(c.out, "%s %s %s, valid until %s, SHA-256 fingerprint %s\n", did, cert.Purpose, whose, cert.NotAfter.UTC().Format(time.DateOnly), cert.Fingerprint)
}

// own imports a node's certificate: with the key of its file, else with that of the request that waits.
func (a certImportCommand) own(ctx context.Context, f *flags, c console, db *store.Store, u certs.Upload) error {
	key, err := f.key(ctx, db)
	if err != nil {
		return err
	}
	snapshot, err := db.Snapshot(ctx)
	if err != nil {
		return err
	}
	if snapshot.Node(f.Node) == nil {
		return federation.Invalid{{Path: "--node", Text: "There is no node " + f.Node + "; start Isthmus there once, or name one that isthmus config export lists under nodes."}}
	}
	request, err := db.Pending(ctx, f.Node)
	if err != nil {
		return err
	}
	imported, err := certs.ImportFor(key, f.Node, request, snapshot, time.Now(), u)
	if err != nil {
		return err
	}
	if err := db.SaveOwn(ctx, imported.Certificate, imported.Answers, imported.Over()); err != nil {
		return err
	}
	printImported(c, "imported", imported.Certificate)
	for _, warning := range imported.Warnings {
		fmt.Fprintln(c.err, "Warning:", warning)
	}
	return nil
}
