package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/store"
	"isthmus/templates"
)

const (
	rollingLimit = 30 * time.Second       // for one node to be ready again
	rollingLook  = 250 * time.Millisecond // between two looks at what it reports
	abandoned    = 60 * time.Second       // since the last order: whoever went on with it does so no more
)

func (s *Server) startRolling(w http.ResponseWriter, r *http.Request, nodes []string, service string) error {
	rolling, err := s.store.StartRolling(r.Context(), nodes, service)
	if err != nil {
		return err
	}
	s.goOnRolling(r.Context(), rolling)
	return s.done(w, r, nil, servicesPath, "Started. "+templates.GuideServiceName(service)+" restarts on one node after the other.")
}

// controlRolling goes on with a rolling restart that nobody goes on with, or ends it.
func (s *Server) controlRolling(w http.ResponseWriter, r *http.Request) error {
	rolling, err := s.store.Rolling(r.Context())
	if err != nil {
		return err
	}
	switch r.PostForm.Get("order") {
	case "end":
		err := s.store.EndRolling(r.Context(), rolling.ID, "Ended by "+auth.ActorFrom(r.Context()).Name)
		return s.done(w, r, err, servicesPath, "Ended. The nodes that are left keep running as they are.")
	case "continue":
	default:
		return federation.Refuse("A rolling restart can be ended or gone on with. Use the buttons on the page Services.")
	}
	if rolling.EndedAt != nil || s.Now().Sub(rolling.SteppedAt) < abandoned {
		return federation.Refuse("This rolling restart has ended, or is under way. Look at its progress on the page Services.")
	}
	if rolling, err = s.store.ResumeRolling(r.Context(), rolling); err != nil {
		return err
	}
	s.goOnRolling(r.Context(), rolling)
	return s.done(w, r, nil, servicesPath, "Started. The rolling restart goes on.")
}

// goOnRolling restarts one node after the other, after the request that asked for it has been answered.
func (s *Server) goOnRolling(ctx context.Context, r federation.RollingRestart) {
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer func() {
			if panicked := recover(); panicked != nil {
				s.Log.Error("a fault inside Isthmus; the rolling restart waits to be gone on with", "reason", fmt.Sprint(panicked), "stack", string(debug.Stack()))
			}
		}()
		err := s.roll(ctx, r)
		if err == nil {
			s.Log.Info("rolling restart ended", "service", r.Service)
			return
		}
		s.Log.Warn("rolling restart stopped", "service", r.Service, "reason", err)
		var refusal federation.Refusal
		if errors.As(err, &refusal) { // else the database is away, and somebody may go on later
			_ = s.store.EndRolling(ctx, r.ID, refusal.Error()) // refused where another console went on
		}
	}()
}

// roll ends when every node was restarted and is ready again, with the first that is not, or when another console steps in.
func (s *Server) roll(ctx context.Context, r federation.RollingRestart) error {
	for {
		if r.Done > 0 {
			if err := s.awaitRestarted(ctx, r, r.Nodes[r.Done-1]); err != nil {
				return err
			}
		}
		if r.Done == len(r.Nodes) {
			return s.endRolled(ctx, r)
		}
		next, err := s.step(ctx, r)
		if err != nil || next == nil {
			return err
		}
		r = *next
	}
}

// step orders the restart on the next node, and is what it came to: nil when somebody else goes on with it or ended it.
func (s *Server) step(ctx context.Context, r federation.RollingRestart) (next *federation.RollingRestart, err error) {
	err = s.throughOutage(func(again bool) error {
		err := s.othersRun(ctx, r, r.Nodes[r.Done])
		if err != nil {
			return err
		}
		stepped, err := s.store.StepRolling(ctx, r.ID, r.Done)
		if isRefusal(err) {
			next, err = s.steppedIn(ctx, r, again, err)
			return err
		}
		next = &stepped
		return err
	})
	return next, err
}

// steppedIn tells whether a step was refused because somebody else goes on with it or ended it, which is no failure, or
// because it was made, again being whether an earlier one may have had no answer. Nobody else goes on so soon after the last.
func (s *Server) steppedIn(ctx context.Context, r federation.RollingRestart, again bool, refused error) (*federation.RollingRestart, error) {
	now, err := s.store.Rolling(ctx)
	switch {
	case err != nil:
		return nil, err
	case now.ID != r.ID || now.EndedAt != nil:
		return nil, nil
	case now.Done == r.Done:
		return nil, refused
	case again && now.Done == r.Done+1 && now.SteppedAt.Sub(r.SteppedAt) < abandoned:
		return &now, nil
	}
	return nil, nil
}

// endRolled ends what was restarted on every node. It is refused only where that was done, by somebody or by an attempt
// whose answer did not come.
func (s *Server) endRolled(ctx context.Context, r federation.RollingRestart) error {
	return s.throughOutage(func(bool) error {
		if err := s.store.EndRolling(ctx, r.ID, ""); !isRefusal(err) {
			return err
		}
		return nil
	})
}

// throughOutage tries again, as long as a node may take to be ready, while the database is away. Once it was away a refusal
// may come from reports that are not there again, so that it is asked again, too. The argument is whether it was away.
func (s *Server) throughOutage(try func(again bool) error) error {
	over := time.NewTimer(cmp.Or(s.RollingLimit, rollingLimit))
	defer over.Stop()
	look := time.NewTicker(rollingLook)
	defer look.Stop()
	for again := false; ; {
		err := try(again)
		if err == nil || !again && isRefusal(err) {
			return err
		}
		again = true
		select {
		case <-over.C:
			return err
		case <-look.C:
		}
	}
}

func isRefusal(err error) bool {
	var refusal federation.Refusal
	return errors.As(err, &refusal)
}

// othersRun refuses to restart a node while another is down: two would be.
func (s *Server) othersRun(ctx context.Context, r federation.RollingRestart, next string) error {
	sight, err := s.rollingSight(ctx)
	if err != nil {
		return err
	}
	for _, name := range r.Nodes {
		if name == next {
			continue // of which the step itself tells whether somebody stopped it
		}
		if err := sight.refuseStopped(name, r.Service); err != nil {
			return err
		}
		if !sight.ready(name, r.Service) {
			return federation.Refuse("%s is not ready, so %s was not restarted: both would be down. See to it on the page Nodes, and start again.", name, next)
		}
		if why := sight.unreached(name, time.Time{}); why != "" {
			return federation.Refuse("%s, so %s was not restarted: there both would be down. See to it on the page Nodes, and start again.", why, next)
		}
	}
	return nil
}

// refuseStopped ends a rolling restart when somebody stopped one of its nodes: nothing comes back there that could be
// waited for.
func (v serviceSight) refuseStopped(node, service string) error {
	o := v.ServiceState(node, service)
	if !o.Stopped {
		return nil
	}
	return federation.Refuse("%s was stopped on %s by %s, so no further node was restarted: two would be down.", templates.GuideServiceName(service), node, o.OrderedBy)
}

// ready reports whether a service runs on a node with every order carried out.
func (v serviceSight) ready(node, service string) bool {
	status := statusOf(v.statuses, node)
	states := []string{"", Ready, Degraded}
	if service != federation.ServiceSIPProxy {
		states = append(states, Stopped) // which is of the other service
	}
	return v.fresh(status) && slices.Contains(states, status.State) &&
		v.Runs(node, service) && status.Restarted[service] >= v.Restarts(node, service)
}

// rollingSight is what the nodes report at this moment. What was read before is no answer to whether a node is back.
func (s *Server) rollingSight(ctx context.Context) (serviceSight, error) {
	sight, err := s.serviceSight(context.WithValue(ctx, keyReach, &reach{changing: true}))
	if err == nil && !sight.asOf.IsZero() {
		err = store.ErrUnavailable
	}
	return sight, err
}

// unreached tells which running node counts a node as down, or has told nothing since a moment; "" when there is none. What
// is back goes unused where it counts as down, until probes have found it (contract 3.4).
func (v serviceSight) unreached(node string, since time.Time) string {
	address := v.Node(node).Address
	for _, n := range v.Nodes {
		status := statusOf(v.statuses, n.Name)
		switch {
		case n.Name == node || !v.fresh(status):
		case status.ReportedAt.Before(since):
			return n.Name + " has not reported since " + node + " is back"
		case slices.ContainsFunc(status.Hops, func(h federation.HopStatus) bool { return h.Host == address && h.State == federation.HopDown }):
			return n.Name + " counts " + node + " as down"
		}
	}
	return ""
}

// missing tells what there is to wait for after a restart, "" when there is nothing. ready becomes when the node was first
// seen ready.
func (v serviceSight) missing(node, service string, ready *time.Time) string {
	if !v.ready(node, service) {
		return node + " is not ready"
	}
	if ready.IsZero() {
		*ready = statusOf(v.statuses, node).ReportedAt
	}
	return v.unreached(node, *ready)
}

// awaitRestarted waits until a node reports that it is ready again, and the others that they reach it.
func (s *Server) awaitRestarted(ctx context.Context, r federation.RollingRestart, node string) error {
	limit := cmp.Or(s.RollingLimit, rollingLimit)
	over := time.NewTimer(limit)
	defer over.Stop()
	look := time.NewTicker(rollingLook)
	defer look.Stop()
	var ready time.Time // by the database's clock, as the reports of the others
	missing := ""
	for {
		sight, err := s.rollingSight(ctx)
		if err == nil { // else the database may answer the next time
			if err := sight.refuseStopped(node, r.Service); err != nil {
				return err
			}
			if missing = sight.missing(node, r.Service, &ready); missing == "" {
				return nil
			}
		}
		select {
		case <-over.C:
			return cmp.Or(err, error(federation.Refuse("%s, %v after the restart of %s, so the nodes after it were not restarted. See to it on the page Nodes, and start again.", missing, limit, node)))
		case <-look.C:
		}
	}
}

// rollingView is the rolling restart that was started last, nil when there never was one.
func (s *Server) rollingView(ctx context.Context) (*templates.RollingView, error) {
	r, err := s.store.Rolling(ctx)
	if reachOf(ctx).miss(err); reachOf(ctx).away() != nil {
		return nil, nil
	}
	if errors.Is(err, federation.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now := s.Now()
	v := &templates.RollingView{Title: "Rolling restart of " + templates.GuideServiceName(r.Service), Total: len(r.Nodes), Done: r.Done, UnderWay: r.EndedAt == nil}
	begun := "begun by " + r.StartedBy + ", " + templates.Clock(r.StartedAt, now)
	reached := fmt.Sprintf("ordered on %d of %s", r.Done, counted(len(r.Nodes), "node", "nodes"))
	switch {
	case r.EndedAt != nil && r.Failure == "":
		v.State = templates.State{Mark: templates.Up, Word: "Done on " + counted(len(r.Nodes), "node", "nodes"), Note: begun + ", ended " + templates.Clock(*r.EndedAt, now)}
	case r.EndedAt != nil:
		v.State = templates.State{Mark: templates.Part, Word: "Ended early", Note: reached + ". " + r.Failure}
	case now.Sub(r.SteppedAt) >= abandoned:
		v.Abandoned = true
		v.State = templates.State{Mark: templates.Part, Word: "Nobody goes on with it", Note: reached + ", last " + templates.Ago(r.SteppedAt, now)}
	default:
		v.State = templates.State{Mark: templates.Unknown, Word: "Under way", Note: reached + ", " + begun}
	}
	return v, nil
}
