package web

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"golang.org/x/net/publicsuffix"

	"isthmus/internal/auth"
	"isthmus/internal/diagnose"
	"isthmus/internal/federation"
	"isthmus/templates"
)

func (s *Server) staticRoutes() pages {
	return resource[federation.StaticRoute, *federation.StaticRoute]{
		s: s, path: "/static-routes", one: "static route", many: "static routes", title: "Static routes", change: auth.Change,
		lede:  "Where requests go whose recipient is not licensed here. The longest pattern that fits wins; among equals, the lowest priority number is tried first.",
		empty: "Nothing is sent to the Microsoft side yet. Each domain that both sides share needs a route to a front end.",
		cols: []templates.Column{{Name: "destination", Label: "Destination pattern"}, {Name: "next_hop", Label: "Next hop"},
			{Name: "priority", Label: "Priority", Num: true}, {Name: "weight", Label: "Weight", Num: true}, {Label: "State"},
			{Name: "description", Label: "Description"}, {Name: "domain", Label: "Domain", FindOnly: true},
			{Name: "type", Label: "Type", FindOnly: true}, {Name: "port", Label: "Port", FindOnly: true},
			{Name: "transport", Label: "Protocol", FindOnly: true}},
		list: s.store.ListStaticRoutes, get: s.store.StaticRoute, save: s.store.SaveStaticRoute, remove: s.store.DeleteStaticRoutes,
		id:      func(r federation.StaticRoute) int64 { return r.ID },
		rows:    s.routeRows,
		form:    routeForm,
		page:    s.routePage,
		prepare: usualPort,
		check:   s.checkRoute,
		effects: s.routeEffects,
		saved:   s.routeSaved,
	}
}

func (s *Server) routeRows(ctx context.Context, routes []federation.StaticRoute) ([]templates.Row, error) {
	statuses, now, err := s.reported(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]templates.Row, len(routes))
	for i, r := range routes {
		state := routeState(r, statuses, now)
		rows[i] = templates.Row{ID: r.ID, Href: fmt.Sprintf("/static-routes/%d", r.ID), Label: r.Destination + " to " + hop(r), Cells: []templates.Cell{
			{Text: r.Destination, Mono: true, Note: reaches(r)},
			{Text: hop(r), Mono: true, Tag: strings.ToUpper(r.Transport)},
			{Text: fmt.Sprint(r.Priority), Num: true}, {Text: fmt.Sprint(r.Weight), Num: true},
			{State: &state}, {Text: r.Description},
		}}
	}
	return rows, nil
}

func hop(r federation.StaticRoute) string {
	switch {
	case r.Port == 0:
		return r.NextHop + " (SRV)"
	case strings.Contains(r.NextHop, ":"):
		return fmt.Sprintf("[%s]:%d", r.NextHop, r.Port)
	}
	return fmt.Sprintf("%s:%d", r.NextHop, r.Port)
}

// reaches is what a person says for the pattern.
func reaches(r federation.StaticRoute) string {
	switch domain := r.Domain(); {
	case domain == "":
		return "user parts such as phone numbers"
	case r.AllowLessSpecific:
		return domain + " and under it"
	default:
		return domain + " alone"
	}
}

// routePage tells about domains and hosts that a person would miss in the list.
func (s *Server) routePage(ctx context.Context, f templates.Frame, l templates.List) (templ.Component, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return templates.StaticRouteList(f, l, withoutRoute(snapshot)), nil
}

// withoutRoute are the domains that no static route leads to while federation is on.
func withoutRoute(snapshot federation.Snapshot) []templates.Finding {
	var list []templates.Finding
	outward := diagnose.NewOutward(snapshot)
	for _, d := range snapshot.Domains {
		if snapshot.Settings.PartitionedFederation && len(outward.Routes(d.Name)) == 0 {
			list = append(list, templates.Finding{Mark: templates.Down, Title: "No static route in service leads to " + d.Name,
				Text: "Requests for its recipients on the Microsoft side are answered with 404.",
				Href: newRoute(d.Name), Link: "Add a static route for " + d.Name})
		}
	}
	return list
}

// newRoute is the form filled in for a domain.
func newRoute(domain string) string {
	return "/static-routes/new?" + url.Values{"destination": {domain}, "type": {federation.RouteDomain}, "transport": {federation.TLS}, "port": {"5061"}}.Encode()
}

func routeForm(_ context.Context, f templates.Frame, form templates.Form) (templ.Component, error) {
	return templates.StaticRouteForm(f, form, bothWays(form)), nil
}

// bothWays shows the destination as a domain and as a pattern, whichever of the two was typed.
func bothWays(form templates.Form) string {
	r := federation.StaticRoute{Type: form.Value("type"), Destination: form.Value("destination")}
	r.Normalize()
	if domain := r.Domain(); domain != "" {
		return " Here: " + domain + " is " + r.Destination + "."
	}
	return ""
}

// usualPort is what a port is when none was posted: 5061 for TLS, else 5060 (guide p.53).
func usualPort(_ context.Context, posted url.Values) error {
	if posted.Has("port") {
		return nil
	}
	if strings.EqualFold(strings.TrimSpace(posted.Get("transport")), federation.TLS) {
		posted.Set("port", "5061")
	}
	return nil
}

// checkRoute refuses what a configuration may hold, but hardly anybody means.
func (s *Server) checkRoute(ctx context.Context, r federation.StaticRoute, _ url.Values) (federation.Invalid, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return append(notReversed(snapshot, r), wantsTLS(snapshot, r)...), nil
}

// notReversed refuses .synergy.com, which would be the pattern of com.synergy: a domain with a dot before it, not
// reversed (guide p.53). A public suffix tells which end is the top; a domain of this side is never doubted.
func notReversed(snapshot federation.Snapshot, r federation.StaticRoute) federation.Invalid {
	domain := r.Domain()
	meant := strings.TrimPrefix(r.Destination, ".")
	if domain == "" || meant == domain || snapshot.HasDomain(domain) || !snapshot.HasDomain(meant) && (public(domain) || !public(meant)) {
		return nil
	}
	return federation.Invalid{{Path: "destination", Text: r.Destination + " is the pattern of " + domain + ". For " + meant + " enter " + meant + ", or its pattern " + federation.Reverse(meant) + "."}}
}

// public reports whether a domain ends in a top-level domain of the Internet. A suffix of more than one label is listed,
// also where a company owns it, as with github.io; what ends in no listed one comes back as its last label.
func public(domain string) bool {
	suffix, icann := publicsuffix.PublicSuffix(domain)
	return icann || strings.Contains(suffix, ".")
}

// wantsTLS refuses TCP toward a front end that the wizard knows as Lync or Skype for Business, which speak TLS only
// (guide p.23, 53, 73).
func wantsTLS(snapshot federation.Snapshot, r federation.StaticRoute) federation.Invalid {
	if r.Transport != federation.TCP {
		return nil
	}
	for _, d := range snapshot.Deployments {
		front := func(h federation.Host) bool { return h.FQDN == r.NextHop || h.Address == r.NextHop }
		if d.Answers.Platform != federation.OCS2007R2 && slices.ContainsFunc(d.Answers.FrontEnds, front) {
			return federation.Invalid{{Path: "transport", Text: r.NextHop + " belongs to " + d.Name + ", and Lync and Skype for Business take TLS only; choose TLS."}}
		}
	}
	return nil
}

// routeSaved tells what the route became, and how it stands among others of its pattern.
func (s *Server) routeSaved(ctx context.Context, r federation.StaticRoute, _ url.Values) string {
	text := r.Destination + " leads to " + hop(r) + "."
	if domain := r.Domain(); domain != "" {
		text = domain + " (" + r.Destination + ") leads to " + hop(r) + "."
	}
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return text
	}
	same, equal := 0, 0
	for _, other := range snapshot.StaticRoutes {
		if other.Destination == r.Destination && other.ID != r.ID {
			same++
			if other.Priority == r.Priority {
				equal++
			}
		}
	}
	if same > 0 && same == equal {
		text += fmt.Sprintf(" All %d routes of this pattern have priority %d, so they share requests by weight; give backups a higher number.", same+1, r.Priority)
	}
	return text
}

func (s *Server) routeEffects(ctx context.Context, going []federation.StaticRoute) ([]string, bool, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, false, err
	}
	leaving := map[int64]bool{}
	for _, r := range going {
		leaving[r.ID] = true
	}
	var effects []string
	told := map[string]bool{}
	for _, r := range going {
		if told[r.Destination] {
			continue
		}
		told[r.Destination] = true
		left := 0
		for _, other := range snapshot.StaticRoutes {
			if other.Destination == r.Destination && !leaving[other.ID] && other.InService {
				left++
			}
		}
		effects = append(effects, remains(r, left))
	}
	return append(effects, "Taking a route out of service on its page keeps it for later."), false, nil
}

func remains(r federation.StaticRoute, left int) string {
	if left == 0 {
		return r.Destination + " then has no next hop left, and requests for it are answered with 404 unless a shorter pattern fits."
	}
	return r.Destination + " then has " + counted(left, "next hop", "next hops") + " left."
}
