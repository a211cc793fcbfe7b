package pstest

import (
	"slices"
	"strings"
	"time"
)

// Certificate is one of a computer's stores, or in a file.
type Certificate struct {
	Thumbprint, Subject, Issuer string
	Names                       []string // of the subject alternative name; nil for no such extension
	Usages                      []string // numbers of extended key usages; nil for no such extension
	NotBefore, NotAfter         time.Time
	Signature                   string // the number of its algorithm
	HasKey                      bool
}

func (m *Microsoft) certificateCmdlets() map[string]Command {
	return map[string]Command{
		"get-cscertificate":     m.getInUse,
		"set-cscertificate":     m.setInUse,
		"request-cscertificate": m.requestCertificate,
		"import-cscertificate":  m.importCertificate,
	}
}

// object is the certificate as .NET shows it.
func (s Certificate) object() *Object {
	extensions := []any{}
	if s.Usages != nil {
		usages := []any{}
		for _, number := range s.Usages {
			usages = append(usages, NewObject("Oid", "Value", number, "FriendlyName", number))
		}
		extensions = append(extensions, NewObject("X509EnhancedKeyUsageExtension", "Oid", NewObject("Oid", "Value", "2.5.29.37"), "EnhancedKeyUsages", usages))
	}
	if s.Names != nil {
		names := NewObject("X509Extension", "Oid", NewObject("Oid", "Value", "2.5.29.17"))
		names.method("Format", func([]any) any { return "DNS Name=" + strings.Join(s.Names, ", DNS Name=") })
		extensions = append(extensions, names)
	}
	o := NewObject("X509Certificate2", "Thumbprint", s.Thumbprint, "Subject", s.Subject, "Issuer", s.Issuer, "NotBefore", s.NotBefore, "NotAfter", s.NotAfter,
		"HasPrivateKey", s.HasKey, "SignatureAlgorithm", NewObject("Oid", "Value", s.Signature, "FriendlyName", s.Signature), "Extensions", extensions)
	o.Ref = s
	return o
}

func thumbprint(s Certificate) string { return s.Thumbprint }

// certificates is the drive Cert:, of which the model knows LocalMachine's own certificates and roots.
func (m *Microsoft) certificates(path string) ([]any, bool) {
	stores := map[string][]Certificate{`cert:\localmachine\my`: m.State.Certificates, `cert:\localmachine\root`: m.State.Roots}
	path = strings.ToLower(path)
	if store, there := stores[path]; there {
		list := []any{}
		for _, s := range store {
			list = append(list, s.object())
		}
		return list, true
	}
	at := strings.LastIndex(path, `\`)
	return nil, at > 0 && place(stores[path[:at]], path[at+1:], thumbprint) >= 0
}

// readCertificate makes the object of a file, which the test laid down as a Certificate.
func (m *Microsoft) readCertificate(arguments []any) any {
	s, ok := m.Machine.Files[normal(Text(arguments[0]))].(Certificate)
	if !ok {
		throw("Cannot find the requested object.")
	}
	s.HasKey = false
	return s.object()
}

func (m *Microsoft) file(c *Call, parameter string) Certificate {
	s, ok := m.Machine.Files[c.path(parameter)].(Certificate)
	if !ok {
		throw("The file %q holds no certificate.", c.Text(parameter))
	}
	return s
}

func (m *Microsoft) getInUse(c *Call) {
	if at := place(m.State.Certificates, m.State.InUse, thumbprint); at >= 0 {
		c.Out(NewObject("CertificateReference", "Use", "Default", "Thumbprint", m.State.InUse, "Subject", m.State.Certificates[at].Subject))
	}
}

func (m *Microsoft) setInUse(c *Call) {
	at := place(m.State.Certificates, c.Text("Thumbprint"), thumbprint)
	if at < 0 || !m.State.Certificates[at].HasKey {
		throw("Cannot find a certificate %q with its key.", c.Text("Thumbprint"))
	}
	c.Change("use the certificate "+c.Text("Thumbprint"), func() { m.State.InUse = m.State.Certificates[at].Thumbprint })
}

func (m *Microsoft) requestCertificate(c *Call) {
	if !c.True("New") || !c.Has("Output") {
		c.Unknown("without New and Output")
	}
	c.Change("request a certificate", func() { c.store(c.path("Output"), "a request") })
}

// importCertificate: the key is here when the request was made here, or when the file has it.
func (m *Microsoft) importCertificate(c *Call) {
	s := m.file(c, "Path")
	withKey := strings.HasSuffix(c.path("Path"), ".pfx") || strings.HasSuffix(c.path("Path"), ".p12")
	if withKey && !c.Has("Password") {
		throw("The specified network password is not correct.")
	}
	c.Change("import the certificate "+s.Thumbprint, func() {
		s.HasKey = true
		m.State.Certificates = append(slices.DeleteFunc(m.State.Certificates, func(one Certificate) bool { return same(one.Thumbprint, s.Thumbprint) }), s)
	})
}

func (m *Microsoft) importRoot(c *Call) {
	s := m.file(c, "FilePath")
	c.Change("trust the root "+s.Thumbprint, func() { m.State.Roots = append(m.State.Roots, s) })
}

// certutil trusts a root where no cmdlet does: certutil.exe -addstore Root and a file.
func (m *Microsoft) certutil(c *Call) {
	if len(c.words) != 3 || Text(c.words[0]) != "-addstore" || Text(c.words[1]) != "Root" {
		c.Unknown("with other words than -addstore Root and a file")
	}
	s, ok := m.Machine.Files[normal(Text(c.words[2]))].(Certificate)
	if !ok {
		return // a program fails without an error that a script would see
	}
	c.Change("trust the root "+s.Thumbprint, func() { m.State.Roots = append(m.State.Roots, s) })
}

func readSecret(c *Call) {
	if !c.True("AsSecureString") {
		c.Unknown("of what is no secret")
	}
	c.Out(NewObject("SecureString"))
}

func credential([]any) any {
	return NewObject("PSCredential").method("GetNetworkCredential", func([]any) any {
		return NewObject("NetworkCredential", "Password", "secret")
	})
}
