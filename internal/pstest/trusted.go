package pstest

import (
	"fmt"
	"slices"
	"strings"
)

// TrustedPool is a trusted application pool with its computers and applications.
type TrustedPool struct {
	FQDN, Registrar, Site                                                     string // the site by its id
	TreatAsAuthenticated, ThrottleAsServer, OutboundOnly, RequiresReplication bool
	Computers                                                                 []string      `json:",omitempty"`
	Applications                                                              []Application `json:",omitempty"`
}

// Application is a trusted application by its id without urn:application:.
type Application struct {
	ID   string
	Port int
}

func (p TrustedPool) identity() string { return "TrustedApplicationPool:" + p.FQDN }

func (m *Microsoft) trustedCmdlets() map[string]Command {
	pools := getEach(func() []TrustedPool { return m.State.TrustedPools }, TrustedPool.identity, m.trustedPoolObject)
	return map[string]Command{
		"get-cstrustedapplicationpool":        pools,
		"new-cstrustedapplicationpool":        m.newTrustedPool,
		"remove-cstrustedapplicationpool":     m.removeTrustedPool,
		"get-cstrustedapplicationcomputer":    m.getComputers,
		"new-cstrustedapplicationcomputer":    m.newComputer,
		"remove-cstrustedapplicationcomputer": m.removeComputer,
		"get-cstrustedapplication":            m.getApplications,
		"new-cstrustedapplication":            m.newApplication,
		"remove-cstrustedapplication":         m.removeApplication,
	}
}

// trustedPoolObject: SiteId shows the site's identity, not the id that the pool was made with.
func (m *Microsoft) trustedPoolObject(p TrustedPool) *Object {
	site := ""
	if i := place(m.State.Sites, p.Site, func(s Site) string { return s.ID }); i >= 0 {
		site = "Site:" + m.State.Sites[i].Name
	}
	return NewObject("DisplayTrustedApplicationPool", "Identity", p.identity(), "Registrar", "Registrar:"+p.Registrar, "SiteId", site, "PoolFqdn", p.FQDN,
		"TreatAsAuthenticated", p.TreatAsAuthenticated, "ThrottleAsServer", p.ThrottleAsServer, "OutboundOnly", p.OutboundOnly, "RequiresReplication", p.RequiresReplication)
}

// trustedPool finds a pool by its name, with or without what may stand before it.
func (m *Microsoft) trustedPool(name string) *TrustedPool {
	i := slices.IndexFunc(m.State.TrustedPools, func(p TrustedPool) bool { return leaf(p.FQDN) == leaf(name) })
	if i < 0 {
		throw("Cannot find trusted application pool %q.", name)
	}
	return &m.State.TrustedPools[i]
}

func (m *Microsoft) newTrustedPool(c *Call) {
	p := TrustedPool{FQDN: c.Text("Identity"), Registrar: leaf(c.Text("Registrar")), Site: c.Text("Site"), Computers: []string{c.Text("ComputerFqdn")}}
	if !c.Has("ComputerFqdn") {
		p.Computers = []string{p.FQDN}
	}
	if place(m.State.Registrars, p.Registrar, text) < 0 {
		throw("Cannot find the registrar %q.", p.Registrar)
	}
	if place(m.State.Sites, p.Site, func(s Site) string { return s.ID }) < 0 {
		throw("Cannot find the site %q; the parameter takes a SiteId.", p.Site)
	}
	if slices.ContainsFunc(m.poolNames(), func(name string) bool { return same(name, p.FQDN) }) {
		throw("The pool %q exists already.", p.FQDN)
	}
	m.refuseKnownComputer(p.Computers[0])
	for _, flag := range []struct {
		name      string
		value     *bool
		otherwise bool
	}{{"TreatAsAuthenticated", &p.TreatAsAuthenticated, true}, {"ThrottleAsServer", &p.ThrottleAsServer, true},
		{"OutboundOnly", &p.OutboundOnly, false}, {"RequiresReplication", &p.RequiresReplication, true}} {
		*flag.value = flag.otherwise
		if c.Has(flag.name) {
			*flag.value = c.True(flag.name)
		}
	}
	m.changed(c, "create the trusted application pool "+p.FQDN+" with "+p.Computers[0], func() {
		m.State.TrustedPools = append(m.State.TrustedPools, p)
		c.Out(m.trustedPoolObject(p))
	})
}

func text(s string) string { return s }

// refuseKnownComputer: a computer is in one pool only.
func (m *Microsoft) refuseKnownComputer(name string) {
	for _, p := range m.State.TrustedPools {
		if place(p.Computers, name, text) >= 0 {
			throw("The computer %q is in the pool %q already.", name, p.FQDN)
		}
	}
}

func (m *Microsoft) removeTrustedPool(c *Call) {
	name := m.trustedPool(c.Text("Identity")).FQDN
	m.changed(c, "remove the trusted application pool "+name, func() {
		m.State.TrustedPools = slices.DeleteFunc(m.State.TrustedPools, func(p TrustedPool) bool { return p.FQDN == name })
	})
}

func (m *Microsoft) getComputers(c *Call) {
	if len(c.given) > 0 {
		c.Unknown("with parameters")
	}
	for _, p := range m.State.TrustedPools {
		for _, name := range p.Computers {
			c.Out(NewObject("DisplayTrustedApplicationComputer", "Identity", name, "Pool", p.identity(), "Fqdn", name))
		}
	}
}

// newComputer: a pool whose first computer has the pool's own name takes no other.
func (m *Microsoft) newComputer(c *Call) {
	p, name := m.trustedPool(c.Text("Pool")), c.Text("Identity")
	if place(p.Computers, p.FQDN, text) >= 0 {
		throw("The pool %q has a computer with its own name, so no other can be added.", p.FQDN)
	}
	m.refuseKnownComputer(name)
	m.changed(c, "add the computer "+name+" to "+p.FQDN, func() {
		p.Computers = append(p.Computers, name)
		c.Out(NewObject("DisplayTrustedApplicationComputer", "Identity", name, "Pool", p.identity(), "Fqdn", name))
	})
}

func (m *Microsoft) removeComputer(c *Call) {
	name := leaf(c.Text("Identity"))
	for i := range m.State.TrustedPools {
		p := &m.State.TrustedPools[i]
		at := place(p.Computers, name, text)
		if at < 0 {
			continue
		}
		if len(p.Computers) == 1 {
			throw("The last computer of the pool %q cannot be removed.", p.FQDN)
		}
		m.changed(c, "remove the computer "+name+" from "+p.FQDN, func() { p.Computers = slices.Delete(p.Computers, at, at+1) })
		return
	}
	throw("Cannot find the computer %q.", name)
}

const urn = "urn:application:"

func applicationObject(p TrustedPool, a Application) *Object {
	return NewObject("DisplayTrustedApplication", "Identity", p.FQDN+"/"+urn+a.ID, "ApplicationId", urn+a.ID, "TrustedApplicationPoolFqdn", p.FQDN,
		"Port", a.Port, "LegacyApplicationName", a.ID)
}

func (m *Microsoft) getApplications(c *Call) {
	if len(c.given) > 0 {
		c.Unknown("with parameters")
	}
	for _, p := range m.State.TrustedPools {
		for _, a := range p.Applications {
			c.Out(applicationObject(p, a))
		}
	}
}

func (m *Microsoft) newApplication(c *Call) {
	if !c.Has("ApplicationId") || c.True("EnableTcp") {
		c.Unknown("by Identity or with EnableTcp")
	}
	p := m.trustedPool(c.Text("TrustedApplicationPoolFqdn"))
	a := Application{strings.TrimPrefix(c.Text("ApplicationId"), urn), c.Number("Port")}
	for _, other := range p.Applications {
		if same(other.ID, a.ID) || other.Port == a.Port {
			throw("The application %q or the port %d is in the pool %q already.", a.ID, a.Port, p.FQDN)
		}
	}
	if strings.Contains(a.ID, " ") {
		throw("An ApplicationId holds no blanks.")
	}
	m.changed(c, fmt.Sprintf("add the trusted application %s on port %d to %s", a.ID, a.Port, p.FQDN), func() {
		p.Applications = append(p.Applications, a)
		c.Out(applicationObject(*p, a))
	})
}

func (m *Microsoft) removeApplication(c *Call) {
	pool, id, ok := strings.Cut(c.Text("Identity"), "/")
	if !ok {
		throw("The identity %q is no application's.", c.Text("Identity"))
	}
	p := m.trustedPool(pool)
	at := place(p.Applications, strings.TrimPrefix(id, urn), func(a Application) string { return a.ID })
	if at < 0 {
		throw("Cannot find the application %q.", c.Text("Identity"))
	}
	m.changed(c, "remove the trusted application "+p.Applications[at].ID+" from "+p.FQDN, func() { p.Applications = slices.Delete(p.Applications, at, at+1) })
}
