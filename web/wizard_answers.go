package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/wizard"
)

// Numbers of the steps whose fields are more than plain texts.
const (
	stepPool        = 2
	stepFrontEnds   = 3
	stepDomains     = 4
	stepRoutingNode = 5
)

// dropNUL takes the NUL out of what was posted: the database keeps none in a text, and no keyboard types one.
func dropNUL(posted url.Values) {
	for _, values := range posted {
		for i, text := range values {
			values[i] = strings.ReplaceAll(text, "\x00", "")
		}
	}
}

// answer takes one step's fields over from a form. What the form does not ask stays as it is.
func answer(a *federation.Answers, step int, posted url.Values) {
	fields := texts(a)
	for _, name := range wizard.Steps()[step-1].Fields {
		if field, ok := fields[name]; ok && posted.Has(name) {
			*field = strings.TrimSpace(posted.Get(name))
		}
	}
	switch step {
	case stepFrontEnds:
		a.FrontEnds, _ = postedFrontEnds(posted)
		if posted.Has("expressway.fqdn") {
			a.Expressway = postedExpressway(posted)
		}
	case stepDomains:
		a.Domains, a.FirstPriority = chosen(posted["domains"]), postedNumber(posted, "first_priority", a.FirstPriority)
		if posted.Has("child_domains") {
			a.ChildDomains = slices.ContainsFunc(posted["child_domains"], isOn)
		}
	}
}

// texts are the answers that are one text each, by their names.
func texts(a *federation.Answers) map[string]*string {
	return map[string]*string{
		"platform": &a.Platform, "deployment": &a.Deployment, "transport": &a.Transport, "edition": &a.Edition, "pool": &a.Pool,
		"load_balancer": &a.LoadBalancer, "registrar": &a.Registrar, "site": &a.Site, "routing_node": &a.RoutingNode,
		"front_name": &a.FrontName, "trusted_pool": &a.TrustedPool, "application_id": &a.ApplicationID,
	}
}

// applicable are the answers that count: what belongs to another platform, edition or kind of deployment than the one
// that is chosen now is left out. A draft keeps it, because the choice may be taken back.
func applicable(a federation.Answers, s federation.Snapshot) federation.Answers {
	if a.Edition == federation.EditionStandard {
		a.Pool, a.LoadBalancer = "", ""
	}
	if a.Platform == federation.OCS2007R2 {
		a.Deployment, a.Registrar, a.Site, a.TrustedPool, a.ApplicationID = federation.ChatOnly, "", "", "", ""
	} else {
		a.Transport = federation.TLS
	}
	if a.Deployment != federation.ChatAndCalling {
		a.Expressway = nil
	}
	if a.Deployment == federation.ChatAndCalling || a.Transport == federation.TCP {
		a.FrontName = ""
	}
	if wizard.WithIPv6(a, s) != "" {
		a.ChildDomains = false
	}
	return a
}

// postedFrontEnds leaves out rows in which nothing was typed; rows are the numbers of the others.
func postedFrontEnds(posted url.Values) (hosts []federation.Host, rows []int) {
	hosts = []federation.Host{}
	for i := range maxRows {
		if h := postedHost(posted, fmt.Sprintf("front_ends[%d]", i)); h != (federation.Host{}) {
			hosts, rows = append(hosts, h), append(rows, i)
		}
	}
	return hosts, rows
}

func postedHost(posted url.Values, path string) federation.Host {
	return federation.Host{FQDN: strings.TrimSpace(posted.Get(path + ".fqdn")), Address: strings.TrimSpace(posted.Get(path + ".address"))}
}

// postedExpressway is nil when nothing of it was typed.
func postedExpressway(posted url.Values) *federation.Host {
	h := postedHost(posted, "expressway")
	if h == (federation.Host{}) {
		return nil
	}
	h.Port = postedNumber(posted, "expressway.port", 0)
	return &h
}

// postedNumber is a number of a form: that of before when it is not asked, 0 when it is left open, and one that nothing
// admits when it is no number.
func postedNumber(posted url.Values, name string, before int) int {
	if !posted.Has(name) {
		return before
	}
	text := strings.TrimSpace(posted.Get(name))
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n == 0 {
		return -1
	}
	return n
}

// asked are the answers as a step's form holds them. The last questions propose what follows from the others.
func asked(a federation.Answers, s federation.Snapshot, step int) url.Values {
	if step == stepRoutingNode {
		a = wizard.Defaults(a, s)
	}
	values := url.Values{"domains": a.Domains, "child_domains": {strconv.FormatBool(a.ChildDomains)},
		"microsoft_domains": {strings.Join(a.MicrosoftDomains, "\n")}, "first_priority": {number(a.FirstPriority, 1)}}
	for name, field := range texts(&a) {
		values.Set(name, *field)
	}
	for name, proposal := range map[string]string{"deployment": federation.ChatOnly, "transport": federation.TLS} {
		if values.Get(name) == "" {
			values.Set(name, proposal)
		}
	}
	e := federation.Host{}
	if a.Expressway != nil {
		e = *a.Expressway
	}
	values.Set("expressway.fqdn", e.FQDN)
	values.Set("expressway.address", e.Address)
	values.Set("expressway.port", number(e.Port, wizard.ExpresswayPort))
	return values
}

// number is a number in its field: the usual one where it is left open, nothing where it was none.
func number(n, usual int) string {
	switch {
	case n < 0:
		return ""
	case n == 0:
		n = usual
	}
	return strconv.Itoa(n)
}
