package certs

import (
	"strings"
	"testing"

	"isthmus/internal/federation"
)

func TestAnUploadAnswersTheRequestUnlessItBringsAKey(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	known := trusts(t, ca)
	request, err := NewRequest(k, node, nil, federation.KeyP256)
	if err != nil {
		t.Fatal(err)
	}
	signed := pemOf(ca.answer(t, request))
	own, private := ca.issue(t, node)
	stranger, strange := newAuthority(t, "Stranger").issue(t, node)
	for promise, c := range map[string]struct {
		request *federation.CertificateRequest
		upload  Upload
		answers bool
		warns   int
		want    string // of the error
	}{
		"the signed certificate":               {&request, Upload{File: signed, Passphrase: "not needed"}, true, 0, ""},
		"one with its key, while one waits":    {&request, Upload{File: pemOf(own, private)}, false, 0, ""},
		"one with its key in a file":           {&request, Upload{File: pemOf(own), Key: pemOf(private)}, false, 0, ""},
		"a key without a passphrase":           {nil, Upload{File: pemOf(own, private), Passphrase: "not needed"}, false, 0, ""},
		"one of a CA that is not trusted here": {nil, Upload{File: pemOf(stranger, strange)}, false, 1, ""},
		"another's, while one waits":           {&request, Upload{File: pemOf(own)}, false, 0, "file: The certificate of"},
		"no key, and none waits":               {nil, Upload{File: signed}, false, 0, "key: The private key is missing"},
		"a protected key":                      {nil, Upload{File: pemOf(own), Key: recordedKeys(t)[0]}, false, 0, "passphrase: This private key is protected"},
		"a protected key in the file":          {&request, Upload{File: append(pemOf(own), recordedKeys(t)[0]...), Passphrase: "wrong"}, false, 0, "passphrase: The passphrase does not open"},
		"another's key, opened":                {nil, Upload{File: pemOf(own), Key: recordedKeys(t)[0], Passphrase: openSesame}, false, 0, "key: The private key belongs to another"},
	} {
		c.upload.Description = "of 2026"
		i, err := ImportFor(k, node, c.request, known, now, c.upload)
		if c.want != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || i.Certificate.Node != "" || i.Answers != nil {
				t.Errorf("%s: %v, %+v", promise, err, i)
			}
			continue
		}
		if err != nil || i.Certificate.Node != node || i.Certificate.Description != "of 2026" || (i.Answers != nil) != c.answers || len(i.Warnings) != c.warns {
			t.Errorf("%s: %v, answers %v, warnings %q", promise, err, i.Answers != nil, i.Warnings)
		}
	}
	if !Trusts(known, known[0]) || Trusts(nil, known[0]) {
		t.Error("what is trusted already")
	}
}
