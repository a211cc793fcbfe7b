package web

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// maxCompared is how many servers a page holds against the DNS by itself; the button of the step compares all of them.
const maxCompared = 8

// unlikeDNS are the servers whose name leads to other addresses than the one that was typed, by the fields of these. A name
// that the DNS does not know is no news here, and a session whose look-ups are all under way gets no more of them.
func (s *Server) unlikeDNS(ctx context.Context, session string, a federation.Answers) federation.Invalid {
	if !s.looks.enter(session) {
		return nil
	}
	defer s.looks.leave(session)
	hosts := a.Servers()
	hosts = hosts[:min(len(hosts), maxCompared)]
	texts := make([]string, len(hosts))
	together(ctx, len(hosts), func(ctx context.Context, i int) { texts[i] = s.unlike(ctx, hosts[i]) })
	var list federation.Invalid
	for i, text := range texts {
		if text != "" {
			list = append(list, federation.Problem{Path: serverPath(a, i) + ".address", Text: text})
		}
	}
	return list
}

func (s *Server) unlike(ctx context.Context, h federation.Host) string {
	name, err := federation.ParseFQDN(h.FQDN)
	if err != nil {
		return ""
	}
	address, err := federation.ParseAddress(h.Address)
	if err != nil {
		return ""
	}
	found := s.addressesOf(ctx, name)
	if len(found) == 0 || slices.Contains(found, address.String()) {
		return ""
	}
	return fmt.Sprintf("The DNS leads %s to %s, and not to %s; check which of them is right.", name, strings.Join(found, ", "), address)
}

// serverPath is the place of one of the answers' servers: the front ends, then the Expressway.
func serverPath(a federation.Answers, i int) string {
	if i < len(a.FrontEnds) {
		return fmt.Sprintf("front_ends[%d]", i)
	}
	return "expressway"
}

// notFound tells whoever left an address open that the look-up of the name found none.
func notFound(a federation.Answers, invalid federation.Invalid) federation.Invalid {
	for i, h := range a.Servers() {
		name, err := federation.ParseFQDN(h.FQDN)
		if err != nil || h.Address != "" {
			continue
		}
		for n, p := range invalid {
			if p.Path == serverPath(a, i)+".address" {
				invalid[n].Text = "The DNS gave no address for " + name + ", or did not answer. " + p.Text
			}
		}
	}
	return invalid
}
