package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/diagnose"
	"isthmus/internal/federation"
	"isthmus/internal/powershell"
	"isthmus/templates"
)

// deploymentRoutes are what the wizard leaves behind: each deployment with its scripts, its workflow, what is known of
// its Microsoft side, and the way to take it away again.
func (s *Server) deploymentRoutes(r chi.Router) {
	const one = "/deployments/{id:[0-9]+}"
	r.Get("/deployments", s.may(auth.Read, s.showDeployments))
	r.Get(one, s.may(auth.Read, s.showDeployment))
	r.Post(one+"/verification", s.may(auth.Change, s.handIn))
	r.Get(one+"/tasks", s.may(auth.Read, s.showTasks))
	r.Post(one+"/ticks", s.may(auth.Change, s.tick))
	for page := range ownPageNames {
		r.Get(one+"/"+page, s.may(auth.Read, s.showOwnPage(page)))
	}
	r.Get(one+"/remove", s.may(auth.Change, s.askRemove))
	r.Post(one+"/remove", s.may(auth.Change, s.remove))
	r.Get(one+"/{file}", s.may(auth.Read, s.downloadScript))
}

func deploymentPath(d federation.Deployment) string {
	return "/deployments/" + strconv.FormatInt(d.ID, 10)
}

func (s *Server) showDeployments(w http.ResponseWriter, r *http.Request) error {
	seen, err := s.sights(r.Context())
	if err != nil {
		return err
	}
	deployments := make([]federation.Deployment, len(seen))
	for i, one := range seen {
		deployments[i] = one.Deployment
	}
	rows := deploymentRows(deployments, s.Now())
	for i, one := range seen {
		rows[i].Standing = one.standing(s.Now())
	}
	draft := false
	if may(r, auth.Change) {
		if draft, err = s.hasDraft(r); err != nil {
			return err
		}
	}
	page := templates.DeploymentsPage(s.frame(r, "Deployments", "/deployments"), rows, may(r, auth.Change), draft)
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

func (s *Server) showDeployment(w http.ResponseWriter, r *http.Request) error {
	seen, err := s.sight(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	return s.deploymentPage(w, r, http.StatusOK, seen, templates.Form{})
}

// deploymentPage draws both sides as they are. handIn is what was sent of a result of verify.ps1 that was refused.
func (s *Server) deploymentPage(w http.ResponseWriter, r *http.Request, status int, seen sight, handIn templates.Form) error {
	steps, unwritten, err := refusedWords(powershell.Script(seen.Deployment, seen.snapshot))
	if err != nil {
		return err
	}
	row := deploymentRows([]federation.Deployment{seen.Deployment}, s.Now())[0]
	row.Standing = seen.standing(s.Now())
	handIn.To = deploymentPath(seen.Deployment) + "/verification"
	page := templates.Deployment{Row: row, Here: seen.ourSide(), There: seen.theirSide(s.Now(), handIn), Unwritten: unwritten,
		Files: scriptFiles(seen.Deployment, steps), MayChange: may(r, auth.Change)}
	page.There.MayChange, page.There.Unwritten, page.There.Command = page.MayChange, unwritten != "", powershell.HandInCommand
	page.Head = s.deploymentHead(r, seen, "", seen.headline(row.Standing), seen.lede())
	page.Certificates = linkTo(page.Head.Links, deploymentPath(seen.Deployment)+"/certificates")
	if page.MayChange {
		if page.Here.Draft, err = s.hasDraft(r); err != nil {
			return err
		}
	}
	return s.render(w, r, status, templates.DeploymentPage(s.frame(r, seen.Name, "/deployments"), page))
}

// headline is the finding of the page in one sentence, the nearer side first. Both sides are set up when every step that
// the system can see is done, and not only what the wizard makes.
func (seen sight) headline(st *templates.Standing) string {
	open := seen.open()
	switch {
	case st.Here.Mark != templates.Up || slices.ContainsFunc(open, wrongHere):
		return "This side is not as the deployment needs it."
	case seen.blind() || seen.verification == nil:
		return "Done here. Now the Microsoft side."
	case seen.stale():
		return "Done here. The Microsoft side was seen before the last change."
	case st.There.Mark != templates.Up:
		return "Done here. The Microsoft side is not as it should be yet."
	}
	switch n := len(open); n {
	case 0:
		return "Both sides are set up."
	case 1:
		return "Still open: " + open[0].Title + "."
	default:
		return "Still open: " + open[0].Title + ", and " + counted(n-1, "more step", "more steps") + "."
	}
}

// open are the steps that the system sees, or would see in a result of verify.ps1, and that are not done.
func (seen sight) open() []diagnose.Task {
	return slices.DeleteFunc(slices.Clone(seen.tasks), func(t diagnose.Task) bool { return t.Manual || t.State == diagnose.Done })
}

func wrongHere(t diagnose.Task) bool { return t.Side == diagnose.Here && t.State == diagnose.Wrong }

// lede says what is open on this side, whatever the finding is: what is done here is more than the wizard's objects.
func (seen sight) lede() string {
	const lede = "The files are made from what is stored; this page has them tomorrow too."
	var titles []string
	for _, t := range seen.open() {
		if t.Side == diagnose.Here {
			titles = append(titles, t.Title)
		}
	}
	if len(titles) == 0 {
		return lede
	}
	return "Open on this side: " + strings.Join(titles, "; ") + ". " + lede
}

// scriptFiles are the files of a deployment as a page shows them.
func scriptFiles(d federation.Deployment, steps []powershell.Step) []templates.ScriptFile {
	var files []templates.ScriptFile
	for _, step := range steps {
		files = append(files, scriptFile(d, step))
	}
	return files
}

func scriptFile(d federation.Deployment, step powershell.Step) templates.ScriptFile {
	return templates.ScriptFile{Name: step.File, Title: step.Title, Where: step.Where, Command: step.Command,
		Success: step.Success, Text: step.Text, Href: deploymentPath(d) + "/" + step.File, SavedAs: step.DownloadName(d)}
}

// linkTo is the path itself when one of the links leads there, else "".
func linkTo(links []templates.PageLink, path string) string {
	i := slices.IndexFunc(links, func(l templates.PageLink) bool { return l.Href == path })
	if i < 0 {
		return ""
	}
	return links[i].Href
}

// ourSide names what of the wizard's plan is not in place.
func (seen sight) ourSide() templates.OurSide {
	side := templates.OurSide{State: seen.here(), Refused: seen.refused}
	for _, c := range seen.plan.List {
		if c.Verdict == federation.VerdictNew || c.Verdict == federation.VerdictConflict {
			side.Missing = append(side.Missing, templates.MissingRow(seen.Answers, c))
		}
	}
	slices.SortStableFunc(side.Missing, func(a, b templates.PlanRow) int { return strings.Compare(a.Verdict, b.Verdict) }) // conflict, new
	return side
}

// theirSide lays the last result of verify.ps1 out, worst first.
func (seen sight) theirSide(now time.Time, handIn templates.Form) templates.TheirSide {
	side := templates.TheirSide{State: seen.there(now), Blind: seen.blind(), HandIn: handIn}
	v := seen.verification
	if v == nil || side.Blind {
		return side
	}
	side.Stale = seen.stale()
	side.Seen = "Looked at on " + v.Computer + ", " + templates.Clock(v.CheckedAt, now) + "; handed in by " + v.ReceivedBy + ", " +
		templates.Clock(v.ReceivedAt, now) + "."
	rank := map[string]int{federation.VerifyConflict: 0, federation.VerifyMissing: 1, federation.VerifyExists: 2}
	results := slices.SortedStableFunc(slices.Values(v.Results), func(a, b federation.VerifyResult) int {
		return cmp.Compare(rank[a.State], rank[b.State])
	})
	for _, r := range results {
		side.Results = append(side.Results, templates.NewVerifyRow(r))
	}
	return side
}
