package web

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"isthmus/internal/federation"
	"isthmus/templates"
)

// lookupTime is how long a page waits for all of its DNS answers together.
const lookupTime = 2 * time.Second

// fillAddresses looks up the servers whose address was left empty. What is not found stays empty, for the check to say.
func (s *Server) fillAddresses(ctx context.Context, a federation.Answers) {
	var open []*federation.Host
	for i := range a.FrontEnds {
		open = append(open, &a.FrontEnds[i])
	}
	if a.Expressway != nil {
		open = append(open, a.Expressway)
	}
	together(ctx, len(open), func(ctx context.Context, i int) {
		h := open[i]
		if name, err := federation.ParseFQDN(h.FQDN); err == nil && h.Address == "" {
			if found := s.addressesOf(ctx, name); len(found) > 0 {
				h.Address = found[0]
			}
		}
	})
}

// compareWithDNS says of each server what its name and its address lead to.
func (s *Server) compareWithDNS(ctx context.Context, hosts []federation.Host) []templates.State {
	states := make([]templates.State, len(hosts))
	together(ctx, len(hosts), func(ctx context.Context, i int) { states[i] = s.compared(ctx, hosts[i]) })
	return states
}

func (s *Server) compared(ctx context.Context, h federation.Host) templates.State {
	name, err := federation.ParseFQDN(h.FQDN)
	if err != nil {
		return templates.State{Mark: templates.Unknown, Word: "Not looked up"}
	}
	found, names := s.addressesOf(ctx, name), s.namesOf(ctx, h.Address)
	note := "The name leads to " + orNothing(found) + ", the address to " + orNothing(names) + "."
	switch {
	case slices.Contains(found, h.Address) && slices.Contains(names, name):
		return templates.State{Mark: templates.Up, Word: "Agrees with the DNS", Note: note}
	case len(found) == 0 && len(names) == 0:
		return templates.State{Mark: templates.Unknown, Word: "Not in the DNS", Note: "It knows neither the name nor the address, or does not answer."}
	}
	return templates.State{Mark: templates.Part, Word: "Differs from the DNS", Note: note}
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// addressesOf are the addresses of a fully qualified name, IPv4 first, nil when there are none or nobody answers in time.
// The dot at its end keeps the resolver's search list out, as the SIP core does.
func (s *Server) addressesOf(ctx context.Context, name string) []string {
	found, err := s.Resolver.LookupNetIP(ctx, "ip", name+".")
	if err != nil {
		return nil
	}
	var list []string
	for _, a := range found {
		list = append(list, a.Unmap().String())
	}
	slices.SortStableFunc(list, func(a, b string) int { return strings.Count(a, ":") - strings.Count(b, ":") })
	return list
}

func (s *Server) namesOf(ctx context.Context, address string) []string {
	found, err := s.Resolver.LookupAddr(ctx, address)
	if err != nil {
		return nil
	}
	for i, name := range found {
		found[i] = strings.ToLower(strings.TrimSuffix(name, "."))
	}
	return found
}

// together does n things at once and gives all of them the same short time.
func together(ctx context.Context, n int, do func(ctx context.Context, i int)) {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(ctx, i) })
	}
	all.Wait()
}
