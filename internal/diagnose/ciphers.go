package diagnose

import (
	"strings"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
)

// tlsCiphers: a selection of weak ciphers alone shuts newer servers out. The default list, whatever the wizard chooses, and
// a selection of every cipher (guide p.58) offer strong ones as well, so they are none.
func tlsCiphers(f Facts) []Finding {
	r := report{check: "tls_ciphers", page: "/tls-contexts"}
	for _, c := range f.Snapshot.WeakContexts() {
		r.add(Amber, federation.StrongerCiphers, "%s", c.WeakSentence())
	}
	r.list = append(r.list, ecdsaKeys(f)...)
	return r.orGreen("Every TLS context in use offers strong ciphers, too.")
}

// ecdsaKeys: with a certificate that no selected cipher fits, no server without TLS 1.3 comes through.
func ecdsaKeys(f Facts) []Finding {
	r := report{check: "tls_ciphers", page: "/tls-contexts"}
	contexts := f.Snapshot.RSAContexts()
	for _, n := range f.Snapshot.Nodes {
		if own := f.Snapshot.Own(n.Name); len(contexts) > 0 && own != nil && certs.HasECDSAKey(*own) {
			r.add(Red, federation.ECDSACiphers, "The certificate of %s has an ECDSA key, for which %s offers no cipher, so every handshake below TLS 1.3 fails there.",
				n.Name, strings.Join(contexts, " or "))
		}
	}
	return r.list
}
