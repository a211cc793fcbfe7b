package wizard

import (
	"fmt"
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// domainWarnings compare the domains of the two sides, as far as those of the Microsoft side are known. A domain is
// shared only when both sides hold it and these answers choose it; a domain under another is one of its own (guide p.3-4).
func (p *planner) domainWarnings() []string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, d := range p.a.Domains {
		if len(p.a.MicrosoftDomains) > 0 && !slices.Contains(p.a.MicrosoftDomains, d) {
			add("%s is no SIP domain of the Microsoft side, which therefore never asks this side for it; add it there, or leave it out.", d)
		}
	}
	for _, d := range p.a.MicrosoftDomains {
		switch {
		case !p.s.HasDomain(d):
			add("%s is a SIP domain of the Microsoft side alone, so its users cannot take part; add it to Domains, or leave its users out.%s", d, p.parentOf(d))
		case !p.taken(d):
			add("%s is a domain of both sides and is left out; choose it as well if its users are to reach each other.%s", d, p.parentOf(d))
		}
	}
	for _, d := range p.s.Domains {
		if hint := p.parentOf(d.Name); hint != "" && !p.taken(d.Name) && !slices.Contains(p.a.MicrosoftDomains, d.Name) {
			add("%s is left out.%s", d.Name, hint)
		}
	}
	return append(list, p.unroutedWarnings()...)
}

// taken reports whether these answers or another deployment's choose a domain.
func (p *planner) taken(domain string) bool {
	return slices.Contains(p.a.Domains, domain) ||
		slices.ContainsFunc(p.s.Deployments, func(d federation.Deployment) bool {
			return d.Name != p.a.DeploymentName() && slices.Contains(d.Answers.Domains, domain)
		})
}

// parentOf is a sentence when a chosen domain stands above one that is not chosen, which is easily taken for included.
func (p *planner) parentOf(domain string) string {
	for _, above := range p.a.Domains {
		if strings.HasSuffix(domain, "."+above) {
			return fmt.Sprintf(" It lies under %s, but a domain never stands for those under it.", above)
		}
	}
	return ""
}

func common(a, b []string) []string {
	var list []string
	for _, s := range a {
		if slices.Contains(b, s) {
			list = append(list, s)
		}
	}
	return list
}
