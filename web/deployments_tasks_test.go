package web_test

import (
	"net/http"
	"strings"
	"testing"

	"isthmus/internal/auth"
)

func TestTheWorkflowStandsBySideWithItsProgress(t *testing.T) {
	t.Parallel()
	c := finished(t)
	page := c.get("/deployments/1/tasks").status(http.StatusOK).page()
	page.Says(t, "h2", "On this side Here")
	page.Says(t, "h2", "On the Microsoft side There")
	page.Says(t, "#task-static_routes .state.up", "Done")
	page.Says(t, "#task-static_routes a", "Static routes")
	page.Says(t, "#task-microsoft_routes .state.unknown", "Not verified")
	if href := page.One(t, "#task-microsoft_certificates a").Attr("href"); href != "/deployments/1/certificates" {
		t.Errorf("the step leads to %s", href)
	}
	steps, done := page.All(".tasks > li"), page.All(".tasks h3 .state.up")
	if want := page.One(t, ".progress b").Text(); len(page.All(".progress .full")) != len(done) || !strings.HasPrefix(page.One(t, "h1").Text(), want) {
		t.Errorf("%d steps of %d are done, and the head says %s", len(done), len(steps), page.One(t, "h1").Text())
	}
	c.get("/deployments").page().Says(t, "td a", page.One(t, ".progress b").Text())
}

func TestAStepThatOnlyAPersonSeesIsTickedAndUntickedByName(t *testing.T) {
	t.Parallel()
	c := finished(t)
	c.post("/logout")
	c.signIn(auth.Operator)
	before := c.get("/deployments/1/tasks").page()
	tick := before.One(t, "#task-backup form")
	if got := tick.One(t, "button").Text(); got != "Tick as done: Save the contact lists" {
		t.Errorf("the button says %s", got)
	}
	posted := tick.Form()
	posted.Set("done", "true")
	for range 2 { // twice is once
		c.postForm(tick.Attr("action"), posted).to("/deployments/1/tasks#task-backup")
	}
	page := c.get("/deployments/1/tasks").page()
	page.Says(t, ".banner", "Ticked. Save the contact lists.")
	page.Says(t, "#task-backup .state.up", "Done")
	page.Says(t, "#task-backup .note", "Ticked by operator, ")
	if len(page.All(".progress .full")) != len(before.All(".progress .full"))+1 {
		t.Error("the progress did not move")
	}
	c.post("/deployments/1/ticks", "task", "backup", "done", "false").to("/deployments/1/tasks#task-backup")
	page = c.get("/deployments/1/tasks").page()
	page.Says(t, "#task-backup .state.off", "Open")
	page.Count(t, "#task-backup .note", 0)
}

func TestWhatIsNoTickIsRefused(t *testing.T) {
	t.Parallel()
	c := finished(t)
	for _, test := range []struct{ task, done, sentence string }{
		{"nothing", "true", "This deployment has no such step."},
		{"", "true", "This deployment has no such step."},
		{"ocs_ports", "true", "This deployment has no such step."}, // another platform's
		{"static_routes", "true", "The system sees by itself how this step stands, so it takes no tick."},
		{"backup", "perhaps", "Say true or false: whether the step is done."},
		{"backup", "", "Say true or false: whether the step is done."},
	} {
		c.post("/deployments/1/ticks", "task", test.task, "done", test.done).status(http.StatusUnprocessableEntity).page().Says(t, "main p", test.sentence)
	}
	if ticks := must[int](t)(c.ticks()); ticks != 0 {
		t.Errorf("%d ticks are kept", ticks)
	}
}

func (c *console) ticks() (int, error) {
	list, err := c.store.Ticks(c.t.Context(), 1)
	return len(list), err
}
