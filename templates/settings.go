package templates

import "isthmus/internal/federation"

// An AddressPreview is one user's address by each scheme (guide p.20-21).
type AddressPreview struct {
	UserID    string
	ByID      string
	ByMail    string
	Microsoft string
	InForce   string
}

// Clash reports whether the address in force differs from the one on the Microsoft side.
func (p AddressPreview) Clash() bool {
	return p.Microsoft != "" && p.InForce != "" && p.Microsoft != p.InForce
}

// PlatformName is what people call a platform of the Microsoft side.
func PlatformName(platform string) string {
	switch platform {
	case federation.SkypeForBusiness2019:
		return "Skype for Business 2019"
	case federation.SkypeForBusiness2015:
		return "Skype for Business 2015"
	case federation.Lync2013:
		return "Lync 2013"
	case federation.Lync2010:
		return "Lync 2010"
	case federation.OCS2007R2:
		return "OCS 2007 R2"
	}
	return platform
}

// RoutingFacts are what the guide sets under Routing and Isthmus decides by itself: the listeners that nodes name toward next
// hops.
type RoutingFacts struct {
	TCP, TLS   string // listeners with their ports, "" for none
	MayRestart bool   // the reader may, and there is a SIP proxy to restart
}

// settingsScope says for whom the settings are: every node of this cluster, and no other cluster.
func settingsScope(a Applied) string {
	scope := "One value of each for all nodes of this cluster"
	if a.Known && a.Nodes > 0 {
		scope += ", in force as of now on " + inForce(a)
	}
	return scope + ". Another cluster has a console and settings of its own."
}
