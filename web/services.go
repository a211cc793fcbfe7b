package web

import (
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/templates"
)

func (s *Server) serviceRoutes(r chi.Router) {
	r.Get("/services", s.may(auth.Read, s.showServices))
	r.Post("/services/profile", s.may(auth.Change, s.applyProfile))
	r.Post("/services/{id:[0-9]+}", s.may(auth.Change, s.saveServices))
}

func (s *Server) showServices(w http.ResponseWriter, r *http.Request) error {
	snapshot, err := s.store.Snapshot(r.Context())
	if err != nil {
		return err
	}
	rows := make([]templates.ServiceRow, len(snapshot.Nodes))
	for i, n := range snapshot.Nodes {
		rows[i] = templates.NewServiceRow(n)
	}
	return s.render(w, r, http.StatusOK, templates.ServicesPage(s.frame(r, "Services", "/services"), rows, may(r, auth.Change)))
}

// saveServices activates the ticked services of one node. The page's own button wants to be asked, naming what stops,
// before a service that runs is switched off.
func (s *Server) saveServices(w http.ResponseWriter, r *http.Request) error {
	node, err := s.store.Node(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	wanted := node.Services // left out means left alone, as in every form
	if r.PostForm.Has("services") {
		wanted = chosen(r.PostForm["services"])
	}
	if stopping := without(node.Services, wanted); len(stopping) > 0 && r.PostForm.Has("ask") {
		f := s.frame(r, "Services", "/services")
		return s.render(w, r, http.StatusOK, templates.ServicesConfirm(f, templates.NewServiceRow(node), stopping, wanted))
	}
	node.Services = wanted
	_, err = s.store.SaveNode(r.Context(), node)
	return s.done(w, r, err, "/services", "Saved. "+node.Name+" follows within a second.")
}

// without are the services of one list that the other lacks.
func without(running, wanted []string) []templates.Option {
	var stopping []templates.Option
	for _, o := range templates.ServiceOptions() {
		if slices.Contains(running, o.Value) && !slices.Contains(wanted, o.Value) {
			stopping = append(stopping, o)
		}
	}
	return stopping
}

// applyProfile activates on every node of one kind what the guide has there, in one transaction.
func (s *Server) applyProfile(w http.ResponseWriter, r *http.Request) error {
	profile := r.PostForm.Get("profile")
	routing := profile == "routing"
	if !routing && profile != "home" {
		return federation.Refuse("There is no such profile. Choose one of the two buttons on the services page.")
	}
	services := templates.HomeServices
	if routing {
		services = templates.RoutingServices
	}
	count := 0
	_, err := s.store.Apply(r.Context(), "apply the profile of "+profile+" nodes", func(c federation.Configuration) (federation.Configuration, error) {
		count = 0
		for i := range c.Nodes {
			if c.Nodes[i].Routing == routing {
				c.Nodes[i].Services = slices.Clone(services)
				count++
			}
		}
		return c, nil
	})
	return s.done(w, r, err, "/services", "Saved. "+counted(count, "node has", "nodes have")+" the services that the guide activates there.")
}
