package federation

import "time"

// A Configuration is everything that administrators decide, without certificates: what the configuration document holds.
type Configuration struct {
	Settings         Settings
	Domains          []Domain
	Nodes            []Node
	StaticRoutes     []StaticRoute
	ACL              []ACLEntry
	TLSPeerSubjects  []TLSPeerSubject
	TLSContexts      []TLSContext
	Listeners        []Listener
	FederatedDomains []FederatedDomain
	Users            []User // nil in a snapshot: there may be hundreds of thousands
}

// A Snapshot is one committed state of the configuration as nodes follow it. It is immutable once read.
type Snapshot struct {
	Era      int64 // goes before Revision in the order of states, see Point
	Revision int64
	Configuration
	SavedSettings []string       // names of the settings that somebody saved; the others are defaults
	ServiceStates []ServiceState // of services that were ever stopped or restarted, by node and service
	Deployments   []Deployment
	Certificates  []Certificate
	Usage         Usage
}

// Usage counts users, who are not in the snapshot themselves.
type Usage struct {
	ByNode   map[string]int // licensed users per home node
	ByDomain map[string]int // users per domain of their IM address
}

// Own returns the certificate of a node, nil when it has none. One that was imported goes before a self-signed one.
func (s *Snapshot) Own(node string) *Certificate {
	var own *Certificate
	for i := range s.Certificates {
		c := &s.Certificates[i]
		if c.Purpose == PurposeOwn && c.Node == node && (own == nil || own.SelfSigned) {
			own = c
		}
	}
	return own
}

// Node returns the node of that name, nil when there is none.
func (c *Configuration) Node(name string) *Node {
	for i := range c.Nodes {
		if c.Nodes[i].Name == name {
			return &c.Nodes[i]
		}
	}
	return nil
}

// TLSContext returns the context of that name, nil when there is none.
func (c *Configuration) TLSContext(name string) *TLSContext {
	for i := range c.TLSContexts {
		if c.TLSContexts[i].Name == name {
			return &c.TLSContexts[i]
		}
	}
	return nil
}

// HasDomain reports whether a domain is held here. It compares whole names.
func (c *Configuration) HasDomain(name string) bool {
	for _, d := range c.Domains {
		if d.Name == name {
			return true
		}
	}
	return false
}

// HasPeerSubject reports whether a name is listed as a TLS peer subject.
func (c *Configuration) HasPeerSubject(name string) bool {
	for _, s := range c.TLSPeerSubjects {
		if s.Name == name {
			return true
		}
	}
	return false
}

// DatabaseOK is what a node says of a database that answers and takes its reports.
const DatabaseOK = "ok"

// NodeStatus is what a node reports about itself.
type NodeStatus struct {
	Node            string
	AppliedEra      int64 // of AppliedRevision; 0: not told
	AppliedRevision int64
	State           string    // as /readyz tells it, such as ready; "": not told
	Database        string    // DatabaseOK, or why the node cannot follow it
	Error           string    // why the newest revision could not be applied, "" when it was
	LastError       string    // the last Error there was, kept when it is mended
	ErrorAt         time.Time // when that was first told, by the database's clock; zero: never
	Unkept          string    // what a start without the database would use in place of what is in force, and why: whole sentences, "" when it is kept
	Version         string
	StartedAt       time.Time
	ReportedAt      time.Time        // from the node: by its clock; from the database: by the database's
	SkewMS          int64            // by how many milliseconds the node's clock is ahead of the database's; below 0: behind
	Connections     int              // SIP connections that are open
	Transactions    int              // requests that are under way
	Restarted       map[string]int64 // by service: up to which of its Restarts are done
	Listeners       []ListenerStatus
	Hops            []HopStatus
	Handshakes      []RefusedHandshake // the last refused, newest first; nil: not told, as they were before
	Peers           []PeerCertificate  // told only, and only what the database does not have yet; kept apart from the status
}

// NodeSilence is how long a node may say nothing before it counts as gone: it reports every few seconds.
const NodeSilence = 60 * time.Second

// Live reports whether the node can be believed to run.
func (s NodeStatus) Live(now time.Time) bool { return now.Sub(s.ReportedAt) <= NodeSilence }

// ListenerStatus is the state of one listener on one node.
type ListenerStatus struct {
	Name  string `json:"name"`
	Open  bool   `json:"open"`
	Error string `json:"error,omitempty"` // why it is not open
}

// States of a next hop.
const (
	HopUnknown = "unknown" // nothing was tried yet
	HopUp      = "up"
	HopDown    = "down" // nobody waits for it; probes bring it back
)

// HopStatus is the state of one next hop as one node sees it.
type HopStatus struct {
	Host      string    `json:"host"` // as in the route
	Port      int       `json:"port"`
	Transport string    `json:"transport"`
	State     string    `json:"state"`
	Reason    string    `json:"reason,omitempty"`
	Since     time.Time `json:"since"`
}
