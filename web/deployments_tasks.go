package web

import (
	"net/http"
	"slices"
	"strings"

	"isthmus/internal/auth"
	"isthmus/internal/diagnose"
	"isthmus/internal/federation"
	"isthmus/templates"
)

// showTasks is the guide's workflow for one deployment: what the system sees, and ticks for what it cannot see.
func (s *Server) showTasks(w http.ResponseWriter, r *http.Request) error {
	seen, err := s.sight(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	progress := seen.standing(s.Now()).Tasks
	page := templates.TaskPage{Progress: progress, To: deploymentPath(seen.Deployment) + "/ticks", MayChange: may(r, auth.Change),
		Head: s.deploymentHead(r, seen, "/tasks", progress.Words()+" steps are done.",
			"The guide's workflow for "+seen.Name+", from before the first change to the first message. The system looks where it can; tick the rest when you have done it.")}
	for _, side := range []templates.TaskSide{{ID: diagnose.Here, Title: "On this side", Tag: "Here"}, {ID: diagnose.There, Title: "On the Microsoft side", Tag: "There"}} {
		for _, t := range seen.tasks {
			if t.Side == side.ID {
				side.Tasks = append(side.Tasks, s.taskRow(seen, t, page.MayChange))
			}
		}
		page.Sides = append(page.Sides, side)
	}
	return s.render(w, r, http.StatusOK, templates.TasksPage(s.frame(r, "Tasks of "+seen.Name, "/deployments"), page))
}

func (s *Server) taskRow(seen sight, t diagnose.Task, mayChange bool) templates.TaskRow {
	row := templates.TaskRow{ID: t.ID, Title: t.Title, State: taskState(t), Text: t.Text, Manual: t.Manual, Done: t.State == diagnose.Done}
	row.Href, row.Link = taskLink(seen.Deployment, t.Page, mayChange)
	if t.Tick != nil {
		row.Ticked = "Ticked by " + t.Tick.By + ", " + templates.Clock(t.Tick.At, s.Now()) + "."
	}
	return row
}

func taskState(t diagnose.Task) templates.State {
	switch t.State {
	case diagnose.Done:
		return templates.State{Mark: templates.Up, Word: "Done"}
	case diagnose.Wrong:
		return templates.State{Mark: templates.Down, Word: "Wrong"}
	case diagnose.Unknown:
		return templates.State{Mark: templates.Unknown, Word: "Not verified"}
	}
	if t.Manual {
		return templates.State{Mark: templates.Off, Word: "Open"}
	}
	return templates.State{Mark: templates.Part, Word: "Open"}
}

// taskLink is the page where a step is done or seen, and its name.
func taskLink(d federation.Deployment, page string, mayChange bool) (href, name string) {
	switch {
	case page == "", page == diagnose.AskServer && !mayChange:
		return "", ""
	case page == diagnose.AskServer:
		return page, "Ask a server"
	case strings.HasPrefix(page, "/"):
		return page, templates.PageName(page)
	case page == "verification":
		return deploymentPath(d) + "#microsoft-side", "The Microsoft side"
	}
	return deploymentPath(d) + "/" + page, ownPageNames[page]
}

// tick says that a step was done that the system cannot see, or takes that back.
func (s *Server) tick(w http.ResponseWriter, r *http.Request) error {
	seen, err := s.sight(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	id, done := r.PostForm.Get("task"), r.PostForm.Get("done")
	i := slices.IndexFunc(seen.tasks, func(t diagnose.Task) bool { return t.ID == id })
	switch {
	case i < 0:
		return federation.Invalid{{Path: "task", Text: "This deployment has no such step. Open its page Tasks and tick one of those."}}
	case !seen.tasks[i].Manual:
		return federation.Invalid{{Path: "task", Text: "The system sees by itself how this step stands, so it takes no tick."}}
	case done != "true" && done != "false":
		return federation.Invalid{{Path: "done", Text: "Say true or false: whether the step is done."}}
	}
	said := "Ticked. " + seen.tasks[i].Title + "."
	if done == "false" {
		said = "Taken back. " + seen.tasks[i].Title + " is open again."
	}
	err = s.store.SetTick(r.Context(), seen.ID, id, done == "true")
	return s.done(w, r, err, deploymentPath(seen.Deployment)+"/tasks#task-"+id, said)
}
