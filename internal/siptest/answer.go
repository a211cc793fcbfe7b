package siptest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

// Answer issues the certificate that a request in PEM form asks for, with its chain and without a key. What l names goes
// before what was asked for.
func (a *Authority) Answer(csr []byte, l Leaf) (tls.Certificate, error) {
	block, _ := pem.Decode(csr)
	if block == nil {
		return tls.Certificate{}, errors.New("read the request: no PEM")
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return tls.Certificate{}, err
	}
	if l.Names == nil {
		l.Names = []string{request.Subject.CommonName}
	}
	if l.DNS == nil {
		l.DNS = request.DNSNames
	}
	c := sign(l.template(), a.Certificate, request.PublicKey, a.key)
	return tls.Certificate{Certificate: append([][]byte{c.Raw}, a.above...), Leaf: c}, request.CheckSignature()
}
