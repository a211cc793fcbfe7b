package store

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

func request(node, csr string) federation.CertificateRequest {
	return federation.CertificateRequest{Node: node, CSR: []byte(csr), EncryptedKey: []byte("sealed-key"),
		Names: []string{node, "pool.synergy.com"}, KeyKind: federation.KeyRSA2048}
}

func TestARequestForACertificateWaitsBesideTheConfiguration(t *testing.T) {
	s := filled(t)
	if _, err := s.Request(t.Context(), "imp1.synergy.com"); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("before any request: %v", err)
	}
	revision := must(s.Revision(t.Context()))
	ok(t, s.SaveRequest(actor(t), request("imp2.synergy.com", "two"), nil))
	ok(t, s.SaveRequest(actor(t), request("imp1.synergy.com", "one"), nil))
	if after := must(s.Revision(t.Context())); after != revision {
		t.Errorf("revision %d after %d", after, revision)
	}
	got := must(s.Request(t.Context(), "imp1.synergy.com"))
	if string(got.CSR) != "one" || string(got.EncryptedKey) != "sealed-key" || got.CreatedBy != "ann" || got.CreatedAt.IsZero() ||
		got.KeyKind != federation.KeyRSA2048 || !slices.Equal(got.Names, []string{"imp1.synergy.com", "pool.synergy.com"}) {
		t.Errorf("%+v", got)
	}
	if list := must(s.Requests(t.Context())); len(list) != 2 || list[0].Node != "imp1.synergy.com" {
		t.Errorf("%+v", list)
	}
	if !must(s.HoldsSecrets(t.Context())) {
		t.Error("the key of a request is no secret")
	}
	row := last(t, s)
	if row.Action != "added certificate request imp1.synergy.com" || row.Actor != "ann" || strings.Contains(asJSON(row), "sealed-key") {
		t.Errorf("the audit log says %+v", row)
	}
	refused(t, s.SaveRequest(actor(t), request("none.synergy.com", "x"), nil), "There is no node none.synergy.com")
}

func TestAPendingRequestIsReplacedOnlyWhenThatIsMeant(t *testing.T) {
	s := filled(t)
	ok(t, s.SaveRequest(actor(t), request("imp1.synergy.com", "one"), nil))
	err := unchanged(t, s, func() error { return s.SaveRequest(actor(t), request("imp1.synergy.com", "two"), nil) })
	if !errors.As(err, new(Unconfirmed)) || string(must(s.Request(t.Context(), "imp1.synergy.com")).CSR) != "one" {
		t.Errorf("without saying so: %v", err)
	}
	ok(t, s.SaveRequest(actor(t), request("imp1.synergy.com", "two"), must(s.Request(t.Context(), "imp1.synergy.com")).CSR))
	if got := must(s.Request(t.Context(), "imp1.synergy.com")); string(got.CSR) != "two" {
		t.Errorf("%+v", got)
	}
	if row := last(t, s); row.Action != "changed certificate request imp1.synergy.com" {
		t.Errorf("the audit log says %+v", row)
	}
	ok(t, s.DeleteRequest(actor(t), request("imp1.synergy.com", "two")))
	if row := last(t, s); row.Action != "removed certificate request imp1.synergy.com" {
		t.Errorf("the audit log says %+v", row)
	}
	if err := unchanged(t, s, func() error { return s.DeleteRequest(actor(t), request("imp1.synergy.com", "two")) }); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestASignedCertificateTakesTheRequestAlongInOneChange(t *testing.T) {
	s := filled(t)
	pending := request("imp1.synergy.com", "one")
	ok(t, s.SaveCertificate(actor(t), certificate("imp1.synergy.com", "a", false)))
	ok(t, s.SaveRequest(actor(t), pending, nil))
	revision, rows := must(s.Revision(t.Context())), must(s.Audit(t.Context(), listing.Query{})).Total
	ok(t, s.SaveOwn(actor(t), certificate("imp1.synergy.com", "b", false), &pending, certificate("", "a", false).Fingerprint))
	snapshot := must(s.Snapshot(t.Context()))
	own := snapshot.Own("imp1.synergy.com")
	if own == nil || own.Subject != "CN b" || must(s.Revision(t.Context())) != revision+1 {
		t.Errorf("the node shows %+v", own)
	}
	if _, err := s.Request(t.Context(), "imp1.synergy.com"); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("the request is left: %v", err)
	}
	if after := must(s.Audit(t.Context(), listing.Query{})); after.Total != rows+1 || strings.Contains(asJSON(after.Items), "sealed-key") {
		t.Errorf("%d audit rows after %d", after.Total, rows)
	}
}

func TestASignedCertificateOfAnotherRequestChangesNothing(t *testing.T) {
	s := filled(t)
	ok(t, s.SaveRequest(actor(t), request("imp1.synergy.com", "one"), nil))
	saved := certificate("imp1.synergy.com", "b", false)
	for _, pending := range []federation.CertificateRequest{request("imp1.synergy.com", "another"), request("imp2.synergy.com", "none")} {
		err := unchanged(t, s, func() error { return s.SaveOwn(actor(t), saved, &pending, "") })
		refused(t, err, "replaced or withdrawn")
	}
	if string(must(s.Request(t.Context(), "imp1.synergy.com")).CSR) != "one" || len(must(s.Certificates(t.Context()))) != 0 {
		t.Error("something was changed")
	}
}

func TestARequestFollowsItsNode(t *testing.T) {
	s := filled(t)
	n := must(s.SaveNode(actor(t), federation.Node{Name: "imp3.synergy.com", Address: "127.0.0.13"}))
	ok(t, s.SaveRequest(actor(t), request(n.Name, "one"), nil))
	n.Name = "imp4.synergy.com"
	must(s.SaveNode(actor(t), n))
	if list := must(s.Requests(t.Context())); len(list) != 1 || list[0].Node != n.Name {
		t.Errorf("%+v", list)
	}
	ok(t, s.DeleteNodes(actor(t), []int64{n.ID}))
	if list := must(s.Requests(t.Context())); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestAChainOfAuthoritiesIsKeptInOneChangeOrNotAtAll(t *testing.T) {
	s := filled(t)
	revision := must(s.Revision(t.Context()))
	a, b := certificate("", "a", false), certificate("", "b", false)
	ok(t, s.SaveCertificates(actor(t), []federation.Certificate{a, b}))
	row := last(t, s)
	if must(s.Revision(t.Context())) != revision+1 || row.ChangeCount != 2 {
		t.Errorf("%+v", row)
	}
	ok(t, unchanged(t, s, func() error { return s.SaveCertificates(actor(t), []federation.Certificate{a, b}) }))
	err := unchanged(t, s, func() error {
		return s.SaveCertificates(actor(t), []federation.Certificate{certificate("", "c", false), certificate("none.synergy.com", "d", false)})
	})
	refused(t, err, "There is no node none.synergy.com")
	if list := must(s.Certificates(t.Context())); len(list) != 2 {
		t.Errorf("%d certificates", len(list))
	}
}

func TestATrustedAuthorityCanGoAndANodesCertificateCannot(t *testing.T) {
	s := filled(t)
	ok(t, s.SaveCertificates(actor(t), []federation.Certificate{certificate("", "a", false), certificate("", "b", false), certificate("imp1.synergy.com", "c", false)}))
	list := must(s.Certificates(t.Context()))
	own, first := list[0], list[1]
	refused(t, unchanged(t, s, func() error { return s.DeleteTrusted(actor(t), []int64{first.ID, own.ID}) }), "imp1.synergy.com needs its certificate")
	ok(t, s.DeleteTrusted(actor(t), []int64{first.ID}))
	if row := last(t, s); row.Action != "removed certificate "+first.Subject || row.Changes[0].Fields[4].Old != first.Fingerprint {
		t.Errorf("the audit log says %+v", row)
	}
	if left := must(s.Certificates(t.Context())); len(left) != 2 || left[1].Subject != "CN b" {
		t.Errorf("%+v", left)
	}
	if err := unchanged(t, s, func() error { return s.DeleteTrusted(actor(t), []int64{first.ID}) }); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestACertificateTakesThePlaceOfTheOneThatWasLookedAt(t *testing.T) {
	s := filled(t)
	const node = "imp1.synergy.com"
	seen := certificate(node, "a", false)
	ok(t, s.SaveOwn(actor(t), seen, nil, ""))
	pending := request(node, "one")
	ok(t, s.SaveRequest(actor(t), pending, nil))
	ok(t, s.SaveOwn(actor(t), certificate(node, "b", false), nil, seen.Fingerprint))
	for _, answers := range []*federation.CertificateRequest{nil, &pending} {
		for _, over := range []string{"", seen.Fingerprint} {
			err := unchanged(t, s, func() error { return s.SaveOwn(actor(t), certificate(node, "c", false), answers, over) })
			refused(t, err, "The certificate of imp1.synergy.com was replaced meanwhile")
		}
	}
	refused(t, unchanged(t, s, func() error { return s.SaveOwn(actor(t), certificate("none.synergy.com", "c", false), nil, "") }), "There is no node none.synergy.com")
}

func TestATrustedAuthorityThatIsThereTakesANewDescription(t *testing.T) {
	s := filled(t)
	ca := certificate("", "a", false)
	ca.Description = "lab"
	ok(t, s.SaveCertificate(actor(t), ca))
	ca.Description = ""
	ok(t, unchanged(t, s, func() error { return s.SaveCertificate(actor(t), ca) }))
	ca.Description = "both sides"
	ok(t, s.SaveCertificate(actor(t), ca))
	if list := must(s.Certificates(t.Context())); len(list) != 1 || list[0].Description != "both sides" {
		t.Errorf("%+v", list)
	}
	change := last(t, s).Changes[0]
	if len(change.Fields) != 1 || change.How != federation.Changed || change.Key != "CN a" || change.Fields[0] != (federation.FieldChange{Name: "description", Old: "lab", New: "both sides"}) {
		t.Errorf("%+v", change)
	}
	ca.Description = "-----BEGIN PRIVATE KEY----- MC4CAQAwBQYDK2Vw"
	if err := unchanged(t, s, func() error { return s.SaveCertificate(actor(t), ca) }); err == nil || !strings.Contains(err.Error(), "A private key stands here") {
		t.Errorf("a key as its new description: %v", err)
	}
}
