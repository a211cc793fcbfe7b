package powershell

import (
	"slices"
	"strings"
)

const (
	certificatesName  = "certificates"
	certificatesTitle = "Exchange certificates"
)

// certificatesPage is the exchange in the order in which each part needs the one before: who signs, what the nodes show,
// what the front ends show, and the restart that brings it into use (guide p.59, 72, 78-84).
func certificatesPage(w *writer) Page {
	page := Page{Name: certificatesName, Title: certificatesTitle,
		Lede: "Both sides show a certificate in every TLS handshake, and both check the other's. So each certificate needs both usages, server and client authentication, and each side needs the root of the CA that signed the other's. One CA for both sides spares half of this page.",
		Sections: []Section{
			rootHere(w), nodeCertificates(w), look(w),
			trustRoot(w),
			frontEndRequest(w), caSteps(), frontEndInstall(w), tlsVersions(w), frontEndRestart(w),
		}}
	if w.Calling() {
		page.Sections = slices.Insert(page.Sections, 2, expresswayCertificate(w))
	}
	return page
}

// expresswayCertificate is about the third party of chat and calling: the front ends send to it, and it to the nodes.
func expresswayCertificate(w *writer) Section {
	return Section{Title: "The Expressway's certificate", Items: []Item{
		item(w.say("Its Common Name has to be %s, which is among the TLS peer subjects of this side, and it needs both usages as well.", w.Destination())),
		item("The root of its CA has to be trusted here and on every front end; the Expressway has to trust the root of the nodes' CA and that of the front ends'. With one CA for all, all is done."),
	}}
}

func rootHere(w *writer) Section {
	return Section{Title: "The root of the front ends' CA belongs here", Items: []Item{
		item("Get the root certificate of the CA that signed the front ends' certificates, with every intermediate CA between."),
		w.shell("Have it trusted, on the page Certificates of this console or on any node. All nodes know it at once.", "isthmus cert import --purpose cup-trust front-end-ca.pem"),
		item("When another CA signs the nodes' certificates, have its root trusted here in the same way."),
	}}
}

// nodeCertificates asks for RSA of 2048 bits, as the guide does (guide p.58-59): Lync knows no other keys. The key stays
// with the request, so none is ever a file.
func nodeCertificates(w *writer) Section {
	section := Section{Title: "Each node's own certificate"}
	for _, node := range w.Nodes {
		names := w.NodeNames(node)
		line := "isthmus cert csr --node %s" + strings.Repeat(" --name %s", len(names)-1) + " > %s.csr"
		section.Items = append(section.Items, w.shell(
			w.say("Request a certificate with both usages for %s, on the page Certificates of this console or on any node. Its key is made and kept here, encrypted.", strings.Join(names, " and ")),
			line, append(slices.Clone(names), node)...))
	}
	section.Items = append(section.Items, item("Have each request signed, best by the CA of the front ends. The template has to grant both usages; the signature has to be SHA-256 or better."))
	for _, node := range w.Nodes {
		section.Items = append(section.Items, w.shell(w.say("Upload what the CA made of the request of %s, on the same page or on any node. New connections show it at once.", node),
			"isthmus cert import --purpose cup --node %s %s.pem", node, node))
	}
	return section
}

func look(w *writer) Section {
	return Section{Title: "What the front ends show today", Items: []Item{
		item("Do this and what follows on every front end: " + w.say("%s", strings.Join(w.FrontEnds(), ", ")) + "."),
		w.unblock(`.\certificates.ps1`),
		w.run("Look. It changes nothing, and shows in red what is not fit: no client authentication, ended, or signed with SHA-1.", `.\certificates.ps1`),
		item("When the certificate in use is fit, go on with the root of the nodes' CA and leave out the request."),
	}, Step: w.step(Step{File: "certificates.ps1", Title: "Certificates of a front end", Where: w.where("every front end") + " Each run takes one action; without a switch it only reads.",
		Command: `.\certificates.ps1`, Success: "It lists the certificates of this computer, says which one is in use, and ends with exit code 0 when that one is fit."})}
}

func trustRoot(w *writer) Section {
	return Section{Title: "The root of the nodes' CA belongs on every front end", Items: []Item{
		item("Leave this out where one CA signs for both sides: then the front ends trust it already."),
		w.run("Add it. Compare the thumbprint, which it shows before it asks, with what the CA's administrator tells you.", `.\certificates.ps1 -TrustRoot .\node-ca.cer`),
		item("By hand: mmc, File, Add/Remove Snap-in, Certificates, Computer account, Local computer. There Trusted Root Certification Authorities, Certificates, All Tasks, Import."),
	}}
}

// frontEndRequest is needed only where the certificate in use lacks client authentication (guide p.80-81).
func frontEndRequest(w *writer) Section {
	return Section{Title: "A new certificate for a front end, where the present one is not fit", Items: []Item{
		item(w.say("Its Common Name has to be %s; Request-CsCertificate sets it and the other names by itself, from the topology.", w.PoolFQDN())),
		w.run("Write the request.", `.\certificates.ps1 -Request .\request.txt`),
		w.run("With an enterprise CA, name the template: its name, not its display name. It has to grant client and server authentication.", `.\certificates.ps1 -Request .\request.txt -Template 'TemplateName'`),
	}}
}

// caSteps are a Microsoft CA's web pages; another CA has its own (guide p.81-82).
func caSteps() Section {
	return Section{Title: "Have a Microsoft CA sign it", Items: []Item{
		{Text: "Open the CA's web page in a browser, with https where the CA has it.", Code: "http://CA-SERVER/certsrv"},
		item("Choose Request a certificate, then advanced certificate request, then Submit a certificate request by using a base-64-encoded CMC or PKCS #10 file."),
		item("Paste the whole text of the request file into the field, choose the template where there is a choice, and choose Submit."),
		item("A standalone CA keeps it waiting: on the CA, open the Certification Authority console, Pending Requests, right-click the request, All Tasks, Issue."),
		item("Back on the web page, choose View the status of a pending certificate request, and download the certificate, base-64 encoded."),
	}}
}

func frontEndInstall(w *writer) Section {
	return Section{Title: "Import and assign it", Items: []Item{
		w.run("Import it on the front end that made the request; its key is there and nowhere else. A file with a key in it, .pfx or .p12, asks for its password.", `.\certificates.ps1 -Import .\certificate.cer`),
		w.run("Assign it by the thumbprint that the import shows. Blanks and marks that come along from the certificate's window do not matter.", `.\certificates.ps1 -Assign 'THUMBPRINT'`),
		item("By hand: the Deployment Wizard, Install or Update, Request, Install or Assign Certificates, the default certificate, Assign."),
	}}
}

func tlsVersions(w *writer) Section {
	items := []Item{item("This side takes TLS " + w.LeastTLS() + " and newer from " + w.PlatformName() + ": the setting is the least version of the context sip-proxy-peer-auth.")}
	if w.LeastTLS() == "1.2" {
		items = append(items, item("Windows Server 2012 and later speak TLS 1.2 unless somebody switched it off."))
	} else {
		items = append(items, item("TLS 1.0 is weak. When every front end speaks TLS 1.2, raise the least version here to 1.2. Windows Server 2008 R2 speaks it only after it was switched on; Windows Server 2012 and later do by themselves."))
	}
	return Section{Title: "TLS versions", Items: append(items,
		w.run("On a front end, see whether somebody changed it. No line means that the system's own rule holds; Enabled 0 or DisabledByDefault 1 means off.",
			`Get-ItemProperty -Path 'HKLM:\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\*' -ErrorAction SilentlyContinue`),
	)}
}

func frontEndRestart(w *writer) Section {
	return Section{Title: "Bring it into use", Items: []Item{
		w.run("In a maintenance window, restart the Front-End service on one front end after the other.", `.\restart.ps1`),
		w.run("Then look once more.", `.\certificates.ps1`),
	}}
}
