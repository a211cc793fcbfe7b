package templates

import "net/url"

// Certificates is the page of all certificates.
type Certificates struct {
	Own       List // one row for each node
	Requests  List
	Trusted   List
	Peers     List // what peers showed when they were seen last
	Findings  []Finding
	SameCA    *Finding // whether both sides have one CA; nil when there is nothing to compare
	MayChange bool
}

// A Pair is one fact and its name.
type Pair struct {
	Name  string
	Value string
	Mono  bool // what a machine reads
}

// A Certificate is everything about one of them.
type Certificate struct {
	ID        int64
	Title     string
	Node      string // whose own it is, "" for a trusted CA
	State     State
	Facts     []Pair
	Chain     [][]Pair // what is sent along with it, from the issuer up
	Findings  []Finding
	Effects   []string // of deleting a trusted CA
	Download  string
	MayChange bool
}

// A CertificateRequest waits for its signed certificate. Its links are where each thing is done.
type CertificateRequest struct {
	Node     string
	Names    []string
	Key      string // such as RSA 2048
	Asked    string // when and by whom
	Download string
	Upload   string
	Replace  string
	Delete   string
}

// A RequestForm asks what a request shall hold.
type RequestForm struct {
	Form
	Node    string
	Nodes   []Option
	Names   []Option // to choose from; the node's own is always there
	Pending string   // when and by whom the one that waits was made, "" when none does
}

// A RequestQuestion is asked before a request that waits is lost.
type RequestQuestion struct {
	Title   string
	Verb    string
	To      string
	Posted  url.Values // sent again when the answer is yes
	Request CertificateRequest
}

// A TrustQuestion is asked before CAs are trusted.
type TrustQuestion struct {
	CAs         []Certificate
	Findings    []Finding
	Text        string // of all of them, PEM
	Description string
}

// Title asks for the answer that Verb gives.
func (q TrustQuestion) Title() string { return q.Verb() + "?" }

// Verb is the answer of whoever compared them.
func (q TrustQuestion) Verb() string {
	if len(q.CAs) == 1 {
		return "Trust this CA"
	}
	return "Trust these " + count(len(q.CAs), "CA", "CAs")
}

// A Comparison is the certificate of a node beside the one that would take its place.
type Comparison struct {
	Node     string
	Replace  string // the fingerprint of the one in use
	Rows     []Compared
	Findings []Finding
}

// Compared is one fact about both.
type Compared struct {
	Name, Was, Is string
	Mono          bool // what a machine reads
}
