package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"

	"isthmus/internal/federation"
)

// Limits of one upload.
const (
	MaxUpload       = 1 << 20  // octets of a file
	maxCertificates = 50       // certificates in a file
	maxKeys         = 2        // private keys in a file: enough to see that one is too many
	maxKeyOctets    = 16 << 10 // of a private key; RSA of 16,384 bits has less
	maxRSABits      = 16384    // of a certificate's key; checking one signature with a longer one takes seconds
)

// Sentences about a file that is not what it should be.
const (
	tooMany      = "This file holds more than 50 certificates; split it."
	tooManyKeys  = "This file holds more than one private key; leave only the one that belongs to the certificate."
	notACert     = "This file holds no certificate in PEM or DER form; export it as Base-64 encoded X.509 (.cer or .pem)."
	badPKCS7     = "This file is in PKCS #7 form, but holds no certificate that can be read; export it as Base-64 encoded X.509 (.cer or .pem)."
	berPKCS7     = "This file is in BER form with indefinite length, which is not read here; convert it with openssl pkcs7 -inform DER -in FILE -print_certs."
	pkcs12       = "This is a PKCS #12 file (.pfx, .p12), which is not read here; take the certificates out of it with openssl pkcs12 -in FILE -nokeys."
	pkcs12Own    = "This is a PKCS #12 file (.pfx, .p12), which is not read here; convert it to PEM, with its private key, with openssl pkcs12 -in FILE -nodes, and delete what that writes once it is imported."
	stillRequest = "it is still the request; choose the certificate that the CA made of it."
)

// A bundle is what an uploaded file holds.
type bundle struct {
	certificates []*x509.Certificate
	keys         []crypto.Signer
}

// parseBundle reads PEM blocks, or DER when there is none; in both, a chain may come as PKCS #7. Every problem names the
// field that the file came in.
func parseBundle(field string, file []byte) (bundle, federation.Invalid) {
	if len(file) > MaxUpload {
		return bundle{}, invalid(field, "This file has more than 1 MiB, which no certificate needs; choose the certificate's own file.")
	}
	var b bundle
	blocks, problem := pemBlocks(file)
	if problem == "" && len(blocks) == 0 {
		problem = b.addDER(file)
	}
	for _, block := range blocks {
		if problem == "" {
			problem = b.add(block)
		}
	}
	if problem != "" {
		return bundle{}, federation.Invalid{{Path: field, Text: problem}}
	}
	return b, nil
}

// add takes one PEM block into the bundle, or says why it cannot.
func (b *bundle) add(block *pem.Block) (problem string) {
	switch {
	case block.Type == "CERTIFICATE":
		if content, signed, ok := isPKCS7(block.Bytes); ok { // Microsoft's CA labels a chain so
			return b.addPKCS7(content, signed)
		}
		return b.addCertificates([][]byte{block.Bytes})
	case block.Type == "PKCS7", block.Type == "CMS", block.Type == "PKCS #7 SIGNED DATA":
		content, signed, _ := isPKCS7(block.Bytes)
		return b.addPKCS7(content, signed)
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
		return protectedKey
	case strings.Contains(block.Type, "PRIVATE KEY"):
		return b.addKey(block.Bytes)
	case strings.HasSuffix(block.Type, "CERTIFICATE REQUEST"):
		return fmt.Sprintf("This file holds a PEM block %q: %s", block.Type, stillRequest)
	case block.Type == "EC PARAMETERS": // openssl writes the curve before the key, which names it again
		return ""
	}
	return fmt.Sprintf("This file holds a PEM block %q, which is neither a certificate nor a private key; choose another file.", block.Type)
}

// addDER takes a file without PEM: certificates one after another, a chain in PKCS #7, or something to give its name to.
func (b *bundle) addDER(file []byte) (problem string) {
	if content, signed, ok := isPKCS7(file); ok {
		return b.addPKCS7(content, signed)
	}
	list, many, ok := elements(cryptobyte.String(file), maxCertificates)
	switch {
	case many:
		return tooMany
	case isIndefinite(file):
		return berPKCS7
	case isPKCS12(file):
		return pkcs12
	case isSealedKey(file):
		return otherForm
	case !ok || len(list) == 0 || list[0][0] != 0x30: // a SEQUENCE, as every certificate and key is
		return notACert
	}
	if len(list) == 1 {
		return b.addOne(list[0])
	}
	return b.addCertificates(list)
}

// addOne takes the one element of a file in DER, whatever it is.
func (b *bundle) addOne(der []byte) (problem string) {
	if _, err := x509.ParseCertificateRequest(der); err == nil {
		return "This file holds no certificate: " + stillRequest
	}
	if k, err := parsePrivateKey(der); err == nil {
		b.keys = append(b.keys, k)
		return ""
	}
	if b.addCertificates([][]byte{der}) != "" {
		return notACert
	}
	return ""
}

func (b *bundle) addPKCS7(content cryptobyte.String, signed bool) (problem string) {
	if !signed {
		return badPKCS7
	}
	list, many, ok := chainOfPKCS7(content, maxCertificates)
	switch {
	case many:
		return tooMany
	case !ok || len(list) == 0:
		return badPKCS7
	}
	return b.addCertificates(list)
}

func (b *bundle) addCertificates(list [][]byte) (problem string) {
	if len(b.certificates)+len(list) > maxCertificates {
		return tooMany
	}
	for _, der := range list {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Sprintf("Certificate %d of this file cannot be read (%v); export it again.", len(b.certificates)+1, err)
		}
		if k, ok := c.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() > maxRSABits {
			return fmt.Sprintf("The key of %q has %d bits, more than any server uses; request an RSA key of 2048 to 4096 bits.", title(c), k.N.BitLen())
		}
		b.certificates = append(b.certificates, c)
	}
	return ""
}

func (b *bundle) addKey(der []byte) (problem string) {
	if len(b.keys) == maxKeys {
		return tooManyKeys
	}
	k, err := parsePrivateKey(der)
	if err != nil {
		return err.Error()
	}
	b.keys = append(b.keys, k)
	return ""
}

func parsePrivateKey(der []byte) (crypto.Signer, error) {
	unreadable := fmt.Errorf("This private key cannot be read; export it again as PKCS #8 in PEM form.")
	if len(der) > maxKeyOctets {
		return nil, unreadable
	}
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		switch k := k.(type) {
		case *rsa.PrivateKey:
			return k, nil
		case *ecdsa.PrivateKey:
			return k, nil
		}
		return nil, fmt.Errorf("This private key is neither RSA nor ECDSA, which Microsoft's servers need; request a certificate with an RSA key of 2048 bits.")
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k, nil
	}
	return nil, unreadable
}
