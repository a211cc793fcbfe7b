package wizard

import (
	"fmt"
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// A filler writes what was pasted into a copy of the answers and says what it took.
type filler struct {
	Pasted
	a    federation.Answers
	took []string
}

// Fill takes the pool, the registrar, the front ends' names, the site and the Microsoft side's SIP domains over into the
// answers, and returns a sentence for each. Addresses stay as they are known; new front ends have none yet. The error is
// a sentence that asks for a choice; the answers are then unchanged.
func (p Pasted) Fill(a *federation.Answers) (took []string, err error) {
	f := filler{Pasted: p, a: canonical(*a)}
	pool, err := f.choosePool()
	if err != nil {
		return nil, err
	}
	if pool != nil {
		f.fillPool(*pool)
	}
	if err := f.fillRegistrar(pool); err != nil {
		return nil, err
	}
	if err := f.fillSite(pool); err != nil {
		return nil, err
	}
	if len(p.Domains) > 0 {
		f.a.MicrosoftDomains = slices.Clone(p.Domains)
		f.say("SIP domains of the Microsoft side: %s.", listed(p.Domains))
	}
	*a = f.a
	return f.took, nil
}

func (f *filler) say(format string, args ...any) {
	f.took = append(f.took, fmt.Sprintf(format, args...))
}

// choosePool is the pool that the answers name, else the only one that can home users; nil when none was pasted.
func (f *filler) choosePool() (*PastedPool, error) {
	var names []string
	var chosen *PastedPool
	for i, pool := range f.Pools {
		if pool.FQDN == f.a.DeploymentName() {
			chosen, names = &f.Pools[i], []string{pool.FQDN}
			break
		}
		if !pool.role || len(f.Pools) == 1 {
			chosen, names = &f.Pools[i], append(names, pool.FQDN)
		}
	}
	switch {
	case len(f.Pools) > 0 && len(names) != 1:
		if len(names) == 0 {
			return nil, federation.Refuse("None of these pools is a registrar; paste what Get-CsPool prints for the pool whose users are to be reached.")
		}
		return nil, federation.Refuse("These are several pools: %s. Paste what Get-CsPool -Identity prints for one of them, or enter its name first.", listed(names))
	case chosen != nil && chosen.cut:
		return nil, tooShort("The list of the computers of " + chosen.FQDN)
	case chosen != nil && len(chosen.Computers) > maxFrontEnds:
		return nil, federation.Refuse("%s has %d computers, and at most %d front ends can share a destination; enter those that are to be next hops.",
			printable(chosen.FQDN), len(chosen.Computers), maxFrontEnds)
	}
	return chosen, nil
}

// fillPool takes a pool over. A pool that is one server under the pool's own name is Standard Edition.
func (f *filler) fillPool(pool PastedPool) {
	computers := slices.Compact(slices.Sorted(slices.Values(pool.Computers)))
	alone := slices.Equal(computers, []string{pool.FQDN})
	if alone || len(computers) == 0 && f.a.Edition == federation.EditionStandard {
		f.a.Edition, f.a.Pool, f.a.LoadBalancer = federation.EditionStandard, "", ""
		f.say("Standard Edition: %s is one server that bears its pool's name.", printable(pool.FQDN))
		f.fillFrontEnds([]string{pool.FQDN})
		return
	}
	f.a.Edition, f.a.Pool = federation.EditionEnterprise, pool.FQDN
	f.say("Pool: %s.", printable(pool.FQDN))
	if len(computers) > 0 {
		f.fillFrontEnds(pool.Computers)
	}
}

// fillFrontEnds leaves those that are known already where they stand, because their order is that of the next hops.
func (f *filler) fillFrontEnds(computers []string) {
	var hosts []federation.Host
	var left []string
	for _, h := range f.a.FrontEnds {
		switch {
		case slices.Contains(computers, h.FQDN):
			hosts = append(hosts, h)
		case h.FQDN != "":
			left = append(left, h.FQDN)
		}
	}
	var names []string
	for _, name := range computers {
		if !slices.ContainsFunc(hosts, func(h federation.Host) bool { return h.FQDN == name }) {
			hosts = append(hosts, federation.Host{FQDN: name})
		}
		names = added(names, name)
	}
	f.a.FrontEnds = hosts
	f.say("Front ends: %s.", listed(names))
	if len(left) > 0 {
		f.say("No front ends any more: %s; the pool has no such computers.", listed(left))
	}
}

func (f *filler) fillRegistrar(pool *PastedPool) error {
	registrar := ""
	switch {
	case pool != nil && (pool.Registrar || slices.Contains(f.Registrars, pool.FQDN)):
		registrar = pool.FQDN
	case pool != nil || len(f.Registrars) == 0:
		return nil
	case slices.Contains(f.Registrars, f.a.DeploymentName()):
		registrar = f.a.DeploymentName()
	case len(f.Registrars) > 1:
		return federation.Refuse("These are several registrars: %s. Enter the pool's name first, or paste the one of your pool.", listed(f.Registrars))
	default:
		registrar = f.Registrars[0]
	}
	f.a.Registrar = registrar
	f.say("Registrar: %s.", printable(registrar))
	return nil
}

// fillSite takes the SiteId of the pool's site. Get-CsPool prints only the site's Identity, which the cmdlets that need
// the site do not take.
func (f *filler) fillSite(pool *PastedPool) error {
	site := f.siteOf(pool)
	switch {
	case site != nil && site.ID != "":
		f.a.Site = site.ID
		f.say("Site: %s.", printable(site.ID))
	case site != nil:
		return federation.Refuse("The SiteId of %s was not printed; paste what Get-CsSite | Format-List Identity,SiteId,Pools prints.", printable(site.Identity))
	case pool != nil && pool.Site != "":
		f.say("The pool belongs to %s; paste what Get-CsSite prints as well, which tells its SiteId.", printable(pool.Site))
	case len(f.Sites) > 0:
		var names []string
		for _, s := range f.Sites {
			names = append(names, s.Identity)
		}
		return federation.Refuse("Which of these is the pool's site cannot be told: %s. Paste what Get-CsPool prints for the pool as well.", listed(names))
	}
	return nil
}

// siteOf is the site of the pool, by what the pool or the site says; without a pool, the answers' own or the only one.
func (f *filler) siteOf(pool *PastedPool) *PastedSite {
	is := []func(s PastedSite) bool{
		func(s PastedSite) bool {
			return pool != nil && pool.Site != "" && strings.EqualFold(s.Identity, pool.Site)
		},
		func(s PastedSite) bool {
			return f.a.DeploymentName() != "" && slices.Contains(s.Pools, f.a.DeploymentName())
		},
		func(s PastedSite) bool { return pool == nil && len(f.Sites) == 1 },
		func(s PastedSite) bool { return pool == nil && f.a.Site != "" && s.isCalled(f.a.Site) },
	}
	for _, fits := range is {
		if i := slices.IndexFunc(f.Sites, fits); i >= 0 {
			return &f.Sites[i]
		}
	}
	return nil
}

func (s PastedSite) isCalled(name string) bool {
	return slices.ContainsFunc([]string{s.Identity, s.ID, s.Name}, func(own string) bool { return strings.EqualFold(own, name) })
}

// listed prints names for a sentence: the first few, and how many more there are.
func listed(names []string) string {
	const most = 10
	var list []string
	for _, name := range names[:min(len(names), most)] {
		list = append(list, printable(name))
	}
	text := strings.Join(list, ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
