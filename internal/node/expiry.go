package node

import (
	"log/slog"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
)

// An expiry tells in the log how near the ends of the certificates in use are: each once at 60, 30 and 7 days, and once
// when it has ended.
type expiry struct {
	told map[string]certs.Expiry // by fingerprint
}

// tell looks at this node's own certificate and at the trusted CAs, those of other nodes are theirs to tell.
func (e *expiry) tell(log *slog.Logger, node string, list []federation.Certificate, now time.Time) {
	told := map[string]certs.Expiry{}
	for _, c := range list {
		if c.Purpose == federation.PurposeOwn && c.Node != node {
			continue
		}
		stage := certs.ExpiryOf(c.NotAfter, now)
		told[c.Fingerprint] = stage
		if stage <= e.told[c.Fingerprint] {
			continue
		}
		about := log.With("purpose", c.Purpose, "subject", c.Subject)
		if stage == certs.Ended {
			about.Error("certificate ended", "reason", "on "+c.NotAfter.UTC().Format(time.RFC3339))
		} else {
			about.Warn("certificate ends soon", "reason", certs.EndsIn(c.NotAfter, now)+", on "+c.NotAfter.UTC().Format(time.RFC3339))
		}
	}
	e.told = told // what is used no more is forgotten
}

// ends are the same dates for monitoring: the node's own, and the first of the trusted CAs.
func ends(node string, list []federation.Certificate) map[string]time.Time {
	found := map[string]time.Time{}
	for _, c := range list {
		if c.Purpose == federation.PurposeOwn && c.Node != node {
			continue
		}
		if first, known := found[c.Purpose]; !known || c.NotAfter.Before(first) {
			found[c.Purpose] = c.NotAfter
		}
	}
	return found
}
