package templates

// PeerSources are where the subject of a peer can be read from, beside typing it. The form holds what was sent last.
type PeerSources struct {
	Form
	Places []Option // host:port of what may be probed
}

// A PeerClaim is a certificate of a name that is not listed yet, as a peer showed it.
type PeerClaim struct {
	Title string // who showed it, and when
	Facts []Pair
}

// A PeerCertificate is what the certificate of a peer says, and what this node makes of it.
type PeerCertificate struct {
	State     State
	Findings  []Finding  // what would refuse it
	Handshake []Pair     // of a probe, nil for a file
	Chain     [][]Pair   // leaf first
	Subject   string     // offered for adding, "" when it is not
	Selection *Selection // where it is selected in the same step
	Listed    *Finding   // that it is added already
	Again     string     // host:port to probe once more, "" for a file
}

// A Selection is where a new peer subject is selected in the same step. The form holds the ticks.
type Selection struct {
	Form
	Options []Option // TLS contexts
	Was     []string // the fingerprint of each as the page was drawn, a blank, its name
	Who     string   // who can select it, for a reader who may not
}
