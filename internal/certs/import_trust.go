package certs

import (
	"fmt"
	"slices"
	"time"

	"isthmus/internal/federation"
)

// A Trusted is one CA of an upload to the trust store, and what storing it does.
type Trusted struct {
	Certificate federation.Certificate
	Known       bool   // it is trusted already
	Described   bool   // it is, and takes another description
	Remark      string // what is doubtful about it, a whole sentence; "" when nothing is
}

// TrustFor takes the CAs of an upload: ImportTrust's rules, beside what is known about each. known are the stored
// certificates.
func TrustFor(known []federation.Certificate, now time.Time, u Upload) ([]Trusted, error) {
	list, err := ImportTrust(now, u.File)
	if err != nil {
		return nil, err
	}
	all := make([]Trusted, len(list))
	for i, ca := range list {
		ca.Description = u.Description
		all[i] = trustedAs(known, now, ca)
	}
	return all, nil
}

func trustedAs(known []federation.Certificate, now time.Time, ca federation.Certificate) Trusted {
	t := Trusted{Certificate: ca}
	if i := slices.IndexFunc(known, func(c federation.Certificate) bool {
		return c.Purpose == federation.PurposeTrust && c.Fingerprint == ca.Fingerprint
	}); i >= 0 {
		t.Known, t.Described = true, ca.Description != "" && ca.Description != known[i].Description
		return t
	}
	i := slices.IndexFunc(known, func(c federation.Certificate) bool {
		return c.Purpose == federation.PurposeTrust && c.Subject == ca.Subject
	})
	switch {
	case i >= 0:
		t.Remark = fmt.Sprintf("Another CA called %q, with the fingerprint %s, is trusted already. A CA that was renewed has a new fingerprint under its old name, and so has one that only takes that name: ask its administrator for the fingerprint.",
			ca.Subject, known[i].Fingerprint)
	case now.Before(ca.NotBefore):
		t.Remark = fmt.Sprintf("%q is valid from %s on only, so nothing that it signed is accepted before; check this machine's clock.", ca.Subject, day(ca.NotBefore))
	}
	return t
}
