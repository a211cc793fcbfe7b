package powershell

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"isthmus/internal/federation"
)

// Scope of routes where the pool has no collection of its own, and of names.
const (
	scopeGlobal = "Global"
	scopeDNS    = "DNS"
)

// anyAddress is what a name has to lead to when its address is not known.
const anyAddress = "an address"

// Expected are the lines that the deployment's verify.ps1 of today prints, in its order, as they are when all is well and
// the routes stand in the global collection.
func Expected(d federation.Deployment, s federation.Snapshot) []federation.VerifyResult {
	return valuesOf(d, s).expected()
}

func (v values) expected() []federation.VerifyResult {
	var list []federation.VerifyResult
	add := func(kind, name, scope, expected string) {
		list = append(list, federation.VerifyResult{State: federation.VerifyExists, Kind: kind, Name: name, Scope: scope, Expected: expected, Actual: expected})
	}
	a := v.Answers
	add(KindSite, a.Site, "", "present")
	add(KindRegistrar, a.Registrar, "", "present")
	for _, domain := range a.Domains {
		add(KindSIPDomain, domain, "", "present")
	}
	for _, uri := range v.MatchURIs() {
		add(KindRoute, uri, scopeGlobal, fmt.Sprintf("TLS %s:%d", v.Destination(), v.DestinationPort()))
	}
	add(KindTrustedPool, a.TrustedPool, "", v.expectedPool())
	for _, node := range v.Computers() {
		add(KindComputer, node, "", "in "+a.TrustedPool)
	}
	add(KindApplication, a.ApplicationID, a.TrustedPool, fmt.Sprintf("port %d", v.ApplicationPort()))
	if v.Provider() {
		add(KindPublicProvider, v.Destination(), "", "Enabled True, AlwaysVerifiable")
	}
	for _, name := range v.Names() {
		address := v.Address(name)
		if address == "" {
			address = anyAddress
		}
		add(KindName, name, scopeDNS, address)
	}
	add(KindReplication, "front ends", "", "up to date")
	return list
}

// expectedPool is the trusted pool in one line. Registrar and site of a shared one are those of the deployment that came
// first.
func (v values) expectedPool() string {
	text := "TreatAsAuthenticated True, ThrottleAsServer True, OutboundOnly False, RequiresReplication False"
	if len(v.SharedWith) == 0 {
		text = fmt.Sprintf("Registrar %s, Site %s, ", v.Answers.Registrar, v.Answers.Site) + text
	}
	return text
}

// checkWhole holds a result of today's scripts to what they print: every line of theirs and no other, each with the state
// that follows from its texts.
func (v values) checkWhole(list []federation.VerifyResult) error {
	scopes := []string{scopeGlobal}
	if own := routeScopes(list); len(own) > 0 {
		scopes = own
	}
	if len(scopes) > 1 && slices.Contains(scopes, scopeGlobal) {
		return federation.Refuse("The result has routes in the pool's own collections and in the global one, and verify.ps1 looks at one kind alone.%s", wayOut)
	}
	wanted := v.expected()
	for _, r := range list {
		if err := v.checkLine(r, wanted); err != nil {
			return err
		}
	}
	for _, w := range wanted {
		for _, scope := range scopes {
			if w.Kind != KindRoute {
				scope = w.Scope
			}
			if !slices.ContainsFunc(list, func(r federation.VerifyResult) bool { return r.Kind == w.Kind && r.Name == w.Name && r.Scope == scope }) {
				return federation.Refuse("The result is not whole: it lacks the line for %s %s, which today's verify.ps1 prints.%s", w.Kind, shorten(w.Name), wayOut)
			}
		}
	}
	return nil
}

// routeScopes are the collections in which a result has routes.
func routeScopes(list []federation.VerifyResult) []string {
	var scopes []string
	for _, r := range list {
		if r.Kind == KindRoute && !slices.Contains(scopes, r.Scope) {
			scopes = append(scopes, r.Scope)
		}
	}
	return scopes
}

func (v values) checkLine(r federation.VerifyResult, wanted []federation.VerifyResult) error {
	i := slices.IndexFunc(wanted, func(w federation.VerifyResult) bool { return r.Kind == w.Kind && r.Name == w.Name })
	if i < 0 || r.Scope != wanted[i].Scope && !(r.Kind == KindRoute && v.ownCollection(r.Scope)) {
		return federation.Refuse("The result has a line for %s %s, which today's verify.ps1 does not print.%s", r.Kind, shorten(r.Name), wayOut)
	}
	if r.Expected != wanted[i].Expected {
		return federation.Refuse("The result expects %s of %s %s, and today's verify.ps1 expects %s.%s", shorten(r.Expected), r.Kind, shorten(r.Name),
			shorten(wanted[i].Expected), wayOut)
	}
	if state := stateOf(r); state != r.State {
		return federation.Refuse("The result contradicts itself: it says %s of %s %s, and its values say %s.%s", r.State, r.Kind, shorten(r.Name), state, wayOut)
	}
	return nil
}

// ownCollection reports whether verify.ps1 takes a collection of routes for one of the pool's own.
func (v values) ownCollection(identity string) bool {
	leaf := identity[strings.LastIndexByte(identity, ':')+1:]
	return strings.Contains(strings.ToLower(identity), "registrar:") &&
		slices.ContainsFunc(v.Pools(), func(pool string) bool { return strings.EqualFold(pool, leaf) })
}

// stateOf is the state that verify.ps1 gives to a line with these texts; PowerShell compares them without regard to case.
// A name may have several addresses, of which one has to be the expected one.
func stateOf(r federation.VerifyResult) string {
	known := func(text string) bool { return strings.EqualFold(text, r.Expected) }
	switch {
	case strings.EqualFold(r.Actual, "missing"):
		return federation.VerifyMissing
	case known(r.Actual), r.Kind == KindName && (r.Expected == anyAddress || slices.ContainsFunc(strings.Fields(r.Actual), known)):
		return federation.VerifyExists
	}
	return federation.VerifyConflict
}

// checkClock refuses a time of check that lies ahead by more than clocks and time zones that were set by hand explain: it
// would stand before every later result.
func checkClock(checked, now time.Time, computer string) error {
	if checked.After(now.Add(24 * time.Hour)) {
		return federation.Refuse("The result was made %s UTC by the clock of %s, which lies ahead. Correct that computer's clock, or this one's.%s",
			checked.UTC().Format(time.DateTime), shorten(computer), wayOut)
	}
	return nil
}
