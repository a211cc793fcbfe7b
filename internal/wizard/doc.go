// Package wizard turns the answers of the federation wizard into a plan: which objects this side needs so that it and
// one deployment of the Microsoft side can share their domains (guide p.24, 66). Everything in it is a pure function of
// answers and snapshot. It knows no database, no pages, and nothing of what runs on the Microsoft side.
package wizard

import "isthmus/internal/federation"

// Ports on which the two sides meet (guide p.55, 75, 86).
const (
	portTLS = 5061
	portTCP = 5060

	// ExpresswayPort is the port on which an Expressway usually takes SIP.
	ExpresswayPort = 65072
)

// DefaultApplicationID names the trusted application when nobody names it.
const DefaultApplicationID = "isthmus"

// overTCP reports whether the two sides talk without TLS, which only OCS can (guide p.23, 73).
func overTCP(a federation.Answers) bool { return a.Transport == federation.TCP }

func isOCS(a federation.Answers) bool { return a.Platform == federation.OCS2007R2 }

func callsToo(a federation.Answers) bool { return a.Deployment == federation.ChatAndCalling }

// sipPort is the port on which the front ends take SIP.
func sipPort(a federation.Answers) int {
	if overTCP(a) {
		return portTCP
	}
	return portTLS
}

// TLS versions with which the context of the peers begins.
const (
	versionOld = "1.0"
	versionNew = "1.2"
)

// minVersion is the oldest TLS version that the platform needs: Lync and OCS offer nothing newer than 1.0.
func minVersion(platform string) string {
	switch platform {
	case federation.SkypeForBusiness2015, federation.SkypeForBusiness2019:
		return versionNew
	}
	return versionOld
}
