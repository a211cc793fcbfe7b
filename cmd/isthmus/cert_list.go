package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

type certListCommand struct {
	JSON bool `name:"json" help:"Print every field as JSON."`
}

// listedCertificates are what the console's page shows; scripts read it as JSON.
type listedCertificates struct {
	Certificates []listedCertificate `json:"certificates"`
	Requests     []listedRequest     `json:"requests"`
}

type listedCertificate struct {
	Purpose string `json:"purpose"`
	Node    string `json:"node,omitempty"`
	certs.Description
	SelfSigned bool     `json:"self_signed"`
	Text       string   `json:"description"`
	Warnings   []string `json:"warnings"`
}

type listedRequest struct {
	Node      string    `json:"node"`
	Names     []string  `json:"names"`
	KeyKind   string    `json:"key_kind"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
}

func (a certListCommand) Run(ctx context.Context, f *flags, c console) error {
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		snapshot, err := db.Snapshot(ctx)
		if err != nil {
			return err
		}
		requests, err := db.Requests(ctx)
		if err != nil {
			return err
		}
		list, err := listed(snapshot, requests)
		if err != nil {
			return err
		}
		if a.JSON {
			encoder := json.NewEncoder(c.out)
			encoder.SetIndent("", "  ")
			return encoder.Encode(list)
		}
		return list.print(c)
	})
}

func listed(s federation.Snapshot, requests []federation.CertificateRequest) (listedCertificates, error) {
	list := listedCertificates{Certificates: []listedCertificate{}, Requests: []listedRequest{}}
	for _, entry := range s.Certificates {
		chain, err := certs.Chain(entry)
		if err != nil {
			return list, err
		}
		warnings := []string{}
		if entry.Purpose == federation.PurposeOwn {
			warnings = append(warnings, certs.Warnings(entry, s, time.Now())...)
		}
		list.Certificates = append(list.Certificates, listedCertificate{
			Purpose: entry.Purpose, Node: entry.Node, Description: certs.Describe(chain[0]), SelfSigned: entry.SelfSigned,
			Text: entry.Description, Warnings: warnings,
		})
	}
	for _, r := range requests {
		list.Requests = append(list.Requests, listedRequest{r.Node, r.Names, r.KeyKind, r.CreatedAt.UTC(), r.CreatedBy})
	}
	return list, nil
}

// columnWidth is how many characters of a name stand in a column, which its longest pads in every line; JSON has them whole.
const columnWidth = 100

func short(name string) string {
	if r := []rune(name); len(r) > columnWidth {
		return string(r[:columnWidth]) + "..."
	}
	return name
}

// print writes one line an object in columns; warnings go beside.
func (l listedCertificates) print(c console) error {
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, e := range l.Certificates {
		whose := e.Node
		if whose == "" {
			whose = e.Subject
		}
		fmt.Fprintf(table, "%s\t%s\tissuer %s\tvalid until %s\tserial %s\tsha256 %s\n", e.Purpose, short(whose), short(e.Issuer), e.NotAfter.Format(time.DateOnly), e.Serial, e.Fingerprint)
	}
	for _, r := range l.Requests {
		fmt.Fprintf(table, "request\t%s\tnames %s\tsince %s\tkey %s\n", r.Node, short(strings.Join(r.Names, ",")), r.CreatedAt.Format(time.DateOnly), r.KeyKind)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, e := range l.Certificates {
		for _, warning := range e.Warnings {
			fmt.Fprintln(c.err, "Warning:", federation.Legible(warning))
		}
	}
	return nil
}
