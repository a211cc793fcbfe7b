package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
)

// renewThere is the way out in the last days of a certificate that stands on the Microsoft side. A successor is known here
// once it was seen.
var renewThere = map[certs.Expiry]string{
	certs.Within60: "Have it renewed there in time. The warning ends when the successor is seen in a handshake, or probed.",
	certs.Within30: "Have it renewed there now. The warning ends when the successor is seen in a handshake, or probed.",
	certs.Within7:  "Renew it there before then; afterwards its handshakes are refused. If it was renewed, probe it again.",
	certs.Ended:    "Renew it there; until then its handshakes are refused. If it was renewed, probe it again.",
}

// peersEnds tells of the certificates of the Microsoft side, each once however many servers show it.
func peersEnds(f Facts) []Finding {
	r := report{check: "peer_expiry", page: "/certificates"}
	watched := f.Snapshot.Watched(f.Peers)
	told := map[string]bool{}
	for _, p := range watched {
		if !told[p.Fingerprint] {
			told[p.Fingerprint] = true
			r.ends("The certificate that "+p.CommonName+" showed at "+addresses(watched, p.Fingerprint), p.NotAfter, f.Now, renewThere)
		}
	}
	if len(watched) == 0 {
		return r.orGreen("No peer's certificate was seen yet.")
	}
	return r.orGreen("The certificates of peers, as they were seen last, are in date.")
}

// fewAddresses are told by name.
const fewAddresses = 3

// addresses are where a certificate was seen.
func addresses(peers []federation.PeerCertificate, fingerprint string) string {
	var list []string
	for _, p := range peers {
		if p.Fingerprint == fingerprint && !slices.Contains(list, p.Address) {
			list = append(list, p.Address)
		}
	}
	if more := len(list) - fewAddresses; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:fewAddresses], ", "), more)
	}
	return strings.Join(list, ", ")
}
