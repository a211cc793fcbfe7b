package wizard

import (
	"testing"

	"isthmus/internal/federation"
)

// behindBalancer are answers for routing nodes behind a load balancer.
func behindBalancer() federation.Answers {
	a := enterprise()
	a.FrontName = "SIP.synergy.com."
	return a
}

func TestTheBalancerBeforeTheNodesIsLetInAndIsNoPeerSubject(t *testing.T) {
	s := snapshot()
	s.Nodes[0].Routing, s.Nodes[1].Routing = true, true
	s.Usage.ByNode = nil
	c := plan(t, behindBalancer(), s)
	wantSentence(t, lines(c), "new acl pattern=sip.synergy.com")
	wantNoSentence(t, lines(c), "name=sip.synergy.com")
	wantNoSentence(t, lines(c), "next_hop=sip.synergy.com") // it is the other side's route that leads there
	if len(c.Warnings) > 0 {
		t.Errorf("with two routing nodes nothing is doubtful, but the plan warns: %q", c.Warnings)
	}
}

func TestABalancerBeforeOneNodeIsDoubtful(t *testing.T) {
	wantSentence(t, plan(t, behindBalancer(), snapshot()).Warnings, "Behind the load balancer sip.synergy.com stands imp1.synergy.com alone; mark a second node")
}

func TestABalancerThatIsGivenUpIsLetInNoMore(t *testing.T) {
	s := run(t, snapshot(), behindBalancer())
	if again := plan(t, behindBalancer(), s); changesOnly(again) != "" {
		t.Errorf("finishing again changes\n%s", changesOnly(again))
	}
	c := plan(t, enterprise(), s)
	wantSentence(t, lines(c), "remove acl pattern=sip.synergy.com")
	wantSentence(t, c.Warnings, "The Microsoft side still holds the static routes to sip.synergy.com")
	wantSentence(t, plan(t, behindBalancer(), run(t, snapshot(), enterprise())).Warnings, "still holds the static routes to imp1.synergy.com")
	wantSentence(t, lines(Removal(s.Deployments[0], s)), "remove acl pattern=sip.synergy.com")
}
