// Package document reads and writes the whole configuration as one YAML file. It knows the file's shape; what the values
// may be, the ground knows. It never sees a private key.
package document

import (
	"fmt"

	"github.com/goccy/go-yaml"

	"isthmus/internal/federation"
)

// Version is the document's version.
const Version = 1

// A Document is the file. A section that is nil is absent: applying leaves it alone. A section that is present is made
// exactly so.
type Document struct {
	Version          int                           `yaml:"version"`
	Settings         *federation.Settings          `yaml:"settings,omitempty"`
	Domains          *[]federation.Domain          `yaml:"domains,omitempty"`
	Nodes            *[]federation.Node            `yaml:"nodes,omitempty"`
	StaticRoutes     *[]federation.StaticRoute     `yaml:"static_routes,omitempty"`
	ACL              *[]federation.ACLEntry        `yaml:"acl,omitempty"`
	TLSPeerSubjects  *[]federation.TLSPeerSubject  `yaml:"tls_peer_subjects,omitempty"`
	TLSContexts      *[]federation.TLSContext      `yaml:"tls_contexts,omitempty"`
	Listeners        *[]federation.Listener        `yaml:"listeners,omitempty"`
	FederatedDomains *[]federation.FederatedDomain `yaml:"federated_domains,omitempty"`
	Users            *[]federation.User            `yaml:"users,omitempty"`
}

// Parse reads a document. The error is federation.Invalid with every fault of the file's shape at its path. The rules of
// fields and between things are checked over the resulting whole, by Check.
func Parse(data []byte) (Document, federation.Invalid) {
	var doc Document
	problems := federation.Decode(data, &doc)
	if len(problems) == 0 && doc.Version != Version {
		problems = append(problems, federation.Problem{Path: "version",
			Text: fmt.Sprintf("This Isthmus reads version %d; write version: %d.", Version, Version)})
	}
	return doc, problems
}

// Over puts the document's sections over a configuration and brings the result into canonical form.
func (d Document) Over(current federation.Configuration) federation.Configuration {
	c := current
	replace(&c.Settings, d.Settings)
	replace(&c.Domains, d.Domains)
	replace(&c.Nodes, d.Nodes)
	replace(&c.StaticRoutes, d.StaticRoutes)
	replace(&c.ACL, d.ACL)
	replace(&c.TLSPeerSubjects, d.TLSPeerSubjects)
	replace(&c.TLSContexts, d.TLSContexts)
	replace(&c.Listeners, d.Listeners)
	replace(&c.FederatedDomains, d.FederatedDomains)
	replace(&c.Users, d.Users)
	c.Normalize()
	return c
}

func replace[T any](current *T, section *T) {
	if section != nil {
		*current = *section
	}
}

// Check reads a document, puts it over the current configuration and names every problem of file and result together.
func Check(data []byte, current federation.Configuration) (federation.Configuration, error) {
	doc, problems := Parse(data)
	next := doc.Over(current)
	problems = append(problems, next.Validate(federation.Usage{})...)
	return next, problems.Err()
}

// Export writes the whole configuration, every default included, in a stable order: each section by its natural key.
func Export(c federation.Configuration) ([]byte, error) {
	c = c.Sorted()
	doc := Document{Version: Version, Settings: &c.Settings, Domains: &c.Domains, Nodes: &c.Nodes, StaticRoutes: &c.StaticRoutes,
		ACL: &c.ACL, TLSPeerSubjects: &c.TLSPeerSubjects, TLSContexts: &c.TLSContexts, Listeners: &c.Listeners,
		FederatedDomains: &c.FederatedDomains, Users: &c.Users}
	return yaml.MarshalWithOptions(doc, yaml.IndentSequence(true))
}
