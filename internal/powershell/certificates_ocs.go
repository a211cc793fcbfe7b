package powershell

import "strings"

// ocsCertificatesPage is the exchange for OCS, which is all done in windows (guide p.91-97). OCS has no cmdlets, so there
// is no script for it.
func ocsCertificatesPage(w *writer) Page {
	return Page{Name: certificatesName, Title: certificatesTitle,
		Lede: "Both sides show a certificate in every TLS handshake, and both check the other's. So each certificate needs both usages, server and client authentication, and each side needs the root of the CA that signed the other's. Everything on OCS is done on each server for itself: " +
			w.say("%s", strings.Join(w.FrontEnds(), ", ")) + ".",
		Sections: []Section{
			rootHere(w), nodeCertificates(w), ocsFIPS(w), ocsRoot(), ocsLook(), ocsRequest(w), ocsAuthorities(), ocsInstall(), ocsSelect(), ocsRestart(),
		}}
}

// ocsFIPS is what makes OCS offer TLS 1.0 in place of SSL 3.0 (guide p.87, 91).
func ocsFIPS(w *writer) Section {
	return Section{Title: "TLS in place of SSL", Items: []Item{
		item("On each server: Start, Programs, Administrative Tools, Local Security Policy; Local Policies, Security Options; open System cryptography: Use FIPS compliant algorithms for encryption, hashing, and signing, and enable it."),
		item("OCS then offers TLS 1.0; without it, it offers SSL 3.0 and the handshake fails. It may take a restart of the server's services."),
		item("This side takes TLS " + w.LeastTLS() + " and newer from OCS: the least version of the context sip-proxy-peer-auth. TLS 1.0 is weak; nothing else on the network should need it."),
	}}
}

// ocsConsole leads to the computer's certificates, where something is to be done.
func ocsConsole(then string) string {
	return "Start, Run, mmc; File, Add/Remove Snap-in, Add, Certificates, Computer account, Local computer. Then " + then
}

func ocsRoot() Section {
	return Section{Title: "The root of the nodes' CA belongs on every server", Items: []Item{
		item("Leave this out where one CA signs for both sides: then the servers trust it already."),
		item("Save the root certificate, or the chain, on the server's disk."),
		item(ocsConsole("open Trusted Root Certification Authorities, right-click Certificates, All Tasks, Import, and choose the file. It belongs into the store Trusted Root Certification Authorities.")),
	}}
}

func ocsLook() Section {
	return Section{Title: "What each server shows today", Items: []Item{
		item(ocsConsole("open Personal, Certificates, and find the certificate that OCS uses now.")),
		item("Its Intended Purposes have to name both Server Authentication and Client Authentication. Its end has to lie ahead, and its signature must not be SHA-1, which this side refuses."),
		item("When it is so, leave out everything up to the restart."),
	}}
}

func ocsRequest(w *writer) Section {
	rule := "the server's own name, " + w.say("%s", w.PoolFQDN()) + ", as it is a Standard Edition"
	if w.Enterprise() {
		rule = "the pool's name, " + w.say("%s", w.PoolFQDN()) + ", on every front end, as it is an Enterprise Edition"
	}
	return Section{Title: "A new certificate, where the present one is not fit", Items: []Item{
		item("The Subject Common Name is " + rule + ". It is among the TLS peer subjects of this side."),
		item("Ask for both usages, server and client authentication, and for a signature with SHA-256."),
	}}
}

func ocsAuthorities() Section {
	return Section{Title: "Have a CA sign it", Items: []Item{
		{Text: "A standalone Microsoft CA: open its web page in a browser on the server, choose Request a certificate, advanced certificate request, Create and submit a request to this CA. Give the name above and both usages, 1.3.6.1.5.5.7.3.1 and 1.3.6.1.5.5.7.3.2, under Other; where the page offers it, have the certificate stored in the local computer's store. On the CA, issue the pending request; back on the page, download it.", Code: "http://CA-SERVER/certsrv"},
		item("An enterprise Microsoft CA: make a copy of the template Web Server with Client Authentication added to its application policies, have the CA issue it, and choose it on the CA's web page."),
		item("Another CA: follow its own way. Hand in the name above, and tell it that the certificate needs both usages."),
	}}
}

func ocsInstall() Section {
	return Section{Title: "Import it on the server", Items: []Item{
		item("Save the signed certificate on the server's disk."),
		item(ocsConsole("open Personal, right-click Certificates, All Tasks, Import, and choose the file. It belongs into the store Personal.")),
	}}
}

func ocsSelect() Section {
	return Section{Title: "Have OCS use it", Items: []Item{
		item("Start, Programs, Administrative Tools, Office Communications Server 2007 R2. Right-click the server's name: Properties, Front End Properties."),
		item("On the tab Security, choose Select Certificate, choose the new one, and leave both windows with OK."),
		item("On the tab General, the transport of port 5061 has to be MTLS."),
	}}
}

func ocsRestart() Section {
	return Section{Title: "Bring it into use", Items: []Item{
		item("In a maintenance window, on one server after the other: right-click its name, Stop, Front End Services, Front End Service; when it has stopped, Start, Front End Services, Front End Service."),
	}}
}
