package certs

import (
	"time"

	"isthmus/internal/federation"
)

// An Upload is a node's certificate as somebody hands it in.
type Upload struct {
	File        []byte // PEM, DER or PKCS #7, with its chain or without; it may hold the private key too
	Key         []byte // the private key, PEM; nil when it came in no file of its own
	Passphrase  string // of an encrypted key; where there is none it is not looked at
	Description string
}

// An Imported certificate is ready to be stored.
type Imported struct {
	Certificate federation.Certificate
	Answers     *federation.CertificateRequest // the request that it was signed for; nil when it brought its key
	Replaces    *federation.Certificate        // the node's present one; nil when it has none
	Warnings    []string                       // whole sentences, none when all is well
}

// ImportFor takes a certificate for a node. What brings a private key is taken with it (ImportOwn); anything else answers
// the request that waits for the node (ImportSigned), which is nil when none does. s is the configuration that it joins. The
// error is federation.Invalid with a sentence per broken rule, under the fields "file", "key" and "passphrase".
func ImportFor(k *Key, node string, request *federation.CertificateRequest, s federation.Snapshot, now time.Time, u Upload) (Imported, error) {
	if isPKCS12(u.File) {
		return Imported{}, invalid("file", pkcs12Own)
	}
	var i Imported
	var err error
	if request != nil && u.Key == nil && !HoldsKey(u.File) {
		i.Answers = request
		i.Certificate, err = ImportSigned(k, *request, s.Certificates, now, u.File)
	} else {
		i.Certificate, err = withItsKey(k, node, now, u)
	}
	if err != nil {
		return Imported{}, err
	}
	i.Certificate.Description = u.Description
	i.Replaces = s.Own(node)
	i.Warnings = append(i.comparison(), Warnings(i.Certificate, s, now)...)
	return i, nil
}

func withItsKey(k *Key, node string, now time.Time, u Upload) (federation.Certificate, error) {
	file, err := Decrypt("file", u.File, u.Passphrase)
	if err != nil {
		return federation.Certificate{}, err
	}
	key, err := Decrypt("key", u.Key, u.Passphrase) // nil stays nil
	if err != nil {
		return federation.Certificate{}, err
	}
	return ImportOwn(k, node, now, file, key)
}
