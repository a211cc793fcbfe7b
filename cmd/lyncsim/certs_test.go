package main

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestCertificatesAreMadeOnceForBothUsages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	if code, out := called("certs", "--certs", dir, "fe1.synergy.com", "imp1.synergy.com"); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	before := content(t, dir)
	if code, out := called("certs", "--certs", dir, "fe1.synergy.com"); code != 0 || content(t, dir) != before {
		t.Errorf("a second call changes what is there: exit %d: %s", code, out)
	}
	id, err := identify(dir, "fe1.synergy.com")
	if err != nil {
		t.Fatal(err)
	}
	if cn := id.own.Leaf.Subject.CommonName; cn != "fe1.synergy.com" {
		t.Errorf("Common Name %s", cn)
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if _, err := id.own.Leaf.Verify(x509.VerifyOptions{Roots: id.trusted, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
			t.Errorf("usage %d: %v", usage, err)
		}
	}
}

func TestFurtherNamesFollowTheCommonNameAfterCommas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	if code, out := called("certs", "--certs", dir, "imp1.synergy.com,trustedpool.synergy.com"); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	id, err := identify(dir, "imp1.synergy.com")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"imp1.synergy.com", "trustedpool.synergy.com"} {
		if err := id.own.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
}

func content(t *testing.T, dir string) string {
	t.Helper()
	text := ""
	for _, name := range []string{"ca.pem", "ca.key", "fe1.synergy.com.pem", "fe1.synergy.com.key"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	return text
}

func TestProgramsThatStartTogetherAgreeOnOneCA(t *testing.T) {
	dir := t.TempDir()
	var group sync.WaitGroup
	ids := make([]identity, 4)
	for i, name := range []string{"fe1.synergy.com", "fe2.synergy.com", "fe3.synergy.com", "fe1.synergy.com"} {
		group.Go(func() {
			id, err := identify(dir, name)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = id
		})
	}
	group.Wait()
	for _, id := range ids {
		if _, err := id.own.Leaf.Verify(x509.VerifyOptions{Roots: ids[0].trusted}); err != nil {
			t.Error(err)
		}
	}
}

func TestACAWithoutItsKeyIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("somebody else's"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _ := called("certs", "--certs", dir, "fe1.synergy.com"); code != 1 {
		t.Errorf("exit %d", code)
	}
	if left, _ := os.ReadFile(filepath.Join(dir, "ca.pem")); string(left) != "somebody else's" {
		t.Errorf("ca.pem is now %q", left)
	}
}
