package wizard

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

func TestAnswersThatHold(t *testing.T) {
	for name, a := range map[string]federation.Answers{
		"enterprise": enterprise(), "standard": standard(), "OCS over TCP": overPlainTCP(), "chat and calling": calling(), "behind a load balancer": behindBalancer(),
	} {
		if problems := Check(a, snapshot()); len(problems) > 0 {
			t.Errorf("%s: %s", name, problems)
		}
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	fe := func(fqdn, address string) federation.Host { return federation.Host{FQDN: fqdn, Address: address} }
	for _, c := range []struct {
		name string
		edit func(a *federation.Answers)
		path string
		text string
	}{
		{"no platform", func(a *federation.Answers) { a.Platform = "" }, "platform", "Choose one of"},
		{"a platform that nobody knows", func(a *federation.Answers) { a.Platform = "teams" }, "platform", "Choose one of"},
		{"no edition", func(a *federation.Answers) { a.Edition = "" }, "edition", "enterprise, standard"},
		{"tcp for Skype for Business", func(a *federation.Answers) { a.Transport = "tcp" }, "transport", "Only OCS"},
		{"udp", func(a *federation.Answers) { a.Transport = "udp" }, "transport", "Choose one of"},
		{"OCS with calling", func(a *federation.Answers) {
			a.Platform, a.Deployment = federation.OCS2007R2, federation.ChatAndCalling
		}, "deployment", "no chat and calling"},
		{"calling without an Expressway", func(a *federation.Answers) { a.Deployment = federation.ChatAndCalling }, "expressway", "goes through an Expressway"},
		{"an Expressway on a port beyond the last", func(a *federation.Answers) { *a = calling(); a.Expressway.Port = 65536 }, "expressway.port", "between 1 and 65535"},
		{"an Expressway on a port before the first", func(a *federation.Answers) { *a = calling(); a.Expressway.Port = -1 }, "expressway.port", "between 1 and 65535"},
		{"enterprise without a pool", func(a *federation.Answers) { a.Pool = "" }, "pool", "Enter the pool's name"},
		{"standard with a pool", func(a *federation.Answers) { a.Edition = "standard" }, "pool", "no pool"},
		{"standard with two front ends", func(a *federation.Answers) { a.Edition, a.Pool = "standard", "" }, "front_ends", "one front end"},
		{"a single label", func(a *federation.Answers) { a.Pool = "pool" }, "pool", "single label"},
		{"an address for a name", func(a *federation.Answers) { a.Pool = "10.1.20.20" }, "pool", "IP address"},
		{"a pool with service:", func(a *federation.Answers) { a.Pool = "service:pool.synergy.com" }, "pool", "Leave out service:"},
		{"a registrar with service:", func(a *federation.Answers) { a.Registrar = "service:Registrar:pool.synergy.com" }, "registrar", "Leave out service:"},
		{"a registrar that is only its role", func(a *federation.Answers) { a.Registrar = "Registrar:" }, "registrar", "Leave out registrar:"},
		{"a registrar with a blank", func(a *federation.Answers) { a.Registrar = "pool .synergy.com" }, "registrar", "letters, digits"},
		{"a typographic quote in a name", func(a *federation.Answers) { a.Pool = "pool’s.synergy.com" }, "pool", "characters"},
		{"a quote in a name", func(a *federation.Answers) { a.TrustedPool = "x';calc.synergy.com" }, "trusted_pool", "letters, digits"},
		{"a mark that nobody sees in the site", func(a *federation.Answers) { a.Site = "Redmond\u200e" }, "site", "marks that cannot be seen"},
		{"a turn of direction in the site", func(a *federation.Answers) { a.Site = "\u202e1" }, "site", "marks that cannot be seen"},
		{"a byte order mark in the site", func(a *federation.Answers) { a.Site = "\ufeff1" }, "site", "marks that cannot be seen"},
		{"a line break in a name", func(a *federation.Answers) { a.TrustedPool = "trusted\npool.synergy.com" }, "trusted_pool", "letters, digits"},
		{"a pool that is a domain", func(a *federation.Answers) { a.Pool = "Synergy.com" }, "pool", "one of your domains"},
		{"a pool that is a node", func(a *federation.Answers) { a.Pool = "imp2.synergy.com" }, "pool", "name of a node"},
		{"a pool named as its front end", func(a *federation.Answers) { a.Pool = "fe1.synergy.com" }, "front_ends[0].fqdn", "name of the pool"},
		{"a private key in the site", func(a *federation.Answers) { a.Site = "-----BEGIN PRIVATE KEY-----" }, "site", "A private key stands here"},
		{"no site", func(a *federation.Answers) { a.Site = " " }, "site", "SiteId"},
		{"a site with site:", func(a *federation.Answers) { a.Site = "Site:Redmond" }, "site", "without site: before it: Redmond."},
		{"a site of two lines", func(a *federation.Answers) { a.Site = "1\r\nRemove-Item x" }, "site", "one line"},
		{"a site that is too long", func(a *federation.Answers) { a.Site = strings.Repeat("ü", maxSite+1) }, "site", "at most 255 characters"},
		{"a balancer without address", func(a *federation.Answers) { a.LoadBalancer = "lb.synergy.com" }, "load_balancer", "IP address"},
		{"an unspecified balancer", func(a *federation.Answers) { a.LoadBalancer = "0.0.0.0" }, "load_balancer", "no address of one server"},
		{"a multicast balancer", func(a *federation.Answers) { a.LoadBalancer = "224.0.0.9" }, "load_balancer", "no address of one server"},
		{"a broadcast balancer", func(a *federation.Answers) { a.LoadBalancer = "255.255.255.255" }, "load_balancer", "no address of one server"},
		{"a broadcast front end", func(a *federation.Answers) { a.FrontEnds[1].Address = "::ffff:255.255.255.255" }, "front_ends[1].address", "no address of one server"},
		{"a balancer on a node", func(a *federation.Answers) { a.LoadBalancer = "::ffff:10.1.10.11" }, "load_balancer", "node imp1.synergy.com"},
		{"a balancer on a front end", func(a *federation.Answers) { a.LoadBalancer = "10.1.20.22" }, "front_ends[1].address", "load balancer"},
		{"no front end", func(a *federation.Answers) { a.FrontEnds = nil }, "front_ends", "at least one"},
		{"more front ends than priorities", func(a *federation.Answers) { a.FrontEnds = manyHosts(maxFrontEnds + 1) }, "front_ends", "At most"},
		{"an empty front end", func(a *federation.Answers) { a.FrontEnds[1] = fe("", "") }, "front_ends[1].fqdn", "own name"},
		{"a front end without address", func(a *federation.Answers) { a.FrontEnds[1].Address = "" }, "front_ends[1].address", "IP address"},
		{"a front end twice", func(a *federation.Answers) { a.FrontEnds[1] = fe("FE1.synergy.com.", "10.1.20.23") }, "front_ends[1].fqdn", "another server"},
		{"an address twice", func(a *federation.Answers) { a.FrontEnds[1].Address = "10.1.20.21" }, "front_ends[1].address", "another server"},
		{"a front end on a node", func(a *federation.Answers) { a.FrontEnds[0].Address = "10.1.10.12" }, "front_ends[0].address", "node imp2"},
		{"a front end that is a domain", func(a *federation.Answers) { a.FrontEnds[0].FQDN = "synergy.com" }, "front_ends[0].fqdn", "one of your domains"},
		{"a balancer before the nodes that is an address", func(a *federation.Answers) { a.FrontName = "10.1.10.10" }, "front_name", "IP address"},
		{"a balancer before the nodes of one label", func(a *federation.Answers) { a.FrontName = "sip" }, "front_name", "single label"},
		{"a balancer before the nodes that is a node", func(a *federation.Answers) { a.FrontName = "imp2.synergy.com" }, "front_name", "name of a node"},
		{"a balancer before the nodes that is a domain", func(a *federation.Answers) { a.FrontName = "Synergy.com" }, "front_name", "one of your domains"},
		{"a balancer before the nodes that is a front end", func(a *federation.Answers) { a.FrontName = "fe1.synergy.com" }, "front_name", "another server"},
		{"a balancer before the nodes that is the trusted pool", func(a *federation.Answers) { a.FrontName = a.TrustedPool }, "trusted_pool", "load balancer before the routing nodes"},
		{"a balancer before the nodes beside an Expressway", func(a *federation.Answers) { *a = calling(); a.FrontName = "sip.synergy.com" }, "front_name", "have the Expressway send"},
		{"a balancer before the nodes over TCP", func(a *federation.Answers) { *a = overPlainTCP(); a.FrontName = "sip.synergy.com" }, "front_name", "choose tls"},
		{"no domain", func(a *federation.Answers) { a.Domains = nil }, "domains", "at least one"},
		{"a domain that is not here", func(a *federation.Answers) { a.Domains = []string{"synergy.com", "abc.synergy.com"} }, "domains[1]", "not among the domains"},
		{"more domains than one run takes", func(a *federation.Answers) { a.Domains = slices.Repeat([]string{"synergy.com"}, maxDomains+1) }, "domains", "At most 500 domains"},
		{"a domain twice", func(a *federation.Answers) { a.Domains = []string{"synergy.com", "SYNERGY.com"} }, "domains[1]", "twice"},
		{"a Microsoft domain that is none", func(a *federation.Answers) { a.MicrosoftDomains = []string{"synergy.com", "synergy"} }, "microsoft_domains[1]", "single label"},
		{"a Microsoft domain twice", func(a *federation.Answers) { a.MicrosoftDomains = []string{"remote.com", "Remote.com"} }, "microsoft_domains[1]", "twice"},
		{"more Microsoft domains than can be compared", func(a *federation.Answers) {
			a.MicrosoftDomains = slices.Repeat([]string{"synergy.com"}, maxDomains+1)
		}, "microsoft_domains", "At most 500"},
		{"a first priority before the first", func(a *federation.Answers) { a.FirstPriority = -1 }, "first_priority", "between 1 and 65534"},
		{"a first priority that leaves none for the second hop", func(a *federation.Answers) { a.FirstPriority = 65535 }, "first_priority", "between 1 and 65534"},
		{"a first priority that leaves none behind a balancer", func(a *federation.Answers) {
			a.FirstPriority, a.LoadBalancer = 65534, "10.1.20.20"
		}, "first_priority", "between 1 and 65533"},
		{"a registrar that is a domain", func(a *federation.Answers) { a.Registrar = "synergy.com" }, "registrar", "one of your domains"},
		{"a registrar that is a node", func(a *federation.Answers) { a.Registrar = "imp1.synergy.com" }, "registrar", "name of a node"},
		{"a routing node that is not there", func(a *federation.Answers) { a.RoutingNode = "imp9.synergy.com" }, "routing_node", "no node imp9"},
		{"a routing node with characters that no sentence can hold", func(a *federation.Answers) { a.RoutingNode = "imp\x1b9" }, "routing_node", "no node imp9;"},
		{"a trusted pool that is a node", func(a *federation.Answers) { a.TrustedPool = "imp1.synergy.com" }, "trusted_pool", "name of a node"},
		{"a trusted pool that is the pool", func(a *federation.Answers) { a.TrustedPool = "pool.synergy.com" }, "trusted_pool", "name of the pool"},
		{"an application id with a blank", func(a *federation.Answers) { a.ApplicationID = "my app" }, "application_id", "no blanks"},
		{"an application id with a quote", func(a *federation.Answers) { a.ApplicationID = "x'y" }, "application_id", "no blanks"},
		{"an application id that is too long", func(a *federation.Answers) { a.ApplicationID = strings.Repeat("a", 129) }, "application_id", "1 to 128"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := enterprise()
			c.edit(&a)
			problems := Check(a, snapshot())
			wantSentence(t, problems.Of(c.path), c.text)
			if _, err := Plan(a, snapshot()); err == nil {
				t.Error("Plan takes these answers")
			}
		})
	}
}

func manyHosts(n int) []federation.Host {
	var list []federation.Host
	for i := range n {
		list = append(list, federation.Host{FQDN: fmt.Sprintf("fe%d.synergy.com", i), Address: fmt.Sprintf("10.2.%d.%d", i/200, 1+i%200)})
	}
	return list
}

func TestTheLongestAnswersHold(t *testing.T) {
	a := enterprise()
	a.FirstPriority = maxPriority + 1 - maxFrontEnds
	a.FrontEnds, a.Site, a.ApplicationID = manyHosts(maxFrontEnds), strings.Repeat("ü", maxSite), "Isthmus-2.0_"+strings.Repeat("z", 116)
	if problems := Check(a, snapshot()); len(problems) > 0 {
		t.Errorf("the limits themselves are refused: %s", problems)
	}
}

func TestWithoutANodeTheWizardWaits(t *testing.T) {
	a, s := enterprise(), snapshot()
	a.RoutingNode, s.Nodes = "", nil
	wantSentence(t, Check(a, s).Of("routing_node"), "There is no node yet")
	s = snapshot()
	s.Usage.ByNode["imp1.synergy.com"] = 1
	wantSentence(t, Check(a, s).Of("routing_node"), "Choose the node")
}

func TestOneWrongNameIsOneProblem(t *testing.T) {
	a := enterprise()
	a.Pool, a.Registrar, a.Domains, a.TrustedPool = "pool", "", nil, ""
	problems := Check(a, snapshot())
	if len(problems) != 2 || problems[0].Path != "pool" || problems[1].Path != "domains" {
		t.Errorf("what follows from a wrong name is named as well:\n%s", problems)
	}
}

func TestDefaultsFillWhatFollows(t *testing.T) {
	a := federation.Answers{Pool: "Pool.Synergy.com.", Domains: []string{" Synergy.com "}, Expressway: &federation.Host{FQDN: "Exp.synergy.com"}}
	got := Defaults(a, snapshot())
	for field, pair := range map[string][2]string{
		"pool":           {got.Pool, "pool.synergy.com"},
		"registrar":      {got.Registrar, "pool.synergy.com"},
		"deployment":     {got.Deployment, federation.ChatOnly},
		"transport":      {got.Transport, federation.TLS},
		"trusted_pool":   {got.TrustedPool, "trustedpool.synergy.com"},
		"application_id": {got.ApplicationID, "isthmus"},
		"routing_node":   {got.RoutingNode, "imp1.synergy.com"},
		"domains":        {strings.Join(got.Domains, ","), "synergy.com"},
		"first_priority": {federation.Printed(got.FirstPriority), "1"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", field, pair[0], pair[1])
		}
	}
	if loose := Defaults(federation.Answers{Platform: " Lync_2013", MicrosoftDomains: []string{}}, snapshot()); loose.Platform != federation.Lync2013 || loose.MicrosoftDomains != nil {
		t.Errorf("the same answers have two forms: %+v", loose)
	}
	if got.Expressway.Port != 65072 || a.Expressway.Port != 0 || a.Domains[0] != " Synergy.com " {
		t.Errorf("the port is %d, want 65072, and the answers themselves stay as they were: %+v", got.Expressway.Port, a)
	}
}

func TestTheProposedRoutingNodeHasNoUsers(t *testing.T) {
	s := snapshot()
	s.Nodes = append(s.Nodes, node("imp3.synergy.com", "10.1.10.13"))
	for _, c := range []struct {
		name string
		edit func()
		want string
	}{
		{"the first without users", func() {}, "imp1.synergy.com"},
		{"one marked as routing goes before", func() { s.Nodes[2].Routing = true }, "imp3.synergy.com"},
		{"nobody when all have users", func() {
			s.Usage.ByNode = map[string]int{"imp1.synergy.com": 1, "imp2.synergy.com": 1, "imp3.synergy.com": 1}
		}, ""},
		{"the only node even with users", func() { s.Nodes = s.Nodes[:1] }, "imp1.synergy.com"},
	} {
		c.edit()
		if got := Defaults(federation.Answers{}, s).RoutingNode; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestARegistrarMayCarryItsRole(t *testing.T) {
	a := enterprise()
	a.Registrar = "Registrar:pool.synergy.com"
	if got := Defaults(a, snapshot()); got.Registrar != "pool.synergy.com" || len(Check(a, snapshot())) > 0 {
		t.Errorf("the registrar is %q with problems %s", got.Registrar, Check(a, snapshot()))
	}
}

func TestEveryAnswerBelongsToOneStep(t *testing.T) {
	for path, want := range map[string]int{
		"platform": 1, "transport": 1, "pool": 2, "site": 2, "front_ends[1].address": 3, "expressway.port": 3, "domains[0]": 4, "microsoft_domains[2]": 4, "first_priority": 4, "routing_node": 5, "front_name": 5, "": 1,
	} {
		if got := StepOf(path); got != want {
			t.Errorf("%q belongs to step %d, want %d", path, got, want)
		}
	}
	var asked []string
	for _, s := range Steps() {
		asked = append(asked, s.Fields...)
	}
	slices.Sort(asked)
	if len(asked) != 18 || len(slices.Compact(asked)) != 18 {
		t.Errorf("each of the 18 answers is asked once, but the steps ask %v", asked)
	}
}

func TestTheFirstOpenStep(t *testing.T) {
	a := enterprise()
	if got := FirstOpen(a, snapshot()); got != StepReview {
		t.Errorf("complete answers are open at step %d", got)
	}
	a.Domains, a.RoutingNode = nil, "imp9.synergy.com"
	if got := FirstOpen(a, snapshot()); got != 4 {
		t.Errorf("answers without domain are open at step %d, want 4", got)
	}
	if got := CheckStep(5, a, snapshot()); len(got) != 1 || got[0].Path != "routing_node" {
		t.Errorf("step 5 has the problems %s, want one about routing_node", got)
	}
}
