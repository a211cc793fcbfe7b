package wizard

import (
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// maxPaste is the size of the longest paste, in bytes: a hundred pools with all that Get-CsPool prints take half of it.
const maxPaste = 256 << 10

// Pasted is what the Microsoft side printed about itself: the objects of Get-CsPool, Get-CsSite, Get-CsSipDomain,
// Get-CsService and Get-CsComputer, as far as the wizard asks for them. Names are in canonical form.
type Pasted struct {
	Pools      []PastedPool
	Sites      []PastedSite
	Registrars []string // pools that Get-CsService shows as registrars
	Domains    []string // SIP domains
}

// A PastedPool is one pool as Get-CsPool prints it, with the computers that Get-CsComputer adds.
type PastedPool struct {
	FQDN      string
	Computers []string
	Site      string // the site's Identity, such as Site:Redmond; "" when it was not printed
	Registrar bool   // a registrar is seen among its services

	cut  bool // the list of computers ends with three dots
	role bool // all of its services are seen, and none is a registrar
}

// A PastedSite is one site as Get-CsSite prints it.
type PastedSite struct {
	Identity string // such as Site:Redmond
	ID       string // SiteId: a number or a text; "" when it was not printed
	Name     string
	Pools    []string
}

// ReadPaste reads what the cmdlets of the Management Shell printed, as a list or as a table, with whatever stands around
// it: prompts, other cmdlets' objects, line breaks of a narrow console. The error is a sentence: nothing was understood,
// or a name that matters was cut short.
func ReadPaste(text string) (Pasted, error) {
	switch {
	case len(text) > maxPaste:
		return Pasted{}, federation.Refuse("This paste is larger than 256 KiB; paste what one cmdlet printed, such as Get-CsPool.")
	case strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")) == "":
		return Pasted{}, federation.Refuse("Paste what Get-CsPool, Get-CsSite or Get-CsSipDomain printed.")
	}
	var p Pasted
	for _, r := range readRecords(pastedLines(text)) {
		p.take(r)
	}
	if field := p.cutShort(); field != "" {
		return Pasted{}, tooShort(field)
	}
	if len(p.Pools)+len(p.Sites)+len(p.Registrars)+len(p.Domains) > 0 {
		return p, nil
	}
	if strings.Contains(text, "is not recognized") {
		return Pasted{}, federation.Refuse("That PowerShell does not know the cmdlet; run it in the Management Shell of Skype for Business or Lync, on a front end.")
	}
	return Pasted{}, federation.Refuse("None of this was printed by Get-CsPool, Get-CsSite, Get-CsSipDomain or Get-CsService; run one of them and paste all that it prints.")
}

// tooShort says how to print the whole of a value: a table cuts what does not fit, and every form cuts a list behind its
// fourth item.
func tooShort(value string) error {
	return federation.Refuse("%s is cut short with three dots; run $FormatEnumerationLimit = -1, then the cmdlet with | Format-List behind it, and paste that.", printable(value))
}

// take recognises an object by the fields that only its cmdlet prints.
func (p *Pasted) take(r record) {
	identity := r.text("identity")
	switch {
	case r.has("poolfqdn"): // Get-CsService, whose SiteId is a site's Identity
		if hasPrefix(identity, registrarRole) || strings.EqualFold(r.name("role"), "registrar") {
			p.Registrars = added(p.Registrars, r.name("poolfqdn"))
		}
	case hasPrefix(identity, registrarRole):
		p.Registrars = added(p.Registrars, canonicalName(identity[len(registrarRole):]))
	case r.has("siteid"), r.has("displayname") && hasPrefix(identity, siteScope):
		pools, _ := r.list("pools")
		p.Sites = append(p.Sites, PastedSite{Identity: identity, ID: r.text("siteid"), Name: r.text("displayname"), Pools: pools})
	case r.has("isdefault"):
		p.Domains = added(p.Domains, canonicalDomains([]string{r.either("name", "identity")})[0])
	case r.has("pool") && r.name("pool") != "":
		pool := p.pool(r.name("pool"))
		pool.Computers, pool.cut = added(pool.Computers, r.either("fqdn", "identity")), false
	case (r.has("computers") || r.has("services")) && r.either("fqdn", "identity") != "":
		p.takePool(r)
	}
}

func (p *Pasted) takePool(r record) {
	pool := p.pool(r.either("fqdn", "identity"))
	services, cut := r.list("services")
	pool.Computers, pool.cut = r.list("computers")
	pool.Site = r.text("site")
	pool.Registrar = slices.ContainsFunc(services, func(s string) bool { return hasPrefix(s, registrarRole) })
	pool.role = r.has("services") && !cut && !pool.Registrar
}

// pool is the pool of that name, a new one when there is none yet.
func (p *Pasted) pool(fqdn string) *PastedPool {
	for i := range p.Pools {
		if p.Pools[i].FQDN == fqdn {
			return &p.Pools[i]
		}
	}
	p.Pools = append(p.Pools, PastedPool{FQDN: fqdn})
	return &p.Pools[len(p.Pools)-1]
}

// cutShort is a name that was cut, "" when none was. A pool's list of computers matters only once that pool is chosen.
func (p *Pasted) cutShort() string {
	names := slices.Concat(p.Registrars, p.Domains)
	for _, pool := range p.Pools {
		names = append(append(names, pool.FQDN, pool.Site), pool.Computers...)
	}
	for _, s := range p.Sites {
		names = append(names, s.Identity, s.ID)
	}
	if i := slices.IndexFunc(names, isCut); i >= 0 {
		return names[i]
	}
	return ""
}

func added(list []string, name string) []string {
	if name == "" || slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}
