package web

import (
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
	seen, err := s.sight(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	step, err := seen.file(chi.URLParam(r, "file"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": step.DownloadName(seen.Deployment)}))
	_, err = w.Write(step.Bytes())
	return err
}

// file is one of the deployment's files, those of its own pages among them. Where some cannot be written, the others are
// there all the same; the error of one that is not there says why it may be missing.
func (seen sight) file(name string) (powershell.Step, error) {
	steps, refused := powershell.Script(seen.Deployment, seen.snapshot)
	pages, alsoRefused := powershell.Pages(seen.Deployment, seen.snapshot)
	step, ok := powershell.File(slices.Concat(steps, powershell.PageSteps(pages)), name)
	switch {
	case ok:
		return step, nil
	case refused != nil:
		return step, refused
	case alsoRefused != nil:
		return step, alsoRefused
	}
	return step, errNoPage
}
