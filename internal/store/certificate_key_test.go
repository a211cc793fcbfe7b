package store

import (
	"strings"
	"testing"
)

func TestAKeyInTheDescriptionOfACertificateIsNotKept(t *testing.T) {
	s := filled(t)
	before := must(s.Revision(t.Context()))
	for _, node := range []string{"", "imp1.synergy.com"} {
		c := certificate(node, "a", false)
		c.Description = "-----BEGIN PRIVATE KEY----- MC4CAQAwBQYDK2Vw"
		if err := s.SaveCertificate(t.Context(), c); err == nil || !strings.Contains(err.Error(), "A private key stands here") {
			t.Errorf("certificate of %q: %v", node, err)
		}
	}
	if after := must(s.Revision(t.Context())); after != before {
		t.Errorf("revision %d became %d", before, after)
	}
}
