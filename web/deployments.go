package web

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/powershell"
	"isthmus/templates"
)

// deploymentRoutes are what the wizard leaves behind: each deployment with its scripts.
func (s *Server) deploymentRoutes(r chi.Router) {
	r.Get("/deployments", s.may(auth.Read, s.showDeployments))
	r.Get("/deployments/{id:[0-9]+}", s.may(auth.Read, s.showDeployment))
	r.Get("/deployments/{id:[0-9]+}/{file}", s.may(auth.Read, s.downloadScript))
}

func deploymentPath(d federation.Deployment) string {
	return "/deployments/" + strconv.FormatInt(d.ID, 10)
}

func (s *Server) showDeployments(w http.ResponseWriter, r *http.Request) error {
	deployments, err := s.store.Deployments(r.Context())
	if err != nil {
		return err
	}
	page := templates.DeploymentsPage(s.frame(r, "Deployments", "/deployments"), deploymentRows(deployments, s.Now()), may(r, auth.Change))
	return s.render(w, r, http.StatusOK, page)
}

func deploymentRows(deployments []federation.Deployment, now time.Time) []templates.DeploymentRow {
	var rows []templates.DeploymentRow
	for _, d := range deployments {
		rows = append(rows, templates.DeploymentRow{ID: d.ID, Name: d.Name, Href: deploymentPath(d), Answers: d.Answers,
			Finished: templates.Clock(d.CreatedAt, now), By: d.CreatedBy, Revision: d.Revision})
	}
	return rows
}

// scripts writes the files of a deployment anew from what is stored, which is why they are here tomorrow too.
func (s *Server) scripts(ctx context.Context, id int64) (federation.Deployment, []powershell.Step, error) {
	d, err := s.store.Deployment(ctx, id)
	if err != nil {
		return d, nil, err
	}
	snapshot, err := s.store.Snapshot(ctx)
	if err != nil {
		return d, nil, err
	}
	steps, err := powershell.Script(d, snapshot)
	return d, steps, err
}

func (s *Server) showDeployment(w http.ResponseWriter, r *http.Request) error {
	d, steps, err := s.scripts(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	page := templates.Deployment{Row: deploymentRows([]federation.Deployment{d}, s.Now())[0], Nodes: d.Nodes}
	for _, step := range steps {
		page.Files = append(page.Files, templates.ScriptFile{Name: step.File, Title: step.Title, Where: step.Where, Command: step.Command,
			Success: step.Success, Text: step.Text, Href: deploymentPath(d) + "/" + step.File})
	}
	return s.render(w, r, http.StatusOK, templates.DeploymentPage(s.frame(r, d.Name, "/deployments"), page))
}

func (s *Server) downloadScript(w http.ResponseWriter, r *http.Request) error {
	d, steps, err := s.scripts(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	step, ok := powershell.File(steps, chi.URLParam(r, "file"))
	if !ok {
		return errNoPage
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": step.DownloadName(d)}))
	_, err = w.Write(step.Bytes())
	return err
}
