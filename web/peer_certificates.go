package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/templates"
)

const subjectsPath = "/tls-peer-subjects"

func (s *Server) peerCertificateRoutes(r chi.Router) {
	r.Post(subjectsPath+"/certificate", s.may(auth.Change, s.readPeerCertificate))
	r.Post(subjectsPath+"/probe", s.may(auth.Change, s.probePeer))
}

// peerSources are the forms that read a subject from a certificate.
func (s *Server) peerSources(snapshot federation.Snapshot, form templates.Form) *templates.PeerSources {
	sources := templates.PeerSources{Form: form}
	for _, p := range snapshot.Places() {
		sources.Places = append(sources.Places, templates.Option{Value: p.String(), Label: p.String() + ", " + p.Role})
	}
	return &sources
}

// sourcesRefused is the page of a new subject again, with what was wrong about its source.
func (s *Server) sourcesRefused(w http.ResponseWriter, r *http.Request, status int, snapshot federation.Snapshot, form templates.Form) error {
	f := s.frame(r, "Add a TLS peer subject", subjectsPath)
	fresh := templates.Form{Path: subjectsPath, Values: url.Values{}, Again: true}
	return s.render(w, r, status, templates.TLSPeerSubjectForm(f, fresh, selection(r.Context(), snapshot, fresh), s.peerSources(snapshot, form), nil))
}

// readPeerCertificate shows what was uploaded or pasted. It keeps nothing.
func (s *Server) readPeerCertificate(w http.ResponseWriter, r *http.Request) error {
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	u, err := uploadedFrom(r)
	var candidate certs.Candidate
	if err == nil {
		candidate, err = certs.ReadCandidate(snapshot, s.Now(), u.File)
	}
	var invalid federation.Invalid
	if errors.As(err, &invalid) {
		return s.sourcesRefused(w, r, http.StatusUnprocessableEntity, snapshot, templates.Form{Values: typedAgain(r.PostForm), Invalid: u.placed(invalid)})
	}
	if err != nil {
		return err
	}
	f := s.frame(r, "The certificate of a file", subjectsPath)
	return s.render(w, r, http.StatusOK, templates.PeerCertificatePage(f, s.peerCertificate(r.Context(), snapshot, candidate)))
}

// maxProbes is how many run at a time: enough for the few people who set a federation up, too few to scan with.
const maxProbes = 4

// probePeer asks a configured server for its certificate, and no other: the console is no way into networks that the
// browser does not reach.
func (s *Server) probePeer(w http.ResponseWriter, r *http.Request) error {
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	refused := func(status int, text string) error {
		return s.sourcesRefused(w, r, status, snapshot, templates.Form{Values: url.Values{}, Invalid: federation.Invalid{{Path: "place", Text: text}}})
	}
	asked := strings.ToLower(strings.TrimSpace(r.PostForm.Get("place")))
	places := snapshot.Places()
	at := slices.IndexFunc(places, func(p federation.Place) bool { return p.String() == asked })
	if at < 0 {
		return refused(http.StatusUnprocessableEntity, "Only servers that a deployment or a static route names are connected to, on the ports given there; choose one of the list, or add the static route first.")
	}
	select {
	case s.probes <- struct{}{}:
		defer func() { <-s.probes }()
	default:
		return refused(http.StatusTooManyRequests, fmt.Sprintf("%d servers are being asked at this moment; try again when they have answered.", maxProbes))
	}
	found := s.probe(r.Context(), snapshot, places[at])
	s.logProbe(r, places[at], found)
	if err := s.keepProbe(r.Context(), places[at], found); err != nil {
		return err
	}
	f := s.frame(r, "The certificate at "+places[at].String(), subjectsPath)
	return s.render(w, r, http.StatusOK, templates.PeerCertificatePage(f, s.probedPage(r.Context(), snapshot, places[at], found)))
}

func (s *Server) logProbe(r *http.Request, p federation.Place, found certs.Probed) {
	subject, reason := "", found.Problem
	if c := found.Candidate; c != nil {
		subject = c.Subject
		if reason == "" {
			reason = c.Untrusted
		}
	}
	s.Log.Info("certificate probed", "request", requestID(r), "user", signedIn(r).Name, "peer", p.String(), "address", found.Address, "subject", subject, "reason", reason)
}

// probe looks from this node's address and with its certificate, as the SIP core would.
func (s *Server) probe(ctx context.Context, snapshot federation.Snapshot, p federation.Place) certs.Probed {
	probe := certs.Probe{Snapshot: snapshot, Own: s.own(snapshot), Now: s.Now}
	if self := snapshot.Node(s.Node); self != nil {
		probe.Local, _ = federation.ParseAddress(self.Address) // a node is not saved without one
	}
	return probe.Run(ctx, s.addressesAt(ctx, p))
}

// own is this node's certificate with its key, nil when there is none that can be opened.
func (s *Server) own(snapshot federation.Snapshot) *tls.Certificate {
	stored := snapshot.Own(s.Node)
	if s.Key == nil || stored == nil {
		return nil
	}
	pair, err := certs.Unseal(s.Key, *stored)
	if err != nil {
		s.Log.Warn("the node's certificate cannot be shown in a probe", "node", s.Node, "reason", err)
		return nil
	}
	return pair
}

// addressesAt is where a place is: as it is written, as the configuration says, else as DNS says.
func (s *Server) addressesAt(ctx context.Context, p federation.Place) []netip.AddrPort {
	names := p.Addresses
	if _, err := federation.ParseAddress(p.Host); err == nil {
		names = []string{p.Host}
	} else if len(names) == 0 {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		names = s.addressesOf(ctx, p.Host)
	}
	var list []netip.AddrPort
	for _, name := range names {
		if a, err := federation.ParseAddress(name); err == nil {
			list = append(list, netip.AddrPortFrom(a, uint16(p.Port)))
		}
	}
	return list
}
