package store

import (
	"context"
	"errors"
	"slices"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

func TestARollingRestartIsRefusedWhereNoNodeCouldFollow(t *testing.T) {
	s := filled(t)
	start := func(nodes ...string) error {
		_, err := s.StartRolling(actor(t), nodes, federation.ServiceSIPProxy)
		return err
	}
	refused(t, start(), "Choose the nodes")
	refused(t, start(imp1, imp2), "not activated on imp2.synergy.com")
	refused(t, start(imp1, imp1), "named twice")
	ok(t, start(imp1))
	refused(t, start(imp1), "under way already")
	r := must(s.Rolling(t.Context()))
	refused(t, s.EndRolling(t.Context(), r.ID, ""), "still to be restarted")
	ok(t, s.EndRolling(t.Context(), r.ID, "imp1.synergy.com did not come back"))
	refused(t, s.EndRolling(t.Context(), r.ID, "again"), "ended already")
	_, err := s.StepRolling(actor(t), r.ID, 0)
	refused(t, err, "has ended")
	ok(t, start(imp1))
}

func TestEachStepOfARollingRestartIsOrderedOnce(t *testing.T) {
	s := filled(t)
	n := first(t, s.ListNodes, "name", imp2)
	n.Services = federation.Services
	must(s.SaveNode(actor(t), n))
	r := must(s.StartRolling(actor(t), []string{imp2, imp1}, federation.ServiceSIPProxy))
	if got := must(s.Snapshot(t.Context())).ServiceStates; r.Done != 0 || r.StartedBy != "ann" || r.EndedAt != nil || len(got) != 0 {
		t.Errorf("only started: %+v, ordered %+v", r, got)
	}
	results := make(chan error, 4)
	for range cap(results) {
		go func() {
			_, err := s.StepRolling(auth.WithActor(context.Background(), ann), r.ID, 0)
			results <- err
		}()
	}
	stepped := 0
	for range cap(results) {
		if err := <-results; err == nil {
			stepped++
		} else {
			refused(t, err, "went on elsewhere")
		}
	}
	got := must(s.Snapshot(t.Context()))
	if stepped != 1 || got.Restarts(imp2, federation.ServiceSIPProxy) != 1 || got.Restarts(imp1, federation.ServiceSIPProxy) != 0 {
		t.Errorf("%d of the steps at once were taken: %+v", stepped, got.ServiceStates)
	}
	r = must(s.StepRolling(actor(t), r.ID, 1))
	if _, err := s.StepRolling(actor(t), r.ID, 2); err == nil || r.Done != 2 {
		t.Errorf("after the last step: %+v, %v", r, err)
	}
	ok(t, s.EndRolling(t.Context(), r.ID, ""))
	if r = must(s.Rolling(t.Context())); r.EndedAt == nil || r.Failure != "" || !slices.Equal(r.Nodes, []string{imp2, imp1}) {
		t.Errorf("ended: %+v", r)
	}
}

func TestAStepThatCannotBeOrderedIsNotCounted(t *testing.T) {
	s := filled(t)
	r := must(s.StartRolling(actor(t), []string{imp1}, federation.ServiceSIPProxy))
	n := first(t, s.ListNodes, "name", imp1)
	n.Services = nil
	must(s.SaveNode(actor(t), n))
	_, err := s.StepRolling(actor(t), r.ID, 0)
	refused(t, err, "not activated on imp1.synergy.com")
	if r = must(s.Rolling(t.Context())); r.Done != 0 || r.EndedAt != nil {
		t.Errorf("%+v", r)
	}
	if page := must(s.Audit(t.Context(), listing.Query{Field: "action", Op: listing.Contains, Text: "restarted"})); page.Total != 0 {
		t.Errorf("%d restarts are in the audit log", page.Total)
	}
}

// Somebody may stop a service between two steps. The step looks at the order, not at what the node reported last.
func TestAStepOfARollingRestartLeavesAStoppedServiceStopped(t *testing.T) {
	s := filled(t)
	r := must(s.StartRolling(actor(t), []string{imp1}, federation.ServiceSIPProxy))
	ok(t, s.OrderService(actor(t), []string{imp1}, federation.ServiceSIPProxy, federation.StopService))
	refused(t, unchanged(t, s, func() error {
		_, err := s.StepRolling(actor(t), r.ID, 0)
		return err
	}), "On imp1.synergy.com sip_proxy was stopped by ann", "stays stopped")
	if got := must(s.Snapshot(t.Context())); got.Runs(imp1, federation.ServiceSIPProxy) || got.Restarts(imp1, federation.ServiceSIPProxy) != 0 {
		t.Errorf("stopped, then stepped on: %+v", got.ServiceStates)
	}
	if r = must(s.Rolling(t.Context())); r.Done != 0 || r.EndedAt != nil {
		t.Errorf("the refused step was counted: %+v", r)
	}
}

func TestARollingRestartIsNotStartedOnARestoredDatabase(t *testing.T) {
	s := filled(t)
	now := newest(t, s)
	reports(t, s, imp1, federation.Point{Era: now.Era, Revision: now.Revision + 4})
	_, err := s.StartRolling(actor(t), []string{imp1}, federation.ServiceSIPProxy)
	refused(t, err, "went back from revision", "Accept that")
	if _, err := s.Rolling(t.Context()); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("one was started: %v", err)
	}
}

// Whoever goes on with it orders nothing yet, so no step tells two of them apart.
func TestOfTwoWhoGoOnWithARollingRestartOneDoes(t *testing.T) {
	s := filled(t)
	seen := must(s.StartRolling(actor(t), []string{imp1}, federation.ServiceSIPProxy))
	r := must(s.ResumeRolling(actor(t), seen))
	if !r.SteppedAt.After(seen.SteppedAt) || r.ID != seen.ID || r.Done != 0 {
		t.Errorf("gone on with it is %+v", r)
	}
	_, err := s.ResumeRolling(actor(t), seen)
	refused(t, err, "went on elsewhere")
	now := newest(t, s)
	reports(t, s, imp1, federation.Point{Era: now.Era, Revision: now.Revision + 4})
	_, err = s.ResumeRolling(actor(t), r)
	refused(t, err, "went back from revision", "Accept that")
	ok(t, s.EndRolling(t.Context(), r.ID, "ended by ann"))
	ok(t, raw(t, s, `DELETE FROM node_statuses`))
	_, err = s.ResumeRolling(actor(t), r)
	refused(t, err, "has ended")
}
