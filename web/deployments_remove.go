package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/powershell"
	"isthmus/internal/wizard"
	"isthmus/templates"
)

// errListChanged is a removal of another list than the one that was read.
const errListChanged = federation.Refusal("What goes and what stays is not what you read, because somebody changed the configuration meanwhile.")

// askRemove lists what goes with a deployment and what stays.
func (s *Server) askRemove(w http.ResponseWriter, r *http.Request) error {
	seen, err := s.sight(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	return s.removePage(w, r, http.StatusOK, seen, templates.Form{}, "")
}

// removePage shows what Remove would do now. notice says what became of an attempt.
func (s *Server) removePage(w http.ResponseWriter, r *http.Request, status int, seen sight, form templates.Form, notice string) error {
	changes := wizard.Removal(seen.Deployment, seen.snapshot)
	removal := templates.Removal{Name: seen.Name, To: deploymentPath(seen.Deployment) + "/remove", Form: form,
		Fingerprint: wizard.Fingerprint(changes), Effects: removalEffects(seen, changes)}
	removal.Goes, removal.Stays = templates.NewRemoval(seen.Answers, changes)
	steps, unwritten, err := refusedWords(powershell.Script(seen.Deployment, seen.snapshot))
	if err != nil {
		return err
	}
	removal.Unwritten = unwritten
	for _, file := range scriptFiles(seen.Deployment, steps) {
		switch file.Name {
		case "rollback.ps1":
			removal.Rollback = file
		case "checklist.md":
			removal.Checklist = file
		}
	}
	if err := mayApply(r, seen.snapshot, changes, removeAdvice); err != nil {
		removal.Refused = err.Error()
	}
	removal.Head = s.deploymentHead(r, seen, "/remove", "Remove "+seen.Name+"?", "The deployment goes with its page, its scripts and everything below that goes. What others use stays.")
	f := s.frame(r, "Remove "+seen.Name, "/deployments")
	if notice != "" {
		f.Notice = &templates.Notice{Mark: templates.Part, Strong: "Nothing was changed.", Text: notice}
	}
	return s.render(w, r, status, templates.RemovePage(f, removal))
}

// removalEffects say what becomes of the traffic between both sides.
func removalEffects(seen sight, changes federation.Changes) []string {
	effects := append([]string{}, changes.Warnings...)
	for _, domain := range seen.Answers.Domains {
		if left := nextHops(changes.Target, domain); left > 0 {
			effects = append(effects, domain+" then has "+counted(left, "next hop", "next hops")+" left.")
		}
	}
	gone := map[string]int{}
	for _, c := range changes.List {
		if c.Verdict == federation.VerdictRemove {
			gone[c.Kind]++
		}
	}
	if n := gone["acl"]; n > 0 && !slices.ContainsFunc(changes.Target.ACL, func(e federation.ACLEntry) bool { return e.AdmitsEverybody() }) {
		effects = append(effects, fmt.Sprintf("Requests from servers of %s that no other entry admits end with 403, because %s of the incoming ACL.", seen.Name, counted(n, "entry goes out", "entries go out")))
	}
	if n := gone["tls_peer_subject"]; n > 0 {
		effects = append(effects, "Handshakes with "+counted(n, "Common Name that goes", "Common Names that go")+" are refused.")
	}
	if len(effects) == 0 {
		effects = []string{"No request takes another way than today."}
	}
	return effects
}

// nextHops counts the routes in service that lead to exactly this domain.
func nextHops(c federation.Configuration, domain string) int {
	count := 0
	for _, r := range c.StaticRoutes {
		if r.InService && r.Destination == federation.Reverse(domain) {
			count++
		}
	}
	return count
}

const removeAdvice = "Ask an administrator to remove the deployment."

// remove takes away what was read, or nothing: it is planned again inside the lock.
func (s *Server) remove(w http.ResponseWriter, r *http.Request) error {
	var removed federation.Deployment
	_, err := s.store.RemoveDeployment(r.Context(), pathID(r), func(d federation.Deployment, now federation.Snapshot) (federation.Changes, error) {
		removed = d
		changes := wizard.Removal(d, now)
		switch err := mayApply(r, now, changes, removeAdvice); {
		case err != nil:
			return changes, err
		case wizard.Fingerprint(changes) != r.PostForm.Get("fingerprint"):
			return changes, errListChanged
		case !strings.EqualFold(strings.TrimSpace(r.PostForm.Get("name")), d.Name):
			return changes, federation.Invalid{{Path: "name", Text: "Type the whole name of the deployment, " + d.Name + ", or go back."}}
		}
		return changes, nil
	})
	var invalid federation.Invalid
	if changed := errors.Is(err, errListChanged); changed || errors.As(err, &invalid) {
		return s.removeAgain(w, r, invalid, changed)
	}
	return s.done(w, r, err, "/deployments", removedWords(removed))
}

// removedWords say what is left of a deployment on the Microsoft side.
func removedWords(d federation.Deployment) string {
	words := "Removed. " + d.Name + " is gone from here. "
	if d.Answers.Platform == federation.OCS2007R2 {
		return words + "What the checklist had you do on the Microsoft side stays until you take it back there by hand."
	}
	return words + "What its scripts made on the Microsoft side stays until the copy of rollback.ps1 that you kept is run there; nothing writes that file any more."
}

// removeAgain shows today's list after a removal was refused.
func (s *Server) removeAgain(w http.ResponseWriter, r *http.Request, invalid federation.Invalid, changed bool) error {
	seen, err := s.sight(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	if changed {
		return s.removePage(w, r, http.StatusConflict, seen, templates.Form{}, string(errListChanged)+" Read the new list below and remove again.")
	}
	return s.removePage(w, r, http.StatusUnprocessableEntity, seen, templates.Form{Values: url.Values{"name": r.PostForm["name"]}, Invalid: invalid}, "")
}
