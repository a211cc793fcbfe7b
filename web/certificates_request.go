package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
	"isthmus/internal/store"
	"isthmus/templates"
)

// requestFacts is a request that waits, for the list of certificates.
func (s *Server) requestFacts(snapshot federation.Snapshot, q federation.CertificateRequest) templates.CertificateRequest {
	var id int64
	if n := snapshot.Node(q.Node); n != nil { // else it was deleted between the two reads
		id = n.ID
	}
	path := fmt.Sprintf("%s/requests/%d", certificatesPath, id)
	return templates.CertificateRequest{
		Node: q.Node, Names: q.Names, Key: keyKinds[q.KeyKind], Asked: templates.Clock(q.CreatedAt, s.Now()) + " by " + q.CreatedBy,
		Download: path + ".csr", Delete: path + "/delete",
		Upload:  certificatesPath + "/new?" + url.Values{"purpose": {federation.PurposeOwn}, "node": {q.Node}}.Encode(),
		Replace: certificatesPath + "/requests/new?" + url.Values{"node": {q.Node}}.Encode(),
	}
}

var requestColumns = []templates.Column{{Name: "node", Label: "Node"}, {Name: "made", Label: "Made", NoFind: true}, {Name: "names", Label: "Names"},
	{Name: "key", Label: "Key"}, {Label: "What to do"}, {Name: "by", Label: "Made by", FindOnly: true}}

var requestFields = listing.Fields[federation.CertificateRequest]{
	"node":  func(q federation.CertificateRequest) string { return q.Node },
	"made":  func(q federation.CertificateRequest) string { return q.CreatedAt.UTC().Format(time.RFC3339) },
	"names": func(q federation.CertificateRequest) string { return strings.Join(q.Names, ", ") },
	"key":   func(q federation.CertificateRequest) string { return keyKinds[q.KeyKind] },
	"by":    func(q federation.CertificateRequest) string { return q.CreatedBy },
}

func (s *Server) requestList(r *http.Request, snapshot federation.Snapshot, requests []federation.CertificateRequest) templates.List {
	change := may(r, auth.Administer)
	list := listSection(r, certificatesPath, "requests", requests, requestFields, func(q federation.CertificateRequest) templates.Row {
		return requestRow(s.requestFacts(snapshot, q), change)
	})
	list.One, list.Many, list.Columns = "request", "requests", requestColumns
	return list
}

func requestRow(q templates.CertificateRequest, change bool) templates.Row {
	acts := []templates.Act{{Href: q.Download, Word: "Download .csr", Of: " of " + q.Node, Download: true}}
	if change {
		acts = append(acts, templates.Act{Href: q.Upload, Word: "Upload the signed certificate", Of: " of " + q.Node},
			templates.Act{Href: q.Replace, Word: "Replace...", Of: " the request of " + q.Node}, templates.Act{Href: q.Delete, Word: "Delete...", Of: " the request of " + q.Node})
	}
	return templates.Row{Label: q.Node, Cells: []templates.Cell{{Text: q.Node}, {Text: q.Asked}, {Lines: q.Names}, {Text: q.Key}, {Acts: acts}}}
}

// keyKinds are the kinds of key in people's words.
var keyKinds = map[string]string{
	federation.KeyRSA2048: "RSA 2048", federation.KeyRSA3072: "RSA 3072", federation.KeyRSA4096: "RSA 4096", federation.KeyP256: "ECDSA P-256",
}

func (s *Server) showRequest(w http.ResponseWriter, r *http.Request) error {
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	node := r.URL.Query().Get("node")
	if node == "" {
		node = s.Node
	}
	if snapshot.Node(node) == nil && len(snapshot.Nodes) > 0 {
		node = snapshot.Nodes[0].Name
	}
	needed, _ := certs.RequestNames(snapshot, node)
	values := url.Values{"node": {node}, "names": needed, "key_kind": {federation.KeyRSA2048}}
	return s.requestPage(w, r, http.StatusOK, snapshot, templates.Form{Values: values})
}

func (s *Server) requestPage(w http.ResponseWriter, r *http.Request, status int, snapshot federation.Snapshot, form templates.Form) error {
	form.Path, form.To = certificatesPath, certificatesPath+"/requests"
	node := form.Value("node")
	needed, offered := certs.RequestNames(snapshot, node)
	page := templates.RequestForm{Form: form, Node: node}
	for _, n := range snapshot.Nodes {
		page.Nodes = append(page.Nodes, templates.Option{Value: n.Name, Label: n.Name})
	}
	for _, name := range needed {
		if name != node {
			page.Names = append(page.Names, templates.Option{Value: name, Label: name, Note: "Trusted application pool: Skype for Business 2015 and later look for it."})
		}
	}
	for _, name := range offered {
		page.Names = append(page.Names, templates.Option{Value: name, Label: name})
	}
	pending, err := s.pending(r.Context(), snapshot, node)
	if reachOf(r.Context()).miss(err); err != nil && reachOf(r.Context()).away() == nil { // else the form goes without it
		return err
	}
	if pending != nil {
		page.Pending = "Made " + templates.Clock(pending.CreatedAt, s.Now()) + " by " + pending.CreatedBy
	}
	return s.render(w, r, status, templates.RequestPage(s.frame(r, "Request a certificate", certificatesPath), page))
}

// pending is the request that waits for a node, nil when none does. What is no node has none, whatever was typed.
func (s *Server) pending(ctx context.Context, snapshot federation.Snapshot, node string) (*federation.CertificateRequest, error) {
	if snapshot.Node(node) == nil {
		return nil, nil
	}
	return s.store.Pending(ctx, node)
}

// makeRequest makes a key and a request with it. One that waits already is replaced only after a page that says what is
// lost with it.
func (s *Server) makeRequest(w http.ResponseWriter, r *http.Request) error {
	posted := r.PostForm
	node := strings.TrimSpace(posted.Get("node"))
	var pending *federation.CertificateRequest
	snapshot, err := s.snapshot(r.Context())
	if err == nil {
		pending, err = s.pending(r.Context(), snapshot, node)
	}
	if unsaved(err) {
		return s.unsavedRequest(w, r, err)
	}
	if err != nil {
		return err
	}
	var replaced []byte
	if pending != nil {
		if posted.Get("replace") != mark(*pending) {
			return s.askReplace(w, r, snapshot, *pending)
		}
		replaced = pending.CSR
	}
	err = asInvalid(s.saveRequest(r, snapshot, node, replaced), "")
	var invalid federation.Invalid
	switch {
	case errors.As(err, &invalid):
		form := templates.Form{Values: posted, Invalid: invalid}
		return s.requestPage(w, r, http.StatusUnprocessableEntity, snapshot, form)
	case errors.As(err, new(store.Unconfirmed)): // somebody else was quicker
		return federation.Refuse("%s", err)
	case unsaved(err):
		return s.unsavedRequest(w, r, err)
	}
	text := "Saved. The request of " + node + " waits below. Download it, and have it signed for server and client authentication."
	for _, warning := range certs.RequestWarnings(posted.Get("key_kind"), snapshot) {
		text += " " + warning
	}
	return s.done(w, r, err, certificatesPath, text)
}

func (s *Server) saveRequest(r *http.Request, snapshot federation.Snapshot, node string, replaced []byte) error {
	if snapshot.Node(node) == nil {
		return federation.Invalid{{Path: "node", Text: "There is no such node. Choose one of the list."}}
	}
	key, err := s.key(r.Context())
	if err != nil {
		return err
	}
	names := append(chosen(r.PostForm["names"]), strings.FieldsFunc(r.PostForm.Get("more"), func(c rune) bool { return strings.ContainsRune(" ,;\t\r\n", c) })...)
	request, err := certs.NewRequest(key, node, names, r.PostForm.Get("key_kind"))
	if err != nil {
		return err
	}
	return s.store.SaveRequest(r.Context(), request, replaced)
}

// mark tells one request from another: what is confirmed is the loss of the key that was shown, and of no newer one.
func mark(request federation.CertificateRequest) string {
	sum := sha256.Sum256(request.CSR)
	return hex.EncodeToString(sum[:12])
}

func (s *Server) askReplace(w http.ResponseWriter, r *http.Request, snapshot federation.Snapshot, pending federation.CertificateRequest) error {
	posted := url.Values{"replace": {mark(pending)}}
	for _, name := range []string{"node", "names", "more", "key_kind"} {
		posted[name] = r.PostForm[name]
	}
	ask := templates.RequestQuestion{Title: "Replace the request of " + pending.Node + "?", Verb: "Replace the request", To: certificatesPath + "/requests", Posted: posted,
		Request: s.requestFacts(snapshot, pending)}
	return s.render(w, r, http.StatusOK, templates.RequestQuestionPage(s.frame(r, "Replace the request", certificatesPath), ask))
}

// request is the one that waits for the node that the path names.
func (s *Server) request(r *http.Request) (federation.CertificateRequest, federation.Snapshot, error) {
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return federation.CertificateRequest{}, snapshot, err
	}
	i := slices.IndexFunc(snapshot.Nodes, func(n federation.Node) bool { return n.ID == pathID(r) })
	if i < 0 {
		return federation.CertificateRequest{}, snapshot, federation.ErrNotFound
	}
	request, err := s.store.Request(r.Context(), snapshot.Nodes[i].Name)
	return request, snapshot, err
}

func (s *Server) downloadRequest(w http.ResponseWriter, r *http.Request) error {
	request, snapshot, err := s.request(r)
	if errors.Is(err, federation.ErrNotFound) {
		return s.noRequest(w, r, snapshot)
	}
	if err != nil {
		return err
	}
	return handOut(w, "application/pkcs10", fileName(request.Node)+".csr", request.CSR)
}

// noRequest is the answer where a request was looked for and none waits.
func (s *Server) noRequest(w http.ResponseWriter, r *http.Request, snapshot federation.Snapshot) error {
	m := templates.Message{Title: "No request waits", Text: "None was made for this node, or its signed certificate was uploaded meanwhile.", Href: certificatesPath, Link: "Back to Certificates"}
	i := slices.IndexFunc(snapshot.Nodes, func(n federation.Node) bool { return n.ID == pathID(r) })
	if i < 0 {
		return federation.ErrNotFound
	}
	if may(r, auth.Administer) {
		m.Href, m.Link = certificatesPath+"/requests/new?"+url.Values{"node": {snapshot.Nodes[i].Name}}.Encode(), "Request a certificate"
	}
	return s.render(w, r, http.StatusNotFound, templates.MessagePage(s.frame(r, m.Title, certificatesPath), m))
}

func (s *Server) askWithdraw(w http.ResponseWriter, r *http.Request) error {
	request, snapshot, err := s.request(r)
	if err != nil {
		return err
	}
	facts := s.requestFacts(snapshot, request)
	ask := templates.RequestQuestion{Title: "Delete the request of " + request.Node + "?", Verb: "Delete the request", To: facts.Delete, Request: facts,
		Posted: url.Values{"replace": {mark(request)}}}
	return s.render(w, r, http.StatusOK, templates.RequestQuestionPage(s.frame(r, "Delete the request", certificatesPath), ask))
}

func (s *Server) withdraw(w http.ResponseWriter, r *http.Request) error {
	request, _, err := s.request(r)
	if err == nil && r.PostForm.Get("replace") != mark(request) {
		return s.askWithdraw(w, r)
	}
	if err == nil {
		err = s.store.DeleteRequest(r.Context(), request)
	}
	return s.done(w, r, err, certificatesPath, "Deleted the request of "+request.Node+". The certificate in use stays.")
}
