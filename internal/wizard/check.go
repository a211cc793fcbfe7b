package wizard

import (
	"slices"
	"strings"
	"unicode"

	"isthmus/internal/federation"
)

// Limits: of one list of next hops, which shares its pattern with the load balancer, and of free text.
const (
	maxFrontEnds = federation.MaxRoutesPerPattern - 1
	maxDomains   = 500
	maxSite      = 255
)

// checker collects what is wrong with one set of answers, held against one snapshot.
type checker struct {
	reader // for fault
	a      federation.Answers
	s      federation.Snapshot
	owner  map[string]string // addresses and names that are taken, and by whom, as a sentence's beginning
}

// Check names everything that is wrong with the answers, by themselves and against the snapshot: every problem with the
// path of its field, such as front_ends[1].address. It fills in defaults first, so what may be left open is no problem.
func Check(a federation.Answers, s federation.Snapshot) federation.Invalid {
	c := checker{a: Defaults(a, s), s: s, owner: map[string]string{}}
	for _, n := range s.Nodes {
		c.owner[n.Address], c.owner[n.Name] = "It belongs to the node "+n.Name, "It is the name of a node"
	}
	for _, d := range s.Domains {
		c.owner[d.Name] = "It is one of your domains"
	}
	c.checkPlatform()
	c.checkPool()
	c.checkFrontEnds()
	c.checkExpressway()
	c.checkDomains()
	c.checkMicrosoftDomains()
	c.checkFirstPriority()
	c.checkRoutingNode()
	c.checkFrontName()
	c.checkTrust()
	return c.problems
}

func (c *checker) oneOf(path, value string, choices ...string) {
	if !slices.Contains(choices, value) {
		c.fault(path, "Choose one of %s.", strings.Join(choices, ", "))
	}
}

func (c *checker) checkPlatform() {
	a := c.a
	c.oneOf("platform", a.Platform, federation.SkypeForBusiness2019, federation.SkypeForBusiness2015,
		federation.Lync2013, federation.Lync2010, federation.OCS2007R2)
	c.oneOf("deployment", a.Deployment, federation.ChatOnly, federation.ChatAndCalling)
	c.oneOf("edition", a.Edition, federation.EditionEnterprise, federation.EditionStandard)
	c.oneOf("transport", a.Transport, federation.TLS, federation.TCP)
	if isOCS(a) && callsToo(a) {
		c.fault("deployment", "OCS 2007 R2 knows no chat and calling; choose %s.", federation.ChatOnly)
	}
	if overTCP(a) && !isOCS(a) {
		c.fault("transport", "Only OCS 2007 R2 can be reached over tcp; choose %s.", federation.TLS)
	}
}

func (c *checker) checkPool() {
	switch {
	case c.a.Edition == federation.EditionStandard && c.a.Pool != "":
		c.fault("pool", "Standard Edition is one front end and no pool; leave the pool empty, or choose %s.", federation.EditionEnterprise)
	case c.a.Edition == federation.EditionEnterprise && c.a.Pool == "":
		c.fault("pool", "Enter the pool's name, as Get-CsPool prints it under Identity.")
	case c.a.Pool != "":
		c.claim("pool", c.a.Pool, "It is the name of the pool")
	}
	if c.a.LoadBalancer != "" {
		c.claimAddress("load_balancer", c.a.LoadBalancer, "It is the load balancer's")
	}
	if isOCS(c.a) {
		return // OCS knows neither registrars nor sites
	}
	c.checkRegistrar()
	c.checkSite()
}

// checkRegistrar holds a registrar of another name than the deployment's, which is named where it was typed. It is a
// server of the Microsoft side, so no domain and no node can have its name (guide p.74).
func (c *checker) checkRegistrar() {
	name := c.a.Registrar
	if name == c.a.DeploymentName() || !c.name("registrar", name) {
		return
	}
	if c.s.HasDomain(name) || c.s.Node(name) != nil {
		c.fault("registrar", "%s; enter the name of the pool on which the users are.", c.owner[name])
	}
}

func (c *checker) checkSite() {
	switch site := c.a.Site; {
	case federation.HoldsPrivateKey(site):
		c.fault("site", "%s", federation.CheckNoKey(site))
	case site == "":
		c.fault("site", "Enter the SiteId that Get-CsSite prints: a number or a name.")
	case hasPrefix(site, "site:"):
		c.fault("site", "Enter the SiteId without site: before it: %s.", printable(site[len("site:"):]))
	case len([]rune(site)) > maxSite || strings.ContainsFunc(site, unprintable):
		c.fault("site", "A SiteId is one line of at most %d characters without control characters and marks that cannot be seen; type it as Get-CsSite prints it.", maxSite)
	}
}

func (c *checker) checkFrontEnds() {
	switch n := len(c.a.FrontEnds); {
	case n == 0:
		c.fault("front_ends", "Enter at least one front end by its name and address.")
	case n > 1 && c.a.Edition == federation.EditionStandard:
		c.fault("front_ends", "Standard Edition is one front end; leave one, or choose %s.", federation.EditionEnterprise)
	case n > maxFrontEnds:
		c.fault("front_ends", "At most %d front ends can share a destination; leave some out.", maxFrontEnds)
		return
	}
	for i, h := range c.a.FrontEnds {
		c.checkHost(at("front_ends", i), h, "front end")
	}
}

// checkHost holds one server's name and address, and takes both, so that no other server can have them.
func (c *checker) checkHost(path string, h federation.Host, what string) {
	if h.FQDN == "" {
		c.fault(path+".fqdn", "Enter the %s's own name, such as fe1.synergy.com.", what)
	} else {
		c.claim(path+".fqdn", h.FQDN, "It is the name of another server in these answers")
	}
	if h.Address == "" {
		c.fault(path+".address", "Enter the %s's IP address, such as 10.1.20.21.", what)
	} else {
		c.claimAddress(path+".address", h.Address, "It is the address of another server in these answers")
	}
}

func (c *checker) checkExpressway() {
	e := c.a.Expressway
	switch {
	case !callsToo(c.a) || isOCS(c.a):
		return // the plan leaves it out, with a warning
	case e == nil:
		c.fault("expressway", "Chat and calling goes through an Expressway; enter its name and address, or choose %s.", federation.ChatOnly)
		return
	case e.Port < 1 || e.Port > 65535:
		c.fault("expressway.port", "Enter a port between 1 and 65535; %d is the usual one.", ExpresswayPort)
	}
	c.checkHost("expressway", *e, "Expressway")
}

func (c *checker) checkDomains() {
	if len(c.a.Domains) == 0 {
		c.fault("domains", "Choose at least one domain.")
	}
	if len(c.a.Domains) > maxDomains {
		c.fault("domains", "At most %d domains fit into one run; do the others in another.", maxDomains)
		return
	}
	seen := map[string]bool{}
	for i, d := range c.a.Domains {
		_, err := federation.ParseDomain(d)
		switch {
		case err != nil:
			c.fault(at("domains", i), "%s", err)
		case seen[d]:
			c.fault(at("domains", i), "%s is listed twice; leave one of them.", d)
		case !c.s.HasDomain(d):
			c.fault(at("domains", i), "%s is not among the domains of this side; add it there first, or leave it out.", d)
		}
		seen[d] = true
	}
}

// checkMicrosoftDomains holds the list that is only compared: what is not a domain of this side is no problem in it.
func (c *checker) checkMicrosoftDomains() {
	if len(c.a.MicrosoftDomains) > maxDomains {
		c.fault("microsoft_domains", "At most %d domains can be compared; leave out those that are of no interest here.", maxDomains)
		return
	}
	seen := map[string]bool{}
	for i, d := range c.a.MicrosoftDomains {
		if _, err := federation.ParseDomain(d); err != nil {
			c.fault(at("microsoft_domains", i), "%s", err)
		} else if seen[d] {
			c.fault(at("microsoft_domains", i), "%s is listed twice; leave one of them.", d)
		}
		seen[d] = true
	}
}

// checkFirstPriority leaves a priority for each next hop.
func (c *checker) checkFirstPriority() {
	if last := lastFirstPriority(len(nextHops(c.a))); c.a.FirstPriority < 1 || c.a.FirstPriority > last {
		c.fault("first_priority", "Enter a number between 1 and %d; each next hop takes one more.", last)
	}
}

func (c *checker) checkRoutingNode() {
	switch node := c.a.RoutingNode; {
	case node == "" && len(c.s.Nodes) == 0:
		c.fault("routing_node", "There is no node yet; start one, then come back.")
	case node == "":
		c.fault("routing_node", "Choose the node to which the Microsoft side sends everything.")
	case c.s.Node(node) == nil:
		c.fault("routing_node", "There is no node %s; choose an existing one.", printable(node))
	}
}

// checkFrontName holds the name of a load balancer before the routing nodes, which only a TLS route to it can name.
func (c *checker) checkFrontName() {
	switch {
	case c.a.FrontName == "":
	case callsToo(c.a) && !isOCS(c.a):
		c.fault("front_name", "With an Expressway the Microsoft side sends everything there; leave this empty, and have the Expressway send to the load balancer.")
	case overTCP(c.a):
		c.fault("front_name", "Over tcp the Microsoft side sends to an address; leave this empty, or choose %s.", federation.TLS)
	default:
		c.claim("front_name", c.a.FrontName, "It is the name of the load balancer before the routing nodes")
	}
}

// checkTrust holds the names that are new on the Microsoft side: nothing may be called so yet (guide p.70-71).
func (c *checker) checkTrust() {
	if isOCS(c.a) {
		return // OCS knows no trusted applications
	}
	if c.a.TrustedPool != "" { // else it waits for the first domain, which has a problem of its own
		c.claim("trusted_pool", c.a.TrustedPool, "It is the name of the trusted application pool")
	}
	if !isApplicationID(c.a.ApplicationID) {
		c.fault("application_id", "An application id has 1 to 128 letters, digits, dots, hyphens and underscores, and no blanks; enter one such as %s.", DefaultApplicationID)
	}
}

// name reports whether the text is a fully qualified name, and says what to do when it is none.
func (c *checker) name(path, text string) bool {
	for _, prefix := range []string{"service:", "site:", "registrar:", "sip:"} {
		if hasPrefix(text, prefix) {
			c.fault(path, "Leave out %s and enter the name alone, such as pool.synergy.com.", prefix)
			return false
		}
	}
	if _, err := federation.ParseFQDN(text); err != nil {
		c.fault(path, "%s", err)
		return false
	}
	return true
}

// claim takes a name for one thing alone.
func (c *checker) claim(path, name, as string) {
	if !c.name(path, name) {
		return
	}
	if owner, taken := c.owner[name]; taken {
		c.fault(path, "%s; enter a name that nothing else has.", owner)
		return
	}
	c.owner[name] = as
}

// claimAddress takes an address for one server alone.
func (c *checker) claimAddress(path, text, as string) {
	address, err := federation.ParseAddress(text)
	switch owner, taken := c.owner[text]; {
	case err != nil:
		c.fault(path, "%s", err)
	case !federation.IsOneHost(address):
		c.fault(path, "%s is no address of one server; enter the address on which it takes SIP.", text)
	case taken:
		c.fault(path, "%s; enter the address that only this server has.", owner)
	default:
		c.owner[text] = as
	}
}

func isApplicationID(s string) bool {
	strange := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
	}
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, strange)
}

// unprintable are the characters that have no place in one line of text: those that break it, and those that nobody sees,
// such as the mark that Windows puts in front of what is copied from a dialog.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Cf) || r == unicode.ReplacementChar || r&0xfffe == 0xfffe
}
