package web

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/store"
	"isthmus/templates"
)

const certificatesPath = "/certificates"

func (s *Server) certificateRoutes(r chi.Router) {
	const one, request = certificatesPath + "/{id:[0-9]+}", certificatesPath + "/requests/{id:[0-9]+}"
	r.Get(certificatesPath, s.may(auth.Read, s.showCertificates))
	r.Get(certificatesPath+"/new", s.may(auth.Administer, s.showUpload))
	r.Post(certificatesPath, s.keeping(auth.Administer, s.upload))
	r.Get(certificatesPath+"/delete", s.may(auth.Administer, s.askDistrust))
	r.Post(certificatesPath+"/delete", s.may(auth.Administer, s.distrust))
	r.Get(one, s.may(auth.Read, s.showCertificate))
	r.Get(one+".pem", s.may(auth.Read, s.downloadCertificate))

	r.Get(certificatesPath+"/requests/new", s.may(auth.Administer, s.showRequest))
	r.Post(certificatesPath+"/requests", s.keeping(auth.Administer, s.makeRequest))
	r.Get(request+".csr", s.may(auth.Read, s.downloadRequest))
	r.Get(request+"/delete", s.may(auth.Administer, s.askWithdraw))
	r.Post(request+"/delete", s.may(auth.Administer, s.withdraw))
}

// key is what private keys are sealed with. A node that started without the database has not yet seen whether its key
// file is this database's, so that is asked before anything is sealed.
func (s *Server) key(ctx context.Context) (*certs.Key, error) {
	if s.Key == nil {
		return nil, federation.Refuse("This console has no key file, so it can store no private key. Run isthmus serve, or use isthmus cert on a node.")
	}
	// With a ledger of its own: what is written here is nothing of the user's, whose change comes after it.
	err := s.store.SetKeyFingerprint(store.Remembering(ctx), s.Key.Fingerprint())
	if errors.Is(err, store.ErrUnavailable) {
		err = notTried{err}
	}
	return s.Key, err
}

func (s *Server) showCertificates(w http.ResponseWriter, r *http.Request) error {
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	requests, err := s.requests(r.Context())
	if err != nil {
		return err
	}
	page := templates.Certificates{MayChange: may(r, auth.Administer), Findings: s.certificateFindings(snapshot)}
	if page.Own, err = s.ownList(r, snapshot); err != nil {
		return err
	}
	if page.Trusted, err = s.trustedList(r, snapshot); err != nil {
		return err
	}
	peers, err := s.peerCertificates(r.Context())
	if err != nil {
		return err
	}
	page.Peers, page.SameCA = s.peerList(r, snapshot, peers), sameCA(snapshot, peers, may(r, auth.Change))
	page.Requests = s.requestList(r, snapshot, requests)
	return s.render(w, r, http.StatusOK, templates.CertificatesPage(s.frame(r, "Certificates", certificatesPath), page))
}

// certificateFindings are what is doubtful about the certificates in use, those that ended before the others. That one is
// signed by itself or ends soon stands in its row already.
func (s *Server) certificateFindings(snapshot federation.Snapshot) []templates.Finding {
	var ended, list []templates.Finding
	for _, n := range snapshot.Nodes {
		own := snapshot.Own(n.Name)
		if own == nil {
			continue
		}
		if certs.ExpiryOf(own.NotAfter, s.Now()) == certs.Ended {
			ended = append(ended, templates.Finding{Mark: templates.Down, Title: "The certificate of " + n.Name + " has ended",
				Text: "It ended on " + own.NotAfter.UTC().Format(day) + ", so every handshake that needs it fails. Upload its successor.",
				Href: certificatePath(*own), Link: "Show it"})
		}
		if own.SelfSigned {
			continue
		}
		for _, text := range certs.Warnings(*own, snapshot, s.Now()) {
			list = append(list, templates.Finding{Mark: templates.Part, Title: "The certificate of " + n.Name, Text: text,
				Href: certificatePath(*own), Link: "Show it"})
		}
	}
	return append(ended, list...)
}

func certificatePath(c federation.Certificate) string {
	return fmt.Sprintf("%s/%d", certificatesPath, c.ID)
}

// certificate is the stored one that the path names, with the configuration it stands in.
func (s *Server) certificate(r *http.Request) (federation.Certificate, federation.Snapshot, error) {
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return federation.Certificate{}, snapshot, err
	}
	return certificateOf(snapshot, pathID(r))
}

func certificateOf(snapshot federation.Snapshot, id int64) (federation.Certificate, federation.Snapshot, error) {
	i := slices.IndexFunc(snapshot.Certificates, func(c federation.Certificate) bool { return c.ID == id })
	if i < 0 {
		return federation.Certificate{}, snapshot, federation.ErrNotFound
	}
	return snapshot.Certificates[i], snapshot, nil
}

func (s *Server) showCertificate(w http.ResponseWriter, r *http.Request) error {
	c, snapshot, err := s.certificate(r)
	if err != nil {
		return err
	}
	peers, err := s.peerCertificates(r.Context())
	if err != nil {
		return err
	}
	page, err := s.certificateFacts(c, snapshot, peers)
	if err != nil {
		return err
	}
	page.MayChange = may(r, auth.Administer)
	return s.render(w, r, http.StatusOK, templates.CertificatePage(s.frame(r, page.Title, certificatesPath), page))
}

// downloadCertificate hands out the certificate with its chain. The key never leaves.
func (s *Server) downloadCertificate(w http.ResponseWriter, r *http.Request) error {
	c, _, err := s.certificate(r)
	if err != nil {
		return err
	}
	return handOut(w, "application/x-pem-file", fileName(c.Subject)+".pem", c.Chain)
}

func handOut(w http.ResponseWriter, kind, name string, file []byte) error {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	_, err := w.Write(file)
	return err
}

// fileName is a subject as a file can be called: what came out of a certificate may hold anything.
func fileName(subject string) string {
	name := strings.Map(func(r rune) rune {
		if r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, subject)
	if name = strings.Trim(name[:min(len(name), 80)], ".-"); name == "" {
		return "certificate"
	}
	return name
}
