package wizard

import (
	"crypto/sha256"
	"encoding/hex"
	"io"

	"isthmus/internal/federation"
)

// Fingerprint is the same for two plans that would be shown alike. Whoever confirms a plan confirms this value, so that
// what is applied is what was read.
func Fingerprint(c federation.Changes) string {
	h := sha256.New()
	for _, change := range c.List {
		_, _ = io.WriteString(h, change.String()+" "+change.Reason+"\n") // a hash never fails to write
	}
	for _, warning := range c.Warnings {
		_, _ = io.WriteString(h, warning+"\n")
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
