package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/templates"
)

func (s *Server) showUpload(w http.ResponseWriter, r *http.Request) error {
	asked := r.URL.Query()
	return s.uploadPage(w, r, http.StatusOK, templates.Form{Values: url.Values{"purpose": asked["purpose"], "node": {cmp.Or(asked.Get("node"), s.Node)}}})
}

// uploadPage is the form for a certificate of either purpose.
func (s *Server) uploadPage(w http.ResponseWriter, r *http.Request, status int, form templates.Form) error {
	form.Path = certificatesPath
	title := "Trust a CA"
	if form.Value("purpose") != federation.PurposeOwn {
		return s.render(w, r, status, templates.TrustForm(s.frame(r, title, certificatesPath), form))
	}
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	requests, err := s.requests(r.Context())
	if err != nil && reachOf(r.Context()).away() == nil { // else the form goes without them
		return err
	}
	options := make([]templates.Option, len(snapshot.Nodes))
	for i, n := range snapshot.Nodes {
		options[i] = templates.Option{Value: n.Name, Label: n.Name}
		if slices.ContainsFunc(requests, func(q federation.CertificateRequest) bool { return q.Node == n.Name }) {
			options[i].Label += ", whose request waits"
		}
	}
	f := s.frame(r, "Upload a node's certificate", certificatesPath)
	return s.render(w, r, status, templates.OwnCertificateForm(f, form, options))
}

// An uploaded is what the form for a certificate sends.
type uploaded struct {
	certs.Upload
	node  string
	field string // the certificate came in: file or text
}

func uploadedFrom(r *http.Request) (u uploaded, err error) {
	u = uploaded{node: strings.TrimSpace(r.PostForm.Get("node")), field: "file"}
	u.Description, u.Passphrase = strings.TrimSpace(r.PostForm.Get("description")), r.PostForm.Get("passphrase")
	if u.File, err = fileFrom(r, "file"); err != nil {
		return u, err
	}
	if u.Key, err = fileFrom(r, "key"); err != nil {
		return u, err
	}
	// A file goes before a text: whoever was refused with a text and chooses a file then means the file.
	if text := r.PostForm.Get("text"); len(u.File) == 0 && strings.TrimSpace(text) != "" {
		u.File, u.field = []byte(text), "text"
	}
	if len(u.File) == 0 {
		return u, federation.Invalid{{Path: "file", Text: "Choose the file that holds the certificate, or paste its text."}}
	}
	return u, nil
}

// fileFrom is a chosen file, nil when none was or it is empty. A script may send its content as a plain field.
func fileFrom(r *http.Request, name string) ([]byte, error) {
	file, _, err := r.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		if text := r.PostForm.Get(name); strings.TrimSpace(text) != "" {
			return []byte(text), nil
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if len(data) == 0 {
		return nil, err
	}
	return data, err
}

// upload takes a certificate of either purpose. The form's own button wants to be asked before a CA is trusted, and before
// a certificate in use is replaced.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) error {
	u, err := uploadedFrom(r)
	if away := reachOf(r.Context()).away(); away != nil {
		return s.unsavedUpload(w, r, notTried{away})
	}
	if err != nil {
		return s.uploadDone(w, r, u, err, "")
	}
	switch r.PostForm.Get("purpose") {
	case federation.PurposeOwn:
		return s.uploadOwn(w, r, u)
	case federation.PurposeTrust:
		return s.uploadTrust(w, r, u)
	}
	return federation.Refuse("There is no such purpose. A node's own certificate has the purpose cup, a trusted CA cup-trust.")
}

// uploadDone ends an upload. Wrong ones come back with every broken rule and what was typed.
func (s *Server) uploadDone(w http.ResponseWriter, r *http.Request, u uploaded, err error, text string) error {
	var invalid federation.Invalid
	if err = asInvalid(err, u.field); errors.As(err, &invalid) {
		return s.uploadPage(w, r, http.StatusUnprocessableEntity, templates.Form{Values: typedAgain(r.PostForm), Invalid: u.placed(invalid)})
	}
	if unsaved(err) {
		return s.unsavedUpload(w, r, err)
	}
	return s.done(w, r, err, certificatesPath, text)
}

// placed moves the problems of the certificate to the field that it came in.
func (u uploaded) placed(invalid federation.Invalid) federation.Invalid {
	list := slices.Clone(invalid)
	for i := range list {
		if list[i].Path == "file" {
			list[i].Path = u.field
		}
	}
	return list
}

// typedAgain is what a refused form shows: never what may hold a private key, whatever field it came in, and never the
// field for its passphrase.
func typedAgain(posted url.Values) url.Values {
	values := url.Values{}
	for _, name := range []string{"purpose", "node", "description"} {
		if text := posted.Get(name); !mayHoldKey(text) {
			values.Set(name, text)
		}
	}
	if text := posted.Get("text"); onlyCertificates(text) || len(strings.TrimSpace(text)) < shortText && !mayHoldKey(text) {
		values.Set("text", text)
	}
	return values
}

// shortText has no room for a key, or for a part of one that is of use.
const shortText = 64

// onlyCertificates reports whether a text is PEM blocks of certificates and nothing else: beside one a key without its
// lines may stand.
func onlyCertificates(text string) bool {
	rest := []byte(strings.TrimSpace(text))
	for len(rest) > 0 {
		block, after := pem.Decode(rest)
		if block == nil || !bytes.HasPrefix(rest, []byte("-----BEGIN ")) || block.Type != "CERTIFICATE" && block.Type != "PKCS7" && block.Type != "CMS" {
			return false
		}
		rest = bytes.TrimSpace(after)
	}
	return true
}

// mayHoldKey also knows a key that lost its PEM lines: DER that is no certificate.
func mayHoldKey(text string) bool {
	if certs.HoldsKey([]byte(text)) {
		return true
	}
	bare := strings.TrimRight(strings.Join(strings.Fields(text), ""), "=")
	der, err := base64.RawStdEncoding.DecodeString(bare[:len(bare)/4*4]) // a part of a key is a secret too
	if err != nil || len(der) == 0 || der[0] != 0x30 {
		return false
	}
	_, err = x509.ParseCertificate(der)
	return err != nil
}

// uploadTrust adds what the file holds to the trust store, all or nothing.
func (s *Server) uploadTrust(w http.ResponseWriter, r *http.Request, u uploaded) error {
	stored, err := s.store.Certificates(r.Context())
	if err != nil {
		return s.uploadDone(w, r, u, err, "")
	}
	list, err := certs.TrustFor(stored, s.Now(), u.Upload)
	if err != nil {
		return s.uploadDone(w, r, u, err, "")
	}
	cas := make([]federation.Certificate, len(list))
	for i, t := range list {
		cas[i] = t.Certificate
	}
	// All have one description. It is judged before the question, as no page may hold a key.
	if err := federation.Invalid(cas[0].Problems()).Err(); err != nil {
		return s.uploadDone(w, r, u, err, "")
	}
	if r.PostForm.Has("ask") && slices.ContainsFunc(list, func(t certs.Trusted) bool { return !t.Known }) {
		return s.askTrust(w, r, u, list)
	}
	return s.uploadDone(w, r, u, s.store.SaveCertificates(r.Context(), cas), trustedWords(list))
}

// trustedWords say what an upload to the trust store did.
func trustedWords(list []certs.Trusted) string {
	known, described := 0, 0
	for _, t := range list {
		if t.Known {
			known++
		}
		if t.Described {
			described++
		}
	}
	there := counted(known, "CA of this file is", "CAs of this file are") + " trusted already."
	switch added := len(list) - known; {
	case added == 0 && described == 0:
		return "Nothing was changed. " + there
	case added == 0:
		return "Saved the description. " + there
	case added == 1 && known == 0:
		return "Saved. " + list[0].Certificate.Subject + " is trusted now."
	case known == 0:
		return "Saved. " + counted(added, "CA", "CAs") + " more than before."
	default:
		return "Saved. " + counted(added, "CA", "CAs") + " more than before. " + counted(known, "was", "were") + " trusted already."
	}
}

// uploadOwn takes a node's certificate. replace is the fingerprint of the one that was looked at, and may be lost.
func (s *Server) uploadOwn(w http.ResponseWriter, r *http.Request, u uploaded) error {
	i, err := s.ownFrom(r.Context(), u)
	if err != nil {
		return s.uploadDone(w, r, u, err, "")
	}
	replace := r.PostForm.Get("replace")
	if r.PostForm.Has("ask") && i.Loses() && replace != i.Over() {
		return s.askOver(w, r, i)
	}
	text := strings.Join(append([]string{"Saved. New connections of " + u.node + " show it within a second; those that are open go on."}, i.Warnings...), " ")
	return s.uploadDone(w, r, u, s.store.SaveOwn(r.Context(), i.Certificate, i.Answers, cmp.Or(replace, i.Over())), text)
}

// ownFrom is a node's certificate ready to be stored: with the key that comes along, else as the answer to the request
// that waits.
func (s *Server) ownFrom(ctx context.Context, u uploaded) (certs.Imported, error) {
	key, err := s.key(ctx)
	if err != nil {
		return certs.Imported{}, err
	}
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return certs.Imported{}, err
	}
	if snapshot.Node(u.node) == nil {
		return certs.Imported{}, federation.Invalid{{Path: "node", Text: "There is no such node. Choose one of the list."}}
	}
	request, err := s.store.Pending(ctx, u.node)
	if err != nil {
		return certs.Imported{}, err
	}
	return certs.ImportFor(key, u.node, request, snapshot, s.Now(), u.Upload)
}
