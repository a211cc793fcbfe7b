package siptest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"testing"
	"time"
)

func TestAnAuthorityIssuesWhatIsAsked(t *testing.T) {
	root := NewAuthority("Root")
	sub := root.Intermediate("Sub")
	chained := sub.Leaf("lync01.synergy.com")
	intermediates := x509.NewCertPool()
	intermediates.AddCert(sub.Certificate)
	if _, err := chained.Leaf.Verify(x509.VerifyOptions{Roots: root.Pool(), Intermediates: intermediates}); err != nil || len(chained.Certificate) != 2 {
		t.Errorf("chain of %d: %v", len(chained.Certificate), err)
	}
	odd := root.Issue(Leaf{Names: []string{"a", "b"}, DNS: []string{}, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, RSA: true}).Leaf
	if names := odd.Subject.Names; len(names) != 2 || names[0].Value != "a" || names[1].Value != "b" {
		t.Errorf("subject %v", names)
	}
	if len(odd.DNSNames) != 0 || len(odd.ExtKeyUsage) != 1 || odd.PublicKeyAlgorithm != x509.RSA {
		t.Errorf("%v %v %v", odd.DNSNames, odd.ExtKeyUsage, odd.PublicKeyAlgorithm)
	}
	if !root.Expired("x").Leaf.NotAfter.Before(time.Now()) {
		t.Error("not expired")
	}
}

func TestKeyPairsAreWrittenAsPEM(t *testing.T) {
	ca, dir := NewAuthority("Root"), t.TempDir()
	certFile, keyFile, err := WritePEM(dir, "imp1", ca.Leaf("imp1.synergy.com"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(keyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v %v", info, err)
	}
	file, err := ca.WritePEM(dir, "ca")
	pem, _ := os.ReadFile(file)
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		t.Errorf("authority: %v", err)
	}
	if _, _, err := WritePEM(dir+"/none", "x", ca.Leaf("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("into a directory that is not there: %v", err)
	}
}
