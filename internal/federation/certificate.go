package federation

import "time"

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
	Description  string
}
