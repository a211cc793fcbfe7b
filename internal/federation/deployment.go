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
}
