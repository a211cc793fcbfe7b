package federation

import (
	"slices"
	"time"
)

// Certificate purposes, by the guide's names (guide p.59).
const (
	PurposeOwn   = "cup"       // a node's own certificate with its key
	PurposeTrust = "cup-trust" // a trusted CA
)

// A Certificate is a node's own chain with its encrypted key, or a trusted CA.
type Certificate struct {
	ID           int64
	Purpose      string
	Node         string // name of the node; "" for a trusted CA
	Chain        []byte // PEM, leaf first
	EncryptedKey []byte // nil for a trusted CA; sealed under the key file, never in clear outside a node's memory
	Subject      string // Common Name of the leaf
	Issuer       string
	NotBefore    time.Time
	NotAfter     time.Time
	Fingerprint  string // SHA-256 of the leaf's DER, lower-case hexadecimal
	SelfSigned   bool   // made by serve until one is imported
	Description  string `yaml:"description" validate:"text"`
}

// Tame makes what the certificate says fit to be shown, and its dates such that JSON holds them, wherever they were read: a
// snapshot that cannot be written is none.
func (c *Certificate) Tame() {
	c.Subject, c.Issuer = Legible(c.Subject), Legible(c.Issuer)
	c.NotBefore, c.NotAfter = TameDate(c.NotBefore), TameDate(c.NotAfter)
}

// Problems are those of the text to remember a certificate by; the certificate itself is judged where it is imported.
func (c *Certificate) Problems() []Problem { return check(c) }

// TrustsName reports whether a trusted CA of this subject is among certificates.
func TrustsName(stored []Certificate, ca string) bool {
	return slices.ContainsFunc(stored, func(c Certificate) bool { return c.Purpose == PurposeTrust && c.Subject == ca })
}

// Kinds of key that a certificate can be requested for. Microsoft's servers take RSA of 2048 bits in every version (guide
// p.59-60).
const (
	KeyRSA2048 = "rsa-2048"
	KeyRSA3072 = "rsa-3072"
	KeyRSA4096 = "rsa-4096"
	KeyP256    = "p-256"
)

// KeyKinds are all of them, the default first.
var KeyKinds = []string{KeyRSA2048, KeyRSA3072, KeyRSA4096, KeyP256}

// A CertificateRequest is a request that waits for its signed certificate, with the key that was made for it. A node has
// one at most, beside the certificate that it goes on to show.
type CertificateRequest struct {
	Node         string
	CSR          []byte   // PEM, for the CA (RFC 2986)
	EncryptedKey []byte   // sealed under the key file, never in clear outside a process's memory
	Names        []string // subject alternative names, the node's own first
	KeyKind      string   // one of KeyKinds
	CreatedAt    time.Time
	CreatedBy    string
}
