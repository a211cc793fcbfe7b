package federation

import (
	"slices"
	"time"
)

// Platforms of the Microsoft side.
const (
	SkypeForBusiness2015 = "skype_for_business_2015"
	SkypeForBusiness2019 = "skype_for_business_2019"
	Lync2013             = "lync_2013"
	Lync2010             = "lync_2010"
	OCS2007R2            = "ocs_2007_r2"
)

// Kinds and editions of a deployment.
const (
	ChatOnly          = "chat_only"
	ChatAndCalling    = "chat_and_calling"
	EditionStandard   = "standard"
	EditionEnterprise = "enterprise"
)

// A Host is a server of the Microsoft side by name and address.
type Host struct {
	FQDN    string `yaml:"fqdn" json:"fqdn"`
	Address string `yaml:"address" json:"address"`
	Port    int    `yaml:"port,omitempty" json:"port,omitempty"` // Expressway only
}

// Answers are what the federation wizard asks (guide p.24, 66). They describe one deployment of the Microsoft side.
type Answers struct {
	Platform      string   `yaml:"platform" json:"platform"`
	Deployment    string   `yaml:"deployment" json:"deployment"`
	Edition       string   `yaml:"edition" json:"edition"`
	Pool          string   `yaml:"pool" json:"pool"`                   // enterprise only
	LoadBalancer  string   `yaml:"load_balancer" json:"load_balancer"` // IP address, or empty
	Registrar     string   `yaml:"registrar" json:"registrar"`
	Site          string   `yaml:"site" json:"site"` // SiteId, number or text
	FrontEnds     []Host   `yaml:"front_ends" json:"front_ends"`
	Domains       []string `yaml:"domains" json:"domains"`
	RoutingNode   string   `yaml:"routing_node" json:"routing_node"`
	TrustedPool   string   `yaml:"trusted_pool" json:"trusted_pool"`
	ApplicationID string   `yaml:"application_id" json:"application_id"`
	ChildDomains  bool     `yaml:"child_domains" json:"child_domains"` // a second Microsoft-side route for *.domain
	Transport     string   `yaml:"transport" json:"transport"`         // tls; tcp for OCS only
	Expressway    *Host    `yaml:"expressway,omitempty" json:"expressway,omitempty"`

	// FrontName is the FQDN of a load balancer before the routing nodes, to which the Microsoft side then sends everything
	// (guide p.18); "": it sends to the routing node.
	FrontName string `yaml:"front_name,omitempty" json:"front_name,omitempty"`
	// FirstPriority is the priority of the routes to the first next hop, 1 when it is 0: a second deployment for the same
	// domains stands behind the first one's.
	FirstPriority int `yaml:"first_priority,omitempty" json:"first_priority,omitempty"`
	// MicrosoftDomains are the SIP domains of the Microsoft side, as Get-CsSipDomain prints them; none: they are not known.
	MicrosoftDomains []string `yaml:"microsoft_domains,omitempty" json:"microsoft_domains,omitempty"`
}

// DeploymentName is what a finished run of these answers is called: the pool's name, or that of the one front end.
func (a Answers) DeploymentName() string {
	if a.Pool != "" || len(a.FrontEnds) == 0 {
		return a.Pool
	}
	return a.FrontEnds[0].FQDN
}

// Destination is the host to which the Microsoft side sends everything.
func (a Answers) Destination() string {
	switch {
	case a.Deployment == ChatAndCalling && a.Expressway != nil:
		return a.Expressway.FQDN
	case a.FrontName != "":
		return a.FrontName
	}
	return a.RoutingNode
}

// Fronts reports whether the load balancer before the routing nodes leads to a node, whose certificate then has to name it.
func (a Answers) Fronts(n Node) bool {
	return a.FrontName != "" && (n.Routing || n.Name == a.RoutingNode)
}

// Servers are the machines of the Microsoft side that have a name and an address: the front ends, then the Expressway
// where there is one.
func (a Answers) Servers() []Host {
	list := slices.Clone(a.FrontEnds)
	if a.Expressway != nil {
		list = append(list, *a.Expressway)
	}
	return list
}

// Subjects are the Common Names that the certificates of its servers show: each server's, and the pool's (guide p.57). None
// where it is reached over TCP.
func (a Answers) Subjects() []string {
	if a.Transport == TCP {
		return nil
	}
	var names []string
	for _, h := range a.Servers() {
		names = append(names, h.FQDN)
	}
	if a.Pool != "" {
		names = append(names, a.Pool)
	}
	return names
}

// Holds reports whether a canonical name or address is the pool's, the load balancer's or one of the servers'.
func (a Answers) Holds(host string) bool {
	return host != "" && (host == a.Pool || host == a.LoadBalancer ||
		slices.ContainsFunc(a.Servers(), func(h Host) bool { return h.FQDN == host || h.Address == host }))
}

// A Deployment is a finished run of the wizard: one installation of the Microsoft side, and what its scripts are made of.
type Deployment struct {
	ID        int64
	Name      string // the pool's FQDN, or the one front end's
	Answers   Answers
	Nodes     []string // names of all nodes when it was finished, the routing node first: trusted computers of the scripts
	CreatedAt time.Time
	CreatedBy string
	Revision  int64 // revision that the finish made
	// Made are the static routes, ACL entries and peer subjects that runs of the wizard added. What stood there before is
	// not among them, so it outlives the deployment.
	Made []Made
}

// NewDeployment is what a run of the wizard with these answers leaves, over these nodes.
func NewDeployment(a Answers, nodes []Node) Deployment {
	names := []string{}
	for _, n := range nodes {
		if n.Name == a.RoutingNode {
			names = slices.Insert(names, 0, n.Name)
		} else {
			names = append(names, n.Name)
		}
	}
	return Deployment{Name: a.DeploymentName(), Answers: a, Nodes: names}
}

// Made names one object that a run of the wizard added.
type Made struct {
	Kind string `json:"kind"` // static_route, acl or tls_peer_subject
	Key  string `json:"key"`  // the object's Key
}

// States of one line of verify.ps1.
const (
	VerifyExists   = "exists"
	VerifyMissing  = "missing"
	VerifyConflict = "conflict" // something else stands in its place
)

// A Verification is what verify.ps1 found on the Microsoft side of one deployment.
type Verification struct {
	Fingerprint string    // of the script that looked
	Computer    string    // on which it ran
	CheckedAt   time.Time // by that computer's clock
	Results     []VerifyResult
	ReceivedAt  time.Time // when it was handed in here
	ReceivedBy  string
}

// A VerifyResult is one object of the Microsoft side: what should be there, and what is.
type VerifyResult struct {
	State    string `json:"state"` // exists, missing or conflict
	Kind     string `json:"kind"`  // such as Route or TrustedPool
	Name     string `json:"name"`
	Scope    string `json:"scope"` // such as the collection of a route; may be empty
	Expected string `json:"expected"`
	Actual   string `json:"actual"`
}

// A Tick says that somebody did a step of the workflow that the system cannot see.
type Tick struct {
	Task string // the step's stable name
	By   string
	At   time.Time
}
