package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"isthmus/internal/auth"
)

func TestTheMicrosoftSideMaySendToABalancerBeforeTheNodes(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(4)
	c.get("/wizard/5").page().One(t, "[name=front_name]")
	named := func(name string) url.Values {
		values := steps()[4]
		values.Set("front_name", name)
		return values
	}
	c.postForm("/wizard/5", named("imp2.synergy.com")).status(http.StatusUnprocessableEntity).page().Says(t, "#error-front_name", "It is the name of a node")
	c.postForm("/wizard/5", named(" sip.synergy.com ")).to("/wizard/6")
	page := c.get("/wizard/6").page()
	page.Says(t, "details.plan th", "sip.synergy.com")
	page.Says(t, ".findings", "Behind the load balancer sip.synergy.com stands imp1.synergy.com alone")
	c.finish().to("/deployments/1")
	page = c.get("/deployments/1").page()
	page.Says(t, "[aria-labelledby=facts] .note", "The static route of the Microsoft side leads to sip.synergy.com.")
	page.Says(t, "[aria-labelledby=facts] .note", "It is that route which would name a load balancer before the nodes, and none of those here")
	page.Says(t, "[aria-labelledby=facts]", "Load balancer before them")
}

func TestNobodyIsAskedForABalancerWhereAnExpresswayOrAnAddressIsSentTo(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walkWith(url.Values{"front_name": {"sip.synergy.com"}})
	c.postForm("/wizard/1", lyncWithCalls()).to("/wizard/2")
	c.get("/wizard/5").page().Count(t, "[name=front_name]", 0)
	c.postForm("/wizard/3", edited(steps()[2], lyncWithCalls())).to("/wizard/4")
	c.finish().to("/deployments/1")
	if a := c.snapshot().Deployments[0].Answers; a.FrontName != "" || a.Destination() != "exp.synergy.com" {
		t.Errorf("the Microsoft side sends to %q, with the balancer %q", a.Destination(), a.FrontName)
	}
}
