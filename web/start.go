package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/diagnose"
	"isthmus/internal/federation"
	"isthmus/templates"
)

// scene is everything that the start page judges.
type scene struct {
	federation.Snapshot
	statuses []federation.NodeStatus
	peers    []federation.PeerCertificate
	now      time.Time // that the statuses are judged by
	s        *Server
	seen     nodeSight // the nodes, as their own pages tell them
}

func (s *Server) showStart(w http.ResponseWriter, r *http.Request) error {
	sc, err := s.scene(r.Context())
	if err != nil {
		return err
	}
	straits := sc.straits()
	unseen, err := sc.unseen(r.Context())
	if err != nil {
		return err
	}
	start := templates.Start{Bar: s.bar(sc.seen.serviceSight), Straits: straits, Missing: append(sc.missing(), unseen...), Hops: sc.hops(), Nodes: sc.nodeFacts(), Tasks: sc.tasks(may(r, auth.Change))}
	start.Headline, start.Lede = headline(straits, start.Missing)
	if may(r, auth.Change) {
		draft, err := s.hasDraft(r)
		if err != nil {
			return err
		}
		start.Begin = sc.begin(draft)
		if draft {
			start.Lede += " Your draft waits in the wizard."
		}
	}
	return s.render(w, r, http.StatusOK, templates.StartPage(s.frame(r, "Start", "/"), start))
}

func (s *Server) scene(ctx context.Context) (scene, error) {
	seen, err := s.nodeSight(ctx)
	if err != nil {
		return scene{}, err
	}
	peers, err := s.knownPeers(ctx)
	return scene{seen.Snapshot, seen.statuses, peers, cmp.Or(seen.asOf, seen.now), s, seen}, err
}

// headline is the finding of the page in one sentence, and what follows from it in another.
func headline(straits []templates.Strait, missing []templates.Finding) (string, string) {
	lede := "Nothing that this page can see is missing."
	if len(missing) > 0 {
		lede = capital(counted(len(missing), "thing is", "things are")) + " missing; the worst stands first below."
	}
	if len(straits) == 0 {
		return "Nothing is set up yet.", "Both sides share a domain; Isthmus sends each request to the side where its recipient is. Begin with the domain; the wizard does the rest."
	}
	return crossings(straits), lede
}

// crossings says how many domains cross, and names one that does not. What is not checked yet is neither.
func crossings(straits []templates.Strait) string {
	crossing, out, broken := 0, 0, ""
	for _, st := range straits {
		switch st.Crossing.Mark {
		case templates.Up, templates.Part:
			crossing++
		case templates.Unknown:
		default:
			broken, out = cmp.Or(broken, st.Domain), out+1
		}
	}
	switch {
	case crossing == len(straits) && crossing == 1:
		return straits[0].Domain + " crosses."
	case crossing == len(straits):
		return fmt.Sprintf("All %d domains cross.", crossing)
	case broken == "" && crossing == 0:
		return "Routes are set up, and nothing has crossed yet."
	case broken == "":
		return fmt.Sprintf("%d of %d domains cross; the others were not used yet.", crossing, len(straits))
	case len(straits) == 1:
		return broken + " does not cross yet."
	case out == len(straits):
		return fmt.Sprintf("None of the %d domains crosses.", out)
	}
	return fmt.Sprintf("%d of %d domains cross. %s does not.", crossing, len(straits), broken)
}

func (sc scene) straits() []templates.Strait {
	var list []templates.Strait
	outward := diagnose.NewOutward(sc.Snapshot)
	for _, d := range sc.Domains {
		st := templates.Strait{Domain: d.Name, Here: counted(sc.Usage.ByDomain[d.Name], "user", "users") + " here", Crossing: sc.crossing(outward, d.Name)}
		st.There, st.ThereSub = sc.there(d.Name)
		list = append(list, st)
	}
	return list
}

// crossing joins the states of all next hops of a domain.
func (sc scene) crossing(outward diagnose.Outward, domain string) templates.State {
	if !sc.Settings.PartitionedFederation {
		return templates.State{Mark: templates.Off, Word: "Federation is off", Note: "nothing is sent to the Microsoft side"}
	}
	up, used, unknown := 0, 0, 0
	for _, route := range outward.Routes(domain) {
		used++
		switch routeState(route, sc.statuses, sc.now).Mark {
		case templates.Up, templates.Part:
			up++
		case templates.Unknown:
			unknown++
		}
	}
	switch {
	case used == 0:
		return templates.State{Mark: templates.Down, Word: "Does not cross", Note: "no static route in service"}
	case up == used:
		return templates.State{Mark: templates.Up, Word: "Crosses", Note: counted(used, "next hop is up", "next hops are up")}
	case up > 0 && up+unknown == used: // a backup that was never needed is no fault
		return templates.State{Mark: templates.Up, Word: "Crosses", Note: fmt.Sprintf("%s, %d not used yet", counted(up, "next hop is up", "next hops are up"), unknown)}
	case up > 0:
		return templates.State{Mark: templates.Part, Word: "Crosses", Note: fmt.Sprintf("%d of %d next hops up", up, used)}
	case unknown > 0:
		return templates.State{Mark: templates.Unknown, Word: "Not checked", Note: counted(used, "next hop", "next hops") + ", none used yet"}
	}
	return templates.State{Mark: templates.Down, Word: "Does not cross", Note: "no next hop answers"}
}

// there is what is known of a domain's Microsoft side: every deployment that has it, by name.
func (sc scene) there(domain string) (name, note string) {
	var names, platforms []string
	for _, d := range sc.Deployments {
		if !slices.Contains(d.Answers.Domains, domain) {
			continue
		}
		names = append(names, d.Name)
		if platform := templates.PlatformName(d.Answers.Platform); !slices.Contains(platforms, platform) {
			platforms = append(platforms, platform)
		}
	}
	if len(names) > 0 {
		return strings.Join(names, ", "), strings.Join(platforms, ", ")
	}
	if routes := routesOf(sc.Snapshot, domain); len(routes) > 0 {
		return routes[0].NextHop, "entered by hand"
	}
	return "nothing yet", ""
}

// hops are the next hops of all routes in service, each once.
func (sc scene) hops() []templates.Fact {
	var list []templates.Fact
	seen := map[string]bool{}
	for _, route := range sc.StaticRoutes {
		key := hop(route) + " " + route.Transport
		if seen[key] || !route.InService {
			continue
		}
		seen[key] = true
		list = append(list, templates.Fact{Name: hop(route), Note: strings.ToUpper(route.Transport), State: routeState(route, sc.statuses, sc.now)})
	}
	return list
}

func (sc scene) nodeFacts() []templates.Fact {
	var list []templates.Fact
	for _, n := range sc.Nodes {
		status := statusOf(sc.statuses, n.Name)
		note := counted(sc.Usage.ByNode[n.Name], "user", "users")
		if n.Routing {
			note = "routing node"
		}
		list = append(list, templates.Fact{Name: n.Name, Note: note, Number: appliedBy(status), State: sc.seen.state(n.Name)})
	}
	return list
}

// missing is what keeps the federation from working, worst first: the same findings as those of isthmus check.
func (sc scene) missing() []templates.Finding {
	if len(sc.Domains) == 0 {
		return nil
	}
	var list []templates.Finding
	for _, f := range diagnose.Run(diagnose.Facts{Snapshot: sc.Snapshot, Statuses: sc.statuses, Peers: sc.peers, Now: sc.now}) {
		if f.State != diagnose.Green {
			list = append(list, templates.Finding{Mark: marks[f.State], Title: f.Text, Text: f.Advice, Href: f.Page, Link: templates.PageName(f.Page)})
		}
	}
	return list
}

// unseen are the deployments whose Microsoft side nobody has handed a result of verify.ps1 in for. OCS has none.
func (sc scene) unseen(ctx context.Context) ([]templates.Finding, error) {
	var list []templates.Finding
	if reachOf(ctx).away() != nil { // nobody knows
		return nil, nil
	}
	for _, d := range sc.Deployments {
		if d.Answers.Platform == federation.OCS2007R2 {
			continue
		}
		_, err := sc.s.store.Verification(ctx, d.ID)
		if err == nil {
			continue
		}
		if !errors.Is(err, federation.ErrNotFound) {
			return nil, err
		}
		list = append(list, templates.Finding{Mark: templates.Part, Title: "The Microsoft side of " + d.Name + " was never seen.",
			Text: "Run its scripts there, and hand in what verify.ps1 finds.", Href: deploymentPath(d), Link: "The scripts of " + d.Name})
	}
	return list, nil
}

// marks are the marks of findings.
var marks = map[diagnose.State]string{diagnose.Red: templates.Down, diagnose.Amber: templates.Part}
