package web

import (
	"fmt"
	"net/http"

	"isthmus/internal/federation"
	"isthmus/templates"
)

// askFederation asks before partitioned federation is turned on or off, as the guide's console warns (p.51 steps 1-6). The
// page's own button wants to be asked.
func (s *Server) askFederation(w http.ResponseWriter, r *http.Request, on bool) error {
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	return s.ask(w, r, federationEffects(&snapshot, on))
}

func federationEffects(s *federation.Snapshot, on bool) templates.Confirm {
	routes := 0
	for _, route := range s.StaticRoutes {
		if route.InService && !route.Blocked {
			routes++
		}
	}
	used := counted(routes, "static route in service", "static routes in service")
	nodes := counted(len(s.Nodes), "node", "nodes")
	c := templates.Confirm{Title: "Turn partitioned federation off?", Button: "Turn it off"}
	texts := []string{
		"Requests for recipients who are not licensed here are answered with 404; the " + used + " lead nobody to the Microsoft side any more.",
		"Requests under way end by the routes that they began with.",
	}
	if on {
		c.Title, c.Button = "Turn partitioned federation on?", "Turn it on"
		texts = []string{
			"Requests for recipients who are not licensed here go to the Microsoft side, by the " + used + ".",
			"Group chat does not cross, only one video system can hold the domain, and Exchange Unified Messaging cannot use it.",
		}
	}
	texts = append(texts, fmt.Sprintf("It is in force on %s within a second. The guide restarts the Cisco SIP Proxy for it and has you restart the Cisco XCP Router on all nodes; nothing is restarted here.", nodes))
	for _, text := range texts {
		c.Effects = append(c.Effects, templates.Effect{Text: text})
	}
	return c
}

// routingFacts names the listeners that nodes put into Record-Route toward a next hop: over TLS the first enabled one that
// verifies clients, else the first enabled one of the transport.
func routingFacts(s *federation.Snapshot, mayChange bool) templates.RoutingFacts {
	var facts templates.RoutingFacts
	verifying := false
	for _, l := range s.Listeners {
		name := fmt.Sprintf("%s (port %d)", l.Name, l.Port)
		switch {
		case !l.Enabled:
		case l.Transport == federation.TCP && facts.TCP == "":
			facts.TCP = name
		case l.Transport == federation.TLS && !verifying:
			context := s.TLSContext(l.TLSContext)
			if verifying = context != nil && context.VerifyClient; verifying || facts.TLS == "" {
				facts.TLS = name
			}
		}
	}
	for _, n := range s.Nodes {
		facts.MayRestart = facts.MayRestart || mayChange && n.Runs(federation.ServiceSIPProxy)
	}
	return facts
}
