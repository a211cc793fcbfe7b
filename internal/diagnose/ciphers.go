package diagnose

import "isthmus/internal/federation"

// tlsCiphers: a selection of weak ciphers alone shuts newer servers out. The default list, whatever the wizard chooses, and
// a selection of every cipher (guide p.58) offer strong ones as well, so they are none.
func tlsCiphers(f Facts) []Finding {
	r := report{check: "tls_ciphers", page: "/tls-contexts"}
	for _, c := range f.Snapshot.WeakContexts() {
		r.add(Amber, federation.StrongerCiphers, "%s", c.WeakSentence())
	}
	return r.orGreen("Every TLS context in use offers strong ciphers, too.")
}
