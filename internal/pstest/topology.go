package pstest

import (
	"slices"
	"strings"
)

// Provider is a public or a hosting provider.
type Provider struct {
	Identity, ProxyFQDN string
	Enabled             bool
	Verification        string
}

func (m *Microsoft) topologyCmdlets() map[string]Command {
	return map[string]Command{
		"get-cssipdomain": getEach(func() []string { return m.State.SIPDomains }, text,
			func(name string) *Object { return NewObject("SipDomain", "Identity", name, "Name", name) }),
		"get-cssite": getEach(func() []Site { return m.State.Sites }, func(s Site) string { return "Site:" + s.Name },
			func(s Site) *Object {
				return NewObject("DisplaySite", "Identity", "Site:"+s.Name, "SiteId", s.ID, "DisplayName", s.Name)
			}),
		"get-cspool": getEach(m.poolNames, text, func(name string) *Object {
			return NewObject("DisplayPool", "Identity", name, "Fqdn", name)
		}),
		"get-csservice":                          m.getServices,
		"get-cstopology":                         getTopology,
		"enable-cstopology":                      m.enableTopology,
		"get-csmanagementstorereplicationstatus": m.replicationStatus,
		"get-cspublicprovider":                   getEach(func() []Provider { return m.State.Providers }, providerName, providerObject),
		"get-cshostingprovider":                  getEach(func() []Provider { return m.State.HostingProviders }, providerName, providerObject),
		"new-cspublicprovider":                   m.newProvider,
		"remove-cspublicprovider":                m.removeProvider,
	}
}

// poolNames are the names of all pools, those of trusted applications among them.
func (m *Microsoft) poolNames() []string {
	names := slices.Clone(m.State.Registrars)
	for _, p := range m.State.TrustedPools {
		names = append(names, p.FQDN)
	}
	return names
}

func (m *Microsoft) getServices(c *Call) {
	if !c.True("Registrar") || len(c.given) != 1 {
		c.Unknown("of other services than Registrar")
	}
	for _, pool := range m.State.Registrars {
		c.Out(NewObject("DisplayRegistrar", "Identity", "Registrar:"+pool, "ServiceId", "1-Registrar-1", "PoolFqdn", pool))
	}
}

func getTopology(c *Call) {
	if !c.True("AsXml") {
		c.Unknown("without AsXml")
	}
	c.Out("<Topology/>")
}

func (m *Microsoft) enableTopology(c *Call) {
	c.Change("enable the topology", func() {
		m.State.Unpublished = false
		m.behind = m.Lag
	})
}

func (m *Microsoft) replicationStatus(c *Call) {
	if len(c.given) > 0 {
		c.Unknown("with parameters")
	}
	for _, f := range m.State.FrontEnds {
		c.Out(NewObject("ReplicaState", "UpToDate", m.behind == 0, "ReplicaFqdn", f.FQDN, "LastStatusReport", nil))
	}
}

var verificationLevels = []string{"AlwaysVerifiable", "AlwaysUnverifiable", "UseSourceVerification"}

func providerName(p Provider) string { return p.Identity }

func providerObject(p Provider) *Object {
	return NewObject("DisplayProvider", "Identity", p.Identity, "Name", p.Identity, "ProxyFqdn", p.ProxyFQDN, "Enabled", p.Enabled, "VerificationLevel", p.Verification)
}

// newProvider: name and host are unique over public and hosting providers together.
func (m *Microsoft) newProvider(c *Call) {
	p := Provider{c.Text("Identity"), c.Text("ProxyFqdn"), c.True("Enabled"), "AlwaysVerifiable"}
	if c.Has("VerificationLevel") {
		p.Verification = c.Text("VerificationLevel")
	}
	if !slices.Contains(verificationLevels, p.Verification) {
		throw("Cannot bind parameter 'VerificationLevel'.")
	}
	for _, other := range slices.Concat(m.State.Providers, m.State.HostingProviders) {
		if same(other.Identity, p.Identity) || same(other.ProxyFQDN, p.ProxyFQDN) {
			throw("A provider with the name %q or the host %q exists already.", p.Identity, p.ProxyFQDN)
		}
	}
	c.Change("add the public provider "+p.Identity+" for "+p.ProxyFQDN, func() { m.State.Providers = append(m.State.Providers, p) })
}

func (m *Microsoft) removeProvider(c *Call) {
	at := place(m.State.Providers, c.Text("Identity"), providerName)
	if at < 0 {
		throw("Cannot find the provider %q.", c.Text("Identity"))
	}
	c.Change("remove the public provider "+strings.ToLower(c.Text("Identity")), func() { m.State.Providers = slices.Delete(m.State.Providers, at, at+1) })
}
