package templates

import "net/url"

// A Confirm asks on a page of its own before something is done that ends what is under way.
type Confirm struct {
	Title   string // a question
	Lede    string
	Effects []Effect
	To      string     // where the answer is posted
	Fields  url.Values // what was posted, to be posted again
	Button  string     // the verb, such as "Restart"
	Back    string     // where Cancel leads
}

// An Effect is what follows, on one node or for one service where it has a name.
type Effect struct {
	Name string // may be empty
	Text string
}
