package web

import (
	"context"
	"mime"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/federation"
	"isthmus/internal/powershell"
	"isthmus/templates"
)

// showOwnPage is one of the deployment's pages about the Microsoft side; a platform has those that it needs.
func (s *Server) showOwnPage(name string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		seen, err := s.sight(r.Context(), pathID(r))
		if err != nil {
			return err
		}
		pages, err := powershell.Pages(seen.Deployment, seen.snapshot)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(pages, func(p powershell.Page) bool { return p.Name == name })
		if i < 0 {
			return errNoPage
		}
		page := templates.OwnPage{Head: s.deploymentHead(r, seen, "/"+name, pages[i].Title, pages[i].Lede)}
		for _, section := range pages[i].Sections {
			page.Sections = append(page.Sections, ownSection(seen.Deployment, section))
		}
		return s.render(w, r, http.StatusOK, templates.OwnPageOf(s.frame(r, pages[i].Title+": "+seen.Name, "/deployments"), page))
	}
}

func ownSection(d federation.Deployment, section powershell.Section) templates.OwnSection {
	own := templates.OwnSection{Title: section.Title}
	for _, item := range section.Items {
		own.Items = append(own.Items, templates.OwnItem(item))
	}
	if section.Step != nil {
		file := scriptFile(d, *section.Step)
		own.File = &file
	}
	return own
}

// downloadScript hands out a file of the deployment, made anew from what is stored, which is why it is here tomorrow too.
func (s *Server) downloadScript(w http.ResponseWriter, r *http.Request) error {
	d, steps, err := s.files(r.Context(), pathID(r))
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

// files are all files of a deployment, those of its own pages among them.
func (s *Server) files(ctx context.Context, id int64) (federation.Deployment, []powershell.Step, error) {
	d, err := s.store.Deployment(ctx, id)
	if err != nil {
		return d, nil, err
	}
	snapshot, err := s.store.Snapshot(ctx)
	if err != nil {
		return d, nil, err
	}
	steps, err := powershell.Script(d, snapshot)
	if err != nil {
		return d, nil, err
	}
	pages, err := powershell.Pages(d, snapshot)
	return d, slices.Concat(steps, powershell.PageSteps(pages)), err
}
