package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/store"
	"isthmus/templates"
)

const servicesPath = "/services"

func (s *Server) serviceRoutes(r chi.Router) {
	r.Get(servicesPath, s.may(auth.Read, s.showServices))
	r.Post(servicesPath+"/profile", s.may(auth.Change, s.applyProfile))
	r.Post(servicesPath+"/control", s.may(auth.Change, s.controlAll))
	r.Post(servicesPath+"/rolling", s.may(auth.Change, s.controlRolling))
	r.Post(servicesPath+"/{id:[0-9]+}", s.may(auth.Change, s.saveServices))
	r.Post(servicesPath+"/{id:[0-9]+}/control", s.may(auth.Change, s.controlNode))
}

func (s *Server) showServices(w http.ResponseWriter, r *http.Request) error {
	return s.servicesPage(w, r, http.StatusOK, nil)
}

// servicesPage draws the page as things stand now, with what there is to say of a save that was refused.
func (s *Server) servicesPage(w http.ResponseWriter, r *http.Request, status int, refused *templates.Notice) error {
	sight, err := s.serviceSight(r.Context())
	if err != nil {
		return err
	}
	view := templates.ServicesView{Bar: s.bar(sight), Controls: sight.controls(), MayChange: may(r, auth.Change)}
	for _, n := range sight.Nodes {
		view.Rows = append(view.Rows, templates.NewServiceRow(n))
	}
	if view.Rolling, err = s.rollingView(r.Context()); err != nil {
		return err
	}
	f := s.frame(r, "Services", servicesPath)
	if refused != nil {
		f.Notice = oneBanner(f.Notice, refused)
	}
	return s.render(w, r, status, templates.ServicesPage(f, view))
}

// serviceSight reads what the nodes are to run and what they report.
func (s *Server) serviceSight(ctx context.Context) (serviceSight, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return serviceSight{}, err
	}
	statuses, asOf, err := s.statuses(ctx)
	return serviceSight{snapshot, statuses, s.Now(), asOf}, err
}

// saveServices activates the ticked services of one node. The page's own button wants to be asked, naming what stops,
// before a service that runs is switched off. It posts what was activated when it was drawn, too: a list that was made
// without knowing of somebody else's change would undo that.
func (s *Server) saveServices(w http.ResponseWriter, r *http.Request) error {
	node, err := s.store.Node(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	wanted := node.Services // left out means left alone, as in every form
	if r.PostForm.Has("services") {
		wanted = chosen(r.PostForm["services"])
	}
	if changes := changedMeanwhile(r.PostForm, node.Services, wanted); len(changes) > 0 {
		return s.servicesPage(w, r, http.StatusConflict, &templates.Notice{Mark: templates.Part, Strong: "Nothing was saved.",
			Text: "The services of " + node.Name + " were changed after you opened the page: " + strings.Join(changes, ", ") + ". The boxes show how it is now; tick what you want and save again."})
	}
	if stopping := without(node.Services, wanted); len(stopping) > 0 && r.PostForm.Has("ask") {
		return s.askToDeactivate(w, r, node.Name, stopping)
	}
	var judged []string // a form without the list of then, such as a script's, means what it says
	if r.PostForm.Has("was") {
		judged = append([]string{}, node.Services...) // never nil, also of a node that runs none
	}
	err = s.store.ActivateServices(r.Context(), node.ID, wanted, judged)
	if errors.Is(err, store.ErrOvertaken) { // since it was judged: judge it again
		return s.saveServices(w, r)
	}
	return s.done(w, r, err, servicesPath, "Saved. "+node.Name+" follows within a second.")
}

// changedMeanwhile tells what somebody else switched after the form was opened. A form without the list of then, such as a
// script's, means what it says, and one that asks for what is so already undoes nothing.
func changedMeanwhile(posted url.Values, now, wanted []string) []string {
	if !posted.Has("was") || len(without(now, wanted))+len(without(wanted, now)) == 0 {
		return nil
	}
	was := strings.Fields(posted.Get("was"))
	var changes []string
	for _, service := range without(now, was) {
		changes = append(changes, templates.GuideServiceName(service)+" was switched on")
	}
	for _, service := range without(was, now) {
		changes = append(changes, templates.GuideServiceName(service)+" was switched off")
	}
	return changes
}

func (s *Server) askToDeactivate(w http.ResponseWriter, r *http.Request, node string, stopping []string) error {
	sight, err := s.serviceSight(r.Context())
	if err != nil {
		return err
	}
	verb := "Switch off " + counted(len(stopping), "service", "services")
	ask := templates.Confirm{Title: verb + " on " + node + "?", Button: verb}
	for _, service := range stopping {
		for _, e := range sight.effects([]string{node}, service, federation.StopService) {
			ask.Effects = append(ask.Effects, templates.Effect{Name: templates.GuideServiceName(service), Text: e.Text})
		}
	}
	return s.ask(w, r, ask)
}

// ask asks before the posted form is taken as meant. The answer is the same form without the wish to be asked.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, c templates.Confirm) error {
	c.To, c.Fields = r.URL.Path, url.Values{}
	for name, values := range r.PostForm {
		if name != "ask" {
			c.Fields[name] = values
		}
	}
	c.Back = wayBack(r)
	return s.render(w, r, http.StatusOK, templates.ConfirmPage(s.frame(r, templates.PageName(c.Back), c.Back), c))
}

// without are the services of one list that the other lacks.
func without(running, wanted []string) []string {
	return slices.DeleteFunc(slices.Clone(running), func(service string) bool { return slices.Contains(wanted, service) })
}

// applyProfile activates on every node of one kind what the guide has there, in one transaction. The page's own button wants
// to be asked when a service stops by it.
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
	if r.PostForm.Has("ask") {
		ask, err := s.profileEffects(r.Context(), routing, services)
		if err != nil {
			return err
		}
		if len(ask.Effects) > 0 {
			return s.ask(w, r, ask)
		}
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
	return s.done(w, r, err, servicesPath, "Saved. "+counted(count, "node has", "nodes have")+" the services that the guide activates there.")
}

// profileEffects are what stops by a profile, none when it only activates.
func (s *Server) profileEffects(ctx context.Context, routing bool, services []string) (templates.Confirm, error) {
	sight, err := s.serviceSight(ctx)
	if err != nil {
		return templates.Confirm{}, err
	}
	c := templates.Confirm{Title: "Apply the profile?", Lede: "These services are switched off by it.", Button: "Apply the profile"}
	for _, service := range federation.Services {
		var nodes []string
		for _, n := range sight.Nodes {
			if n.Routing == routing && slices.Contains(without(n.Services, services), service) {
				nodes = append(nodes, n.Name)
			}
		}
		for _, e := range sight.effects(nodes, service, federation.StopService) {
			e.Text = templates.GuideServiceName(service) + ": " + e.Text
			c.Effects = append(c.Effects, e)
		}
	}
	return c, nil
}
