package powershell

import (
	"slices"

	"isthmus/internal/federation"
)

// Lync2010 reports whether the platform lacks what came with Lync 2013: central logging and the export of user data.
func (v values) Lync2010() bool { return v.Answers.Platform == federation.Lync2010 }

// Enterprise reports whether several front ends share a pool's name.
func (v values) Enterprise() bool { return v.Answers.Pool != "" }

// PoolFQDN is the name of the pool, which on a Standard Edition is the one server's. It is also the Common Name that the
// front ends' certificates should have (guide p.57, 95).
func (v values) PoolFQDN() string { return v.Answers.DeploymentName() }

// Subjects are the Common Names that this side lets in: the pool's, and each front end's.
func (v values) Subjects() []string {
	names := v.FrontEnds()
	if v.Enterprise() {
		names = append([]string{v.Answers.Pool}, names...)
	}
	return names
}

// LeastTLS is the oldest TLS version that this side takes from the platform: Skype for
// Business speaks 1.2, Lync and OCS may know nothing newer than 1.0.
func (v values) LeastTLS() string {
	switch v.Answers.Platform {
	case federation.SkypeForBusiness2015, federation.SkypeForBusiness2019:
		return "1.2"
	}
	return "1.0"
}

// NodeNames are the names that a node's certificate holds: its own, that of the trusted application pool, which Skype
// for Business looks for since 2015, and that of the load balancer which leads to it. OCS knows no such pool.
func (v values) NodeNames(node string) []string {
	names := []string{node}
	if !v.OCS() {
		names = append(names, v.Answers.TrustedPool)
	}
	if slices.Contains(v.Fronted, node) {
		names = append(names, v.Answers.FrontName)
	}
	return names
}

// PlatformName is the Microsoft product as people call it.
func (v values) PlatformName() string {
	switch v.Answers.Platform {
	case federation.SkypeForBusiness2015:
		return "Skype for Business Server 2015"
	case federation.SkypeForBusiness2019:
		return "Skype for Business Server 2019"
	case federation.Lync2013:
		return "Lync Server 2013"
	case federation.Lync2010:
		return "Lync Server 2010"
	}
	return "OCS 2007 R2"
}
