package siptest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
)

// Pool trusts this authority alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return pool
}

// Client returns a configuration that shows own and expects a certificate of this authority for server, a DNS name.
func (a *Authority) Client(own tls.Certificate, server string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{own}, RootCAs: a.Pool(), ServerName: server}
}

// Anonymous returns a client configuration that shows no certificate.
func (a *Authority) Anonymous(server string) *tls.Config {
	return &tls.Config{RootCAs: a.Pool(), ServerName: server}
}

// Server returns a configuration for mutual TLS: it shows own and wants a certificate of this authority.
func (a *Authority) Server(own tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: a.Pool(), ClientAuth: tls.RequireAndVerifyClientCert}
}

// PEM returns the authority's certificate.
func (a *Authority) PEM() []byte { return encode("CERTIFICATE", a.Certificate.Raw) }

// CertificatePEM returns the certificate and its chain.
func CertificatePEM(c tls.Certificate) []byte {
	var out bytes.Buffer
	for _, der := range c.Certificate {
		out.Write(encode("CERTIFICATE", der))
	}
	return out.Bytes()
}

// KeyPEM returns the private key in PKCS #8.
func KeyPEM(c tls.Certificate) []byte {
	return encode("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(c.PrivateKey)))
}

// WritePEM writes dir/name.pem with the certificate and its chain, and dir/name.key with the key, mode 0600.
func WritePEM(dir, name string, c tls.Certificate) (certFile, keyFile string, err error) {
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	if err := os.WriteFile(certFile, CertificatePEM(c), 0o644); err != nil {
		return "", "", fmt.Errorf("write the certificate: %w", err)
	}
	if err := os.WriteFile(keyFile, KeyPEM(c), 0o600); err != nil {
		return "", "", fmt.Errorf("write the key: %w", err)
	}
	return certFile, keyFile, nil
}

// WritePEM writes the authority's certificate to dir/name.pem.
func (a *Authority) WritePEM(dir, name string) (file string, err error) {
	file = filepath.Join(dir, name+".pem")
	if err := os.WriteFile(file, a.PEM(), 0o644); err != nil {
		return "", fmt.Errorf("write the authority's certificate: %w", err)
	}
	return file, nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
