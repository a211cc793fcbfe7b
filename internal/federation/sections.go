package federation

import (
	"slices"
	"strconv"
	"strings"
)

// Names of the document's sections, in the order of the document.
const (
	SectionSettings         = "settings"
	SectionDomains          = "domains"
	SectionNodes            = "nodes"
	SectionStaticRoutes     = "static_routes"
	SectionACL              = "acl"
	SectionTLSPeerSubjects  = "tls_peer_subjects"
	SectionTLSContexts      = "tls_contexts"
	SectionListeners        = "listeners"
	SectionFederatedDomains = "federated_domains"
	SectionUsers            = "users"
)

// A Section is one list of the configuration, seen as objects that can be changed in place.
type Section struct {
	Name     string
	Singular string // the word for one of them in plans, such as static_route
	Objects  []Object
}

// Sections are the lists of the configuration in the document's order. Their objects point into the configuration.
func (c *Configuration) Sections() []Section {
	return []Section{
		{SectionDomains, "domain", objects(c.Domains)},
		{SectionNodes, "node", objects(c.Nodes)},
		{SectionStaticRoutes, "static_route", objects(c.StaticRoutes)},
		{SectionACL, "acl", objects(c.ACL)},
		{SectionTLSPeerSubjects, "tls_peer_subject", objects(c.TLSPeerSubjects)},
		{SectionTLSContexts, "tls_context", objects(c.TLSContexts)},
		{SectionListeners, "listener", objects(c.Listeners)},
		{SectionFederatedDomains, "federated_domain", objects(c.FederatedDomains)},
		{SectionUsers, "user", objects(c.Users)},
	}
}

// objects is a list of values as a list of pointers to them.
func objects[T any, P interface {
	*T
	Object
}](list []T) []Object {
	out := make([]Object, len(list))
	for i := range list {
		out[i] = P(&list[i])
	}
	return out
}

// Normalize brings every object and the settings into canonical form.
func (c *Configuration) Normalize() {
	c.Settings.Normalize()
	for _, section := range c.Sections() {
		for _, o := range section.Objects {
			o.Normalize()
		}
	}
}

// fieldProblems are the problems of every object by itself, and of two objects with one key.
func (c *Configuration) fieldProblems() []Problem {
	list := under(SectionSettings, c.Settings.Problems())
	for _, section := range c.Sections() {
		seen := map[string]bool{}
		for i, o := range section.Objects {
			place := section.Name + "[" + strconv.Itoa(i) + "]"
			faults := under(place, o.Problems())
			list = append(list, faults...)
			// What is wrong in itself is said once: two entries without a name are not two of one name.
			if key := o.Key(); seen[key] && len(faults) == 0 {
				list = append(list, problem(place, "%s is listed twice in %s; leave one of them.", key, section.Name))
			} else {
				seen[key] = true
			}
		}
	}
	return list
}

// Sorted is a copy with every section ordered by natural key, and no section nil.
func (c Configuration) Sorted() Configuration {
	sortByKey(&c.Domains)
	sortByKey(&c.Nodes)
	sortByKey(&c.StaticRoutes)
	sortByKey(&c.ACL)
	sortByKey(&c.TLSPeerSubjects)
	sortByKey(&c.TLSContexts)
	sortByKey(&c.Listeners)
	sortByKey(&c.FederatedDomains)
	sortByKey(&c.Users)
	return c
}

func sortByKey[T any, P interface {
	*T
	Object
}](list *[]T) {
	sorted := append([]T{}, *list...)
	slices.SortStableFunc(sorted, func(a, b T) int { return strings.Compare(P(&a).Key(), P(&b).Key()) })
	*list = sorted
}
