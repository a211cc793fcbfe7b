package node

import (
	"log/slog"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
)

// purposePeer stands for the certificates of peers where the purposes of stored ones stand.
const purposePeer = "peer"

// An ending is the end of a certificate that this node tells of.
type ending struct {
	purpose, subject, fingerprint string
	address                       string // of a peer
	at                            time.Time
}

// endings are those of this node's own certificate, of the trusted CAs and of peers. Other nodes' own are theirs to tell.
func endings(node string, stored []federation.Certificate, peers []federation.PeerCertificate) []ending {
	var list []ending
	for _, c := range stored {
		if c.Purpose != federation.PurposeOwn || c.Node == node {
			list = append(list, ending{purpose: c.Purpose, subject: c.Subject, fingerprint: c.Fingerprint, at: c.NotAfter})
		}
	}
	for _, p := range peers {
		list = append(list, ending{purposePeer, p.CommonName, p.Fingerprint, p.Address, p.NotAfter})
	}
	return list
}

// An expiry tells in the log how near the ends of certificates are: each once at 60, 30 and 7 days, and once when it has
// come.
type expiry struct {
	told map[string]certs.Expiry // by fingerprint
}

func (e *expiry) tell(log *slog.Logger, list []ending, now time.Time) {
	told := map[string]certs.Expiry{}
	for _, c := range list {
		stage := certs.ExpiryOf(c.at, now)
		before := max(e.told[c.fingerprint], told[c.fingerprint]) // a pool's may be seen at several addresses
		told[c.fingerprint] = stage
		if stage <= before {
			continue
		}
		about := log.With("purpose", c.purpose, "subject", c.subject)
		if c.address != "" {
			about = about.With("peer", c.address)
		}
		if stage == certs.Ended {
			about.Error("certificate ended", "reason", "on "+c.at.UTC().Format(time.RFC3339))
		} else {
			about.Warn("certificate ends soon", "reason", certs.EndsIn(c.at, now)+", on "+c.at.UTC().Format(time.RFC3339))
		}
	}
	e.told = told // what is used no more is forgotten
}

// ends are the same dates for monitoring: of each purpose the first.
func ends(list []ending) map[string]time.Time {
	found := map[string]time.Time{}
	for _, c := range list {
		if first, known := found[c.purpose]; !known || c.at.Before(first) {
			found[c.purpose] = c.at
		}
	}
	return found
}
